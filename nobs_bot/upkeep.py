"""What the calendar asks for: erasing what was kept long enough, and what is due by its date."""

from __future__ import annotations

from datetime import timedelta

from nobs_bot.cameras.drift import ask_regular_checks, tell_officers
from nobs_bot.cameras.enrolment import erase_silent_drafts
from nobs_bot.cameras.recording import erase_unclaimed
from nobs_bot.cameras.rounds import keep_books
from nobs_bot.cameras.uptime import forget_old_days
from nobs_bot.footage.agreement import remind_of_reviews
from nobs_bot.footage.answers import expire_requests
from nobs_bot.footage.exits import forget_links
from nobs_bot.footage.figures import tell_weekly
from nobs_bot.footage.live.views import forget_views
from nobs_bot.footage.receiving import end_unwanted
from nobs_bot.footage.retention import erase_due
from nobs_bot.messaging import chats, inbox, outbox
from nobs_bot.people.heads import tell_heads
from nobs_bot.people.sessions import forget_sessions
from nobs_bot.storage.retention import Kind, note_lapsed
from nobs_bot.storage.work import Work

UPDATES_KEPT = timedelta(days=3)
MESSAGES_KEPT = timedelta(days=30)
SLOTS_KEPT = timedelta(days=2)


async def keep_up(work: Work) -> int:
    """Do what is due now; returns how much that was, since there may be more."""
    done = await _erase(work)
    done += await expire_requests(work)
    done += await remind_of_reviews(work)
    done += await tell_weekly(work)
    done += await ask_regular_checks(work)
    done += await tell_officers(work)
    done += await keep_books(work)
    done += await tell_heads(work)
    done += await end_unwanted(work)
    return done


async def _erase(work: Work) -> int:
    """Erase what has a term; what is done bit by bit counts as something done."""
    by_bits = {
        Kind.DRAFTS: await erase_silent_drafts(work),
        Kind.RECORDINGS: await erase_unclaimed(work),
        Kind.FOOTAGE: await erase_due(work),
    }
    at_once = {
        Kind.LIVE_VIEWS: await forget_views(work),
        Kind.UPTIME: await forget_old_days(work),
        Kind.UPDATES: await inbox.forget_done(work, work.now - UPDATES_KEPT),
        Kind.MESSAGES: await outbox.forget_settled(work, work.now - MESSAGES_KEPT),
    }
    await note_lapsed(work, by_bits | at_once)
    # keys of a moment, of no meaning afterwards
    await forget_links(work)
    await forget_sessions(work)
    await chats.forget_slots(work, work.now - SLOTS_KEPT)
    return sum(by_bits.values())
