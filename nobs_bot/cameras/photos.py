"""Photos of a camera on its wall: taken over from Telegram in the background, cleaned, sealed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from io import BytesIO
from typing import Protocol

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import BigInteger, ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.sticker import Code, Sticker, StickerState, code_in
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.storage.base import new_id, sealed
from nobs_bot.storage.doomed import doom, doom_unless_kept, keep
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import Job, backoff, claim, held, postpone, settle
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

MOST_PHOTOS = 4
LONG_SIDE_PX = 1600
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 64_000_000
_FILE_ID = "camera_photos.file_id"
# what the QR codes in a picture say; None where that could not be found out
ReadCodes = Callable[[bytes], Awaitable[list[str] | None]]


class NotAPicture(Exception):  # noqa: N818 - says what the file is not
    """The bytes are not a picture that can be opened."""


class Photo(Job):
    """
    One photo of a camera; `file_name` is set once it is in our store.

    One that shows a sticker on the wall names that sticker, and is none of the camera's own.
    """

    __tablename__ = "camera_photos"
    __table_args__ = (Index(None, "camera_id"),)

    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"))
    unique_id: Mapped[str]
    file_id: Mapped[bytes] = sealed()
    file_name: Mapped[str | None]
    sticker_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stickers.id"))


class TelegramFiles(Protocol):
    """Hands over what people sent."""

    def stream(self, file_id: str) -> AsyncIterator[bytes]:
        """
        The file's bytes.

        Raises:
            ExternalError: Telegram does not hand it over.
        """
        ...


async def photos_of(work: Work, camera_id: int) -> Sequence[Photo]:
    """A camera's photos in the order in which they came."""
    query = (
        select(Photo)
        .where(Photo.camera_id == camera_id, Photo.sticker_id.is_(None))
        .order_by(Photo.id)
    )
    return (await work.session.execute(query)).scalars().all()


async def photo_count(work: Work, camera_id: int) -> int:
    """How many photos a camera has."""
    query = (
        select(func.count())
        .select_from(Photo)
        .where(Photo.camera_id == camera_id, Photo.sticker_id.is_(None))
    )
    return int((await work.session.execute(query)).scalar_one())


async def add_photo(work: Work, camera: Camera, file_id: str, unique_id: str) -> int:
    """
    Add a photo; the same one twice is one.

    Returns:
        How many there are now.

    Raises:
        Refusal: there are as many as we take.
    """
    photos = await photos_of(work, camera.id)
    if any(each.unique_id == unique_id for each in photos):
        return len(photos)
    if len(photos) >= MOST_PHOTOS:
        raise Refusal("enrol.photos.enough", most=MOST_PHOTOS)
    _add(work, camera.id, file_id, unique_id)
    return len(photos) + 1


def add_sticker_photo(
    work: Work, camera_id: int, sticker_id: int, file_id: str, unique_id: str
) -> None:
    """Add the photo of a sticker on the wall."""
    _add(work, camera_id, file_id, unique_id, sticker_id)


def _add(
    work: Work, camera_id: int, file_id: str, unique_id: str, sticker_id: int | None = None
) -> None:
    photo_id = new_id()
    work.session.add(
        Photo(
            id=photo_id,
            camera_id=camera_id,
            sticker_id=sticker_id,
            unique_id=unique_id,
            file_id=work.vault.seal(_FILE_ID, photo_id, file_id.encode()),
            due_at=work.now,
            attempts=0,
        )
    )


async def sticker_photo(work: Work, sticker_id: int) -> Photo | None:
    """The photo of a sticker on the wall."""
    query = select(Photo).where(Photo.sticker_id == sticker_id)
    return (await work.session.execute(query)).scalars().first()


async def drop_sticker_photo(work: Work, sticker_id: int) -> None:
    """Remove the photo of a sticker on the wall."""
    query = select(Photo).where(Photo.sticker_id == sticker_id)
    await _drop(work, (await work.session.execute(query)).scalars().all())


async def drop_photos(work: Work, camera_id: int) -> None:
    """Remove all photos of a camera; those of its stickers stay."""
    await _drop(work, await photos_of(work, camera_id))


async def _drop(work: Work, photos: Sequence[Photo]) -> None:
    for photo in photos:
        doom(work, photo.file_name)
        await work.session.delete(photo)


def as_picture(work: Work, photo: Photo) -> Picture:
    """The photo for sending: from our store, or by Telegram's id until it is there."""
    if photo.file_name:
        return Picture(kind=PictureKind.FILE, name=photo.file_name)
    file_id = work.vault.open(_FILE_ID, photo.id, photo.file_id).decode()
    return Picture(kind=PictureKind.TELEGRAM, name=file_id)


async def fetch_photos(
    office: Office,
    files: FileStore,
    telegram: TelegramFiles,
    read_codes: ReadCodes | None = None,
) -> int:
    """
    Take one waiting photo over; returns how many were worked on.

    Args:
        read_codes: Reads the QR codes in a photo of a sticker; without it nobody looks.
    """
    async with office.work() as work:
        rows = await claim(
            work, Photo, Photo.file_name.is_(None), lease=timedelta(minutes=3), limit=1
        )
        doomed = {row.id: doom_unless_kept(work, _name_of(row)) for row in rows}
    for row in rows:
        file_id = office.vault.open(_FILE_ID, row.id, row.file_id).decode()
        try:
            raw = await read_whole(telegram.stream(file_id), MOST_BYTES)
            clean = await asyncio.to_thread(clean_picture, raw)
            codes = await read_codes(clean) if read_codes and row.sticker_id else None
            await files.put(_name_of(row), clean)
        except ExternalError as exc:
            await _try_later(office, row, exc)
        except NotAPicture:
            await _reject(office, row)
        else:
            await _keep(office, row, doomed[row.id], codes)
    return len(rows)


