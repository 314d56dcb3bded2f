"""A phone's camera held to another's screen: the QR code that was shown there last."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np

from nobs_bot.sandbox.acts import ActError
from nobs_bot.sandbox.files import Files
from nobs_bot.sandbox.world import Person, World

_STICKER_PAGE = re.compile(r"(?:/[\w-]+)*/s/(\d+-\d+-[A-Z2-7]{8})")
# nobody scrolls further back to find a code
MOST_LOOKED_AT = 12


def scan(world: World, files: Files, scanner: Person) -> str:
    """
    What the newest code on anybody else's screen says.

    Raises:
        ActError: there is none.
    """
    pictures = [
        (stored.body["date"], stored.message_id, stored.body["photo"][-1]["file_id"])
        for person in world.persons.values()
        if person is not scanner
        for stored in world.visible(person.person_id)
        if stored.from_bot and "photo" in stored.body
    ]
    for _, _, file_id in sorted(pictures, reverse=True)[:MOST_LOOKED_AT]:
        if text := read_code(files.bytes_of(files.get(file_id))):
            return text
    raise ActError("no QR code is in sight")


def read_code(picture: bytes) -> str:
    """The text of the QR code in a JPEG or PNG; empty where there is none."""
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return ""
    # the other detector of OpenCV misses one sharp code in forty
    text, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(pixels)
    return text


def payload_of(link: str) -> str:
    """
    What comes after `?start=` in a link to the bot.

    A sticker's code leads to its page first, where a button goes on to the bot; it is taken as
    tapped.

    Raises:
        ActError: it leads elsewhere.
    """
    address = urlsplit(link)
    if page := _STICKER_PAGE.fullmatch(address.path):
        return f"s_{page[1]}"
    start = parse_qs(address.query).get("start", [])
    if address.hostname != "t.me" or not start:
        raise ActError(f"the code leads elsewhere: {link[:100]}")
    return start[0]
