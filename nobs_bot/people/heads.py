"""
What the administrators are told every morning: the audit log's newest seal, and what was erased.

The seal then stands in chats that no intruder of this machine can reach: whoever replaced the whole
log, even with the keys, could not make it end in what was told.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import delivery_of
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.people.roles import Role, everyone_with
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.chain import head_of, newest_seal
from nobs_bot.storage.retention import Kind, forget_told, lapsed
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup, Words

HOUR = 7


async def tell_heads(work: Work) -> int:
    """From seven in the morning: head of the chain and what was erased, once to each of them."""
    local = work.now.astimezone(work.settings.zone)
    seal = await newest_seal(work) if local.hour >= HOUR else None
    if seal is None:
        return 0
    told = 0
    erased = await lapsed(work)
    for administrator_id in await everyone_with(work, Role.ADMINISTRATOR):
        occasion = f"audit-head:{local.date().isoformat()}:{administrator_id}"
        who = await person(work, administrator_id)
        if who.telegram_id is None or await delivery_of(work, occasion) is not None:
            continue
        words = words_for(work, who)
        head = head_of(work.vault, seal)
        text = words("audit.head", moment=words.moment(seal.at), number=seal.number, head=head)
        if erased:
            text += "\n\n" + words("retention.told", erased=_erased(words, erased))
        await tell(work, who, Message(text=text), occasion)
        told += 1
    if told and erased:
        counts: dict[str, Any] = {kind.value: count for kind, count in erased.items()}
        record(work, Act.TERMS_KEPT, actor_id=None, **counts)
        await forget_told(work)
    return told


def _erased(words: Words, erased: Counter[Kind]) -> Markup:
    told = [words.plural(f"retention.{kind}", erased[kind]) for kind in Kind if erased[kind]]
    return Markup("; ".join(told))
