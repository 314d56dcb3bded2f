"""
The newest seal of the audit log, told to the administrators every day.

It then stands in chats that no intruder of this machine can reach: whoever replaced the whole log,
even with the keys, could not make it end in what was told.
"""

from __future__ import annotations

from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import delivery_of
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.people.roles import Role, everyone_with
from nobs_bot.storage.chain import head_of, newest_seal
from nobs_bot.storage.work import Work

HOUR = 7


async def tell_heads(work: Work) -> int:
    """From seven in the morning: the head of the chain, once a day to each administrator."""
    local = work.now.astimezone(work.settings.zone)
    seal = await newest_seal(work) if local.hour >= HOUR else None
    if seal is None:
        return 0
    told = 0
    for administrator_id in await everyone_with(work, Role.ADMINISTRATOR):
        occasion = f"audit-head:{local.date().isoformat()}:{administrator_id}"
        who = await person(work, administrator_id)
        if who.telegram_id is None or await delivery_of(work, occasion) is not None:
            continue
        words = words_for(work, who)
        head = head_of(work.vault, seal)
        text = words("audit.head", moment=words.moment(seal.at), number=seal.number, head=head)
        await tell(work, who, Message(text=text), occasion)
        told += 1
    return told
