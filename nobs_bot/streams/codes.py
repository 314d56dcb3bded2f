"""QR codes in photos: read in a child, since decoders are attacked by pictures."""

from __future__ import annotations

import asyncio
from typing import Any

from nobs_bot.streams.children import Children, ForkserverBroken
from nobs_bot.streams.forkserver import Channel

DEADLINE_S = 10.0
# so many codes on one photo are as many as anybody photographs
MOST_CODES = 8
MOST_CHARACTERS = 300


def read_codes(picture: bytes) -> list[str]:
    """
    What the QR codes in a photo say.

    Args:
        picture: JPEG or PNG from somebody else; belongs into a child (see `read_codes_in_child`).
    """
    import cv2  # in the child, where it is loaded
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        return []
    # the other detector of OpenCV misses one sharp code in forty
    _, texts, _, _ = cv2.QRCodeDetectorAruco().detectAndDecodeMulti(pixels)
    return [text[:MOST_CHARACTERS] for text in texts if text][:MOST_CODES]


def work(channel: Channel) -> None:
    """The child's side of `read_codes_in_child`."""
    _, picture = channel.receive()
    channel.send({"done": read_codes(picture)})


async def read_codes_in_child(children: Children, picture: bytes) -> list[str] | None:
    """As `read_codes`, in a child that can be killed; None where it was, or where there is none."""
    try:
        child = await children.fork()
    except ForkserverBroken:
        return None
    try:
        async with asyncio.timeout(DEADLINE_S):
            order: dict[str, Any] = {
                "task": "nobs_bot.streams.codes:work",
                "arguments": {},
                "deadline_s": DEADLINE_S,
            }
            await child.give(order)
            await child.give({"picture": "photo"}, picture)
            async for message, _ in child.messages():
                if "done" in message:
                    return [str(text)[:MOST_CHARACTERS] for text in message["done"]]
    except (OSError, TimeoutError, TypeError, ValueError):
        pass
    finally:
        await child.end()
    return None
