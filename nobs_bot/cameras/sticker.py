"""Stickers and the batches in which they are printed, as rows, and the code that each one shows."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.settings import Settings
from nobs_bot.storage.base import Base, Identified, choice
from nobs_bot.storage.crypto import Vault

START_PREFIX = "s_"
# where the page that tells of a sticker is, below the address of our pages
PAGE_PATH = "/s"
# 40 bits: whoever tries a thousand a second needs decades for one forged sticker
_SIGNATURE_CHARACTERS = 8
_CODE = re.compile(r"([1-9]\d{0,8})-([1-9]\d{0,3})-([A-Z2-7]{8})")


class LabelSize(StrEnum):
    """Sheets of labels that are sold everywhere, A4, by how many labels a sheet has."""

    SMALL = "24"
    SQUARE = "12"
    MEDIUM = "8"
    LARGE = "4"


class StickerState(StrEnum):
    """
    Where a sticker is: printed, given to the owner, on the wall.

    EXPIRED is one that another has replaced, or whose camera takes part no more.
    """

    PRINTED = "printed"
    HANDED = "handed"
    PLACED = "placed"
    EXPIRED = "expired"


class StickerBatch(Base, Identified):
    """
    Stickers that were printed together; `received_by` is the officer who took them along.

    `count` is how many there were; the rows of cameras that were erased since are gone.
    """

    __tablename__ = "sticker_batches"
    __table_args__ = (
        Index(None, "area_code"),
        CheckConstraint("count > 0", name="not_empty"),
    )

    number: Mapped[int] = mapped_column(unique=True)
    area_code: Mapped[str]
    size: Mapped[LabelSize] = mapped_column(choice(LabelSize))
    count: Mapped[int]
    printed_by: Mapped[int] = mapped_column(BigInteger)
    printed_at: Mapped[datetime]
    received_by: Mapped[int | None] = mapped_column(BigInteger)
    received_at: Mapped[datetime | None]

    @property
    def name(self) -> str:
        """What people call it: S-1001."""
        return f"S-{self.number}"


class Sticker(Base, Identified):
    """
    One sticker of a camera. A reprint is the next version, and the former one expires.

    The photo of it on the wall is a row of `photos.Photo` that names it; `code_read` is whether its
    code could be read there, None while nobody has looked.
    """

    __tablename__ = "stickers"
    __table_args__ = (
        UniqueConstraint("camera_id", "version"),
        Index(None, "batch_id"),
    )

    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sticker_batches.id"))
    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"))
    version: Mapped[int]
    state: Mapped[StickerState] = mapped_column(choice(StickerState))
    printed_at: Mapped[datetime]
    handed_by: Mapped[int | None] = mapped_column(BigInteger)
    handed_at: Mapped[datetime | None]
    placed_by: Mapped[int | None] = mapped_column(BigInteger)
    placed_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    code_read: Mapped[bool | None]


@dataclass(frozen=True)
class Code:
    """What a sticker's code says: the camera's public number, and the how-manieth sticker it is."""

    number: int
    version: int


def code_of(vault: Vault, number: int, version: int) -> str:
    """The signed code of a sticker: 1042-1-K7QW3M2P."""
    return f"{number}-{version}-{_signature(vault, number, version)}"


def read_code(vault: Vault, text: str) -> Code | None:
    """What a code says; None where it is none of ours."""
    found = _CODE.fullmatch(text.strip().upper())
    if found is None:
        return None
    number, version = int(found[1]), int(found[2])
    wanted = _signature(vault, number, version)
    return Code(number, version) if hmac.compare_digest(wanted, found[3]) else None


def code_in(vault: Vault, link: str) -> Code | None:
    """What the code says to which a link leads; None where it is none of ours."""
    return read_code(vault, link.rpartition("/")[2].rpartition(START_PREFIX)[2])


def link_of(settings: Settings, bot_name: str, code: str) -> str:
    """Where a code leads: our page where browsers can reach us, else the bot."""
    return f"{settings.pages}{PAGE_PATH}/{code}" if settings.pages else bot_link(bot_name, code)


def bot_link(bot_name: str, code: str) -> str:
    """The bot, opened with a code."""
    return f"https://t.me/{bot_name}?start={START_PREFIX}{code}"


def _signature(vault: Vault, number: int, version: int) -> str:
    key = vault.derive("nobs/sticker/1")
    digest = hmac.new(key, f"{number}.{version}".encode(), sha256).digest()
    return base64.b32encode(digest).decode()[:_SIGNATURE_CHARACTERS]
