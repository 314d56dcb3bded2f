"""Photos: cleaned of what they tell, and bombs refused."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nobs_bot.cameras import photos
from nobs_bot.cameras.photos import (
    LONG_SIDE_PX,
    MOST_BYTES,
    NotAPicture,
    as_picture,
    clean_picture,
    drop_photos,
    fetch_photos,
    photos_of,
    read_whole,
)
from nobs_bot.errors import ExternalError
from nobs_bot.messaging.message import PictureKind
from nobs_bot.storage.doomed import remove_doomed
from tests.cast import House


def picture(kind: str = "JPEG", size: tuple[int, int] = (400, 300), **save: object) -> bytes:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[: size[1] // 2] = (200, 30, 30)
    out = BytesIO()
    Image.fromarray(pixels).save(out, kind, **save)
    return out.getvalue()


def with_exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Samsung"
    exif[0x9003] = "2026:11:14 21:30:00"
    exif.get_ifd(0x8825)[1] = "S"
    exif.get_ifd(0x8825)[2] = (6.0, 9.0, 12.24)
    return picture(exif=exif, comment=b"Rumah Ibu Sari", xmp=b"<x:xmpmeta>Ibu Sari</x:xmpmeta>")


def opened(raw: bytes) -> Image.Image:
    image = Image.open(BytesIO(raw))
    image.load()
    return image


def test_place_time_phone_and_comment_are_stripped() -> None:
    raw = with_exif()
    assert b"Samsung" in raw
    clean = clean_picture(raw)
    for secret in (b"Samsung", b"2026:11:14", b"Ibu Sari", b"Exif"):
        assert secret not in clean
    assert dict(opened(clean).getexif()) == {}


def test_a_picture_is_turned_upright_before_its_orientation_is_lost() -> None:
    upside_down = opened(clean_picture(with_exif(3)))
    red_below = np.asarray(upside_down)[250, 200, 0] > 150
    assert red_below
    assert opened(clean_picture(with_exif(6))).size == (300, 400)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_every_usual_kind_becomes_a_jpeg(kind: str) -> None:
    clean = opened(clean_picture(picture(kind)))
    assert (clean.format, clean.mode, clean.size) == ("JPEG", "RGB", (400, 300))


def test_large_pictures_are_made_smaller_and_small_ones_are_left() -> None:
    assert opened(clean_picture(picture(size=(4000, 2000)))).size == (LONG_SIDE_PX, 800)
    assert opened(clean_picture(picture(size=(40, 20)))).size == (40, 20)


def test_transparency_and_palettes_are_no_trouble() -> None:
    for mode in ("RGBA", "P", "L", "LA", "1", "CMYK"):
        out = BytesIO()
        kind = "JPEG" if mode == "CMYK" else "PNG"
        Image.new(mode, (64, 48)).save(out, kind)
        assert opened(clean_picture(out.getvalue())).mode == "RGB"


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is gigantic."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (9000, 9000), (200_000, 1000), (2, 40_000_000)])
def test_bombs_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(NotAPicture):
        clean_picture(bomb(*size))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"%PDF-1.7 not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        picture()[:200],
        picture("PNG")[:60],
        b"\xff\xd8\xff\xe0" + b"\0" * 500,
        b"PK\x03\x04" + b"\0" * 100,
        bomb(0, 0),
    ],
)
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(NotAPicture):
        clean_picture(raw)


async def test_too_many_bytes_are_not_read_to_the_end() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * (1 << 20)

    with pytest.raises(NotAPicture):
        await read_whole(endless(), MOST_BYTES)
    assert taken == MOST_BYTES // (1 << 20) + 1


class Telegram:
    """Hands over what it was given, or fails."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)

    async def stream(self, file_id: str) -> AsyncIterator[bytes]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        for at in range(0, len(answer), 1000):
            yield answer[at : at + 1000]


async def test_a_photo_is_taken_over_clean_and_sealed(house: House) -> None:
    camera_id = await house.draft()
    assert await fetch_photos(house.office, house.files, Telegram(with_exif())) == 1
    assert await fetch_photos(house.office, house.files, Telegram()) == 0
    async with house.office.look() as work:
        [photo] = await photos_of(work, camera_id)
        shown = as_picture(work, photo)
    assert shown.kind is PictureKind.FILE
    assert await house.files.get(shown.name) == clean_picture(with_exif())


async def test_until_it_is_there_telegrams_own_is_shown(house: House) -> None:
    camera_id = await house.draft()
    async with house.office.look() as work:
        [photo] = await photos_of(work, camera_id)
        assert b"file-1" not in photo.file_id
        shown = as_picture(work, photo)
    assert (shown.kind, shown.name) == (PictureKind.TELEGRAM, "file-1")


async def test_a_download_that_fails_is_tried_again(house: House) -> None:
    camera_id = await house.draft()
    telegram = Telegram(ExternalError("502"), picture())
    assert await fetch_photos(house.office, house.files, telegram) == 1
    assert await fetch_photos(house.office, house.files, telegram) == 0
    house.clock.advance(timedelta(seconds=3))
    assert await fetch_photos(house.office, house.files, telegram) == 1
    async with house.office.look() as work:
        [photo] = await photos_of(work, camera_id)
        assert photo.file_name is not None


async def test_a_file_that_is_no_picture_is_dropped_and_the_owner_told(house: House) -> None:
    camera_id = await house.draft()
    await fetch_photos(house.office, house.files, Telegram(b"no picture"))
    async with house.office.look() as work:
        assert await photos_of(work, camera_id) == []
    [told] = await house.messages("Sari")
    assert told.keyboard[0][0].payload == f"enrol.edit:{camera_id}:photos"


async def test_a_photo_that_was_dropped_during_the_download_is_not_kept(house: House) -> None:
    camera_id = await house.draft()

    class Meanwhile:
        async def stream(self, file_id: str) -> AsyncIterator[bytes]:
            async with house.office.work() as work:
                await drop_photos(work, camera_id)
            yield picture()

    await fetch_photos(house.office, house.files, Meanwhile())
    assert await remove_doomed(house.office, house.files) == 1
    assert await house.told("Sari") == []


async def test_killed_before_a_row_names_it_a_copy_goes_by_itself(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera_id = await house.draft()

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(photos, "_keep", killed)
        with pytest.raises(asyncio.CancelledError):
            await fetch_photos(house.office, house.files, Telegram(picture()))
    house.clock.advance(timedelta(minutes=4))
    assert await fetch_photos(house.office, house.files, Telegram(picture())) == 1
    async with house.office.look() as work:
        [photo] = await photos_of(work, camera_id)
    folder = tmp_path / "files" / "photos" / str(camera_id)
    assert len(list(folder.iterdir())) == 2
    house.clock.advance(timedelta(days=2))
    assert await remove_doomed(house.office, house.files) == 1
    assert [f"photos/{camera_id}/{each.name}" for each in folder.iterdir()] == [photo.file_name]
