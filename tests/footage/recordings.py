"""Clips as owners send them: real videos, made small; and a request with clips in a house."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from itertools import count

import av
import numpy as np
from sqlalchemy import select

from nobs_bot.footage import asking
from nobs_bot.footage.clips import add_clip, fetch_clips
from nobs_bot.footage.request import Ask, Clip, FootageRequest, asks_of
from tests.cast import House
from tests.footage.requests import QUESTION

_numbers = count(1)


def video(
    form: str = "mp4",
    *,
    seconds: float = 2,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    colour: int = 200,
) -> bytes:
    """A recording of a bar that moves, 10 pictures a second."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(round(seconds * 10)):
            picture = np.full((size[1], size[0], 3), 90, np.uint8)
            picture[:, : 10 + number * 5 % size[0]] = (colour, 50, 20)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes without any pattern."""
    return np.random.default_rng(seed).bytes(size)


class Handed:
    """Telegram's side: hands over what it is given, by file id, in odd blocks."""

    def __init__(self, **files: bytes) -> None:
        self.files = files

    async def stream(self, file_id: str) -> AsyncIterator[bytes]:
        content = self.files[file_id]
        for at in range(0, len(content), 65_521):
            yield content[at : at + 65_521]


async def asked(house: House, *owners: str) -> int:
    """A request of Rahmat's to cameras of these owners; its id."""
    for owner in owners:
        await house.approved(owner)
    async with house.acting("Rahmat") as (work, rahmat):
        return (await asking.send(work, rahmat, QUESTION)).id


async def send_clip(
    house: House,
    request_id: int,
    content: bytes,
    *,
    owner: str = "Sari",
    name: str = "kamera depan.mp4",
    recompressed: bool = False,
) -> int:
    """A file of an owner's, taken over; its id."""
    file_id = f"file{next(_numbers)}"
    async with house.acting(owner) as (work, who):
        asks = await asks_of(work, request_id)
        [ask] = [each for each in asks if each.owner_id == who.id]
        await add_clip(
            work,
            ask.id,
            who,
            file_id=file_id,
            unique_id=file_id,
            name=name,
            size_bytes=len(content),
            recompressed=recompressed,
        )
    taken = await fetch_clips(house.office, house.files, Handed(**{file_id: content}), house.looker)
    assert taken == 1
    async with house.office.look() as work:
        query = select(Clip.id).where(Clip.unique_id == file_id)
        return int((await work.session.execute(query)).scalar_one())


async def clip_of(house: House, clip_id: int) -> Clip:
    """The clip as it is in the database now."""
    async with house.office.look() as work:
        clip = await work.session.get(Clip, clip_id)
        assert clip is not None
        return clip


async def three_clips(house: House) -> tuple[int, dict[str, bytes]]:
    """
    A request answered by two owners with three clips; one of them is larger than two MiB.

    Returns:
        The request's id, and the contents by the names under which they were sent.
    """
    request_id = await asked(house, "Sari", "Budi")
    sent = {
        "kamera depan.mp4": ("Sari", video()),
        "kamera samping.dav": ("Sari", b"DHAV" + noise(2 * 1024 * 1024 + 777)),
        "../../rumah Pak Budi?.ts": ("Budi", video("mpegts", colour=30)),
    }
    for name, (owner, content) in sent.items():
        await send_clip(house, request_id, content, owner=owner, name=name)
    async with house.office.work() as work:
        for ask in (await work.session.execute(select(Ask))).scalars():
            ask.clock_error_s, ask.clock_read_at = -125, work.now
        for clip in (await work.session.execute(select(Clip))).scalars():
            clip.clock_error_s = -125
    return request_id, {name: content for name, (_, content) in sent.items()}


async def the_request(house: House, request_id: int) -> FootageRequest:
    """The request as it is in the database now."""
    async with house.office.look() as work:
        request = await work.session.get(FootageRequest, request_id)
        assert request is not None
        return request
