"""Who came, and where they stand in the conversation: what every update begins with."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from nobs_bot.messaging import conversation
from nobs_bot.messaging.conversation import Dialogue, Standing
from nobs_bot.people.persons import Person, hold
from nobs_bot.storage.work import Work

# both rows are locked: of one that was not, an earlier state would be read after a wait
_BOTH = (
    select(Person, Standing.state, Standing.data)
    .join(Standing, Standing.lane == Person.telegram_id)
    .where(Person.telegram_id == bindparam("account"))
    .with_for_update(key_share=True)
)


async def receive(work: Work, account: int) -> tuple[Person | None, Dialogue]:
    """
    The person of a Telegram account, and their dialogue.

    Until the transaction ends, no other one holds the same person (see `hold`). In one question for
    whoever has been asked something before, since this is asked at every update.
    """
    both = (await work.session.execute(_BOTH, {"account": account})).one_or_none()
    if both is not None:
        return both[0], conversation.read(work, account, both[1], both[2])
    who = await hold(work, account)
    return who, await conversation.load(work, account) if account else Dialogue()
