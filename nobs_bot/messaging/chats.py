"""What we know of a chat: whether it can be reached, and which message fills which slot."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import ExternalError
from nobs_bot.storage.base import Base
from nobs_bot.storage.work import Work

_GONE = ("forbidden", "chat not found", "user is deactivated", "bot was kicked", "peer_id_invalid")


def is_gone(error: ExternalError) -> bool:
    """Whether the chat itself refuses us, and not only this message."""
    reason = str(error).lower()
    return error.permanent and any(gone in reason for gone in _GONE)


class Chat(Base):
    """A chat that answered us with a refusal at least once; others have no row."""

    __tablename__ = "chats"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    unreachable_since: Mapped[datetime | None]
    reason: Mapped[str | None]


class Slot(Base):
    """The message that fills a slot now, so that the next of the slot can replace it."""

    __tablename__ = "slots"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


async def mark_unreachable(work: Work, chat_id: int, reason: str) -> None:
    """Remember that the person blocked us or is gone."""
    chat = await work.session.get(Chat, chat_id)
    if chat is None:
        chat = Chat(chat_id=chat_id)
        work.session.add(chat)
    chat.unreachable_since = chat.unreachable_since or work.now
    chat.reason = reason


async def mark_reachable(work: Work, chat_id: int) -> bool:
    """Forget the refusal; True where there was one."""
    chat = await work.session.get(Chat, chat_id)
    if chat is None or chat.unreachable_since is None:
        return False
    chat.unreachable_since = chat.reason = None
    return True


async def is_reachable(work: Work, chat_id: int) -> bool:
    """Whether nothing tells us that this chat refuses our messages."""
    chat = await work.session.get(Chat, chat_id)
    return chat is None or chat.unreachable_since is None


async def slot_message(work: Work, chat_id: int, name: str) -> int | None:
    """Id of the message that fills the slot now."""
    slot = await work.session.get(Slot, (chat_id, name))
    return slot.message_id if slot else None


async def fill_slot(work: Work, chat_id: int, name: str, message_id: int) -> None:
    """Remember which message fills the slot."""
    await work.session.merge(Slot(chat_id=chat_id, name=name, message_id=message_id, at=work.now))


async def forget_slots(work: Work, before: datetime) -> None:
    """Drop slots too old for Telegram to edit."""
    await work.session.execute(delete(Slot).where(Slot.at < before))


async def unreachable_among(work: Work, chat_ids: list[int]) -> set[int]:
    """Those of *chat_ids* that refuse our messages."""
    query = select(Chat.chat_id).where(
        Chat.chat_id.in_(chat_ids), Chat.unreachable_since.is_not(None)
    )
    return set((await work.session.execute(query)).scalars())