def _name_of(row: Photo) -> str:
    """Where this attempt writes; a worker that lost its lease must not write over the next one."""
    return f"photos/{row.camera_id}/{row.id}-{row.attempts}"


async def read_whole(blocks: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """All bytes; raises `NotAPicture` where there are more than *most_bytes*."""
    whole = bytearray()
    async for block in blocks:
        whole += block
        if len(whole) > most_bytes:
            raise NotAPicture
    return bytes(whole)


def clean_picture(raw: bytes) -> bytes:
    """
    The picture upright, at most 1,600 px, as JPEG without its metadata (place, phone, time).

    Raises:
        NotAPicture: the bytes are not a picture, or one of absurd size.
    """
    try:
        with Image.open(BytesIO(raw)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise NotAPicture
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as exc:
        raise NotAPicture from exc
    except Image.DecompressionBombError as exc:
        raise NotAPicture from exc
    upright.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
    upright.info.clear()  # comments and the like, which Pillow would write again
    clean = BytesIO()
    upright.save(clean, "JPEG", quality=85)
    return clean.getvalue()


async def _keep(office: Office, row: Photo, doomed: int, codes: list[str] | None) -> None:
    async with office.work() as work:
        current = await held(work, Photo, row.id, row.attempts)
        await keep(work, doomed)
        if current is None:
            doom(work, _name_of(row))
            return
        current.file_name = _name_of(row)
        settle(current)
        if current.sticker_id is not None and codes is not None:
            await _judge_sticker(work, current, current.sticker_id, codes)


async def _judge_sticker(work: Work, photo: Photo, sticker_id: int, links: list[str]) -> None:
    """
    Whether the photo shows the sticker that it was sent for.

    Where no code can be read, an officer may look; where another's can, stickers were mixed up.
    """
    sticker = await work.session.get(Sticker, sticker_id)
    camera = await work.session.get(Camera, photo.camera_id)
    if sticker is None or camera is None or sticker.state is not StickerState.PLACED:
        return
    shown = [code for link in links if (code := code_in(work.vault, link))]
    sticker.code_read = Code(camera.number or 0, sticker.version) in shown
    if sticker.code_read or not shown:
        return
    sender = await person(work, sticker.placed_by or camera.owner_id)
    _reopen(sticker)
    doom(work, photo.file_name)
    await work.session.delete(photo)
    words = words_for(work, sender)
    is_former = shown[0].number == camera.number
    text = words(
        "sticker.told.former" if is_former else "sticker.told.other",
        camera=camera.name,
        other=f"K-{shown[0].number}",
    )
    again = column(button(words("enrol.photos.again_button"), "stk.photo", sticker.id))
    await tell(work, sender, Message(text=text, keyboard=again), f"photo-other:{photo.id}")


def _reopen(sticker: Sticker) -> None:
    sticker.state = StickerState.HANDED if sticker.handed_at else StickerState.PRINTED
    sticker.placed_by = sticker.placed_at = sticker.code_read = None


async def _try_later(office: Office, row: Photo, error: ExternalError) -> None:
    async with office.work() as work:
        current = await held(work, Photo, row.id, row.attempts)
        if current is None:
            return
        if error.permanent:
            # Telegram still shows it by its id; only our own copy is missing
            log.warning("a photo cannot be taken over: %s", error)
            settle(current)
            current.last_error = str(error)
        else:
            postpone(work, current, backoff(row.attempts), str(error))


async def _reject(office: Office, row: Photo) -> None:
    async with office.work() as work:
        current = await held(work, Photo, row.id, row.attempts)
        if current is None:
            return
        camera = await work.session.get(Camera, row.camera_id)
        await work.session.delete(current)
        if camera is None:
            return
        if current.sticker_id is not None:
            await _reopen_sticker(work, current.sticker_id, row.id)
            return
        # until the owner takes the camera over it is the officer who sends photos of it
        officer_id = camera.recorded_by if camera.state is State.RECORDED else None
        sender = await person(work, officer_id or camera.owner_id)
        words = words_for(work, sender)
        way = ("rec.photos", camera.id) if officer_id else ("enrol.edit", camera.id, "photos")
        again = column(button(words("enrol.photos.again_button"), *way))
        message = Message(text=words("enrol.photos.not_a_picture"), keyboard=again)
        await tell(work, sender, message, f"photo-bad:{row.id}")


async def _reopen_sticker(work: Work, sticker_id: int, photo_id: int) -> None:
    """What was to show a sticker on the wall shows nothing: whoever sent it sends another."""
    sticker = await work.session.get(Sticker, sticker_id)
    if sticker is None or sticker.placed_by is None:
        return
    sender = await person(work, sticker.placed_by)
    _reopen(sticker)
    words = words_for(work, sender)
    again = column(button(words("enrol.photos.again_button"), "stk.photo", sticker.id))
    message = Message(text=words("enrol.photos.not_a_picture"), keyboard=again)
    await tell(work, sender, message, f"photo-bad:{photo_id}")
