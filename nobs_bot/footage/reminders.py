"""Reminding owners: at times that suit their deadline and the hour, three times at the most."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.footage.request import Ask, FootageRequest, Kind, Reply, RequestState, has_clip
from nobs_bot.footage.wording import ask_keyboard, windows_text
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.quiet import NIGHT_BEGINS, by_day
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.leases import claim, settle
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import Words

MOST_REMINDERS = 3
# where in the time that is left, as a share of it, each reminder comes
_SHARES = (0.35, 0.65, 0.88)
_LEAST_SPAN = timedelta(hours=2)


def reminder_at(
    asked_at: datetime, deadline: datetime, number: int, zone: ZoneInfo
) -> datetime | None:
    """
    When a reminder is to come.

    Args:
        deadline: When the footage is overwritten or the request expires, whichever is first.
        number: How many came before it.

    Returns:
        A moment by day, between the asking and the deadline; None where there is none.
    """
    span = deadline - asked_at
    if number >= MOST_REMINDERS or span < _LEAST_SPAN:
        return None
    moment = by_day(asked_at + span * _SHARES[number], zone)
    if moment >= deadline:
        moment = _evening_before(deadline, zone)
    earliest = asked_at + _LEAST_SPAN / 2
    return moment if earliest <= moment < deadline else None


def _evening_before(deadline: datetime, zone: ZoneInfo) -> datetime:
    """The last moment of day before a deadline at night."""
    local = deadline.astimezone(zone)
    day = local.date() if local.time() > NIGHT_BEGINS else local.date() - timedelta(days=1)
    evening = datetime.combine(day, NIGHT_BEGINS, zone) - timedelta(minutes=30)
    return evening.astimezone(deadline.tzinfo)


def schedule_reminder(work: Work, ask: Ask, request: FootageRequest) -> None:
    """Set when the owner is reminded next, counted from now; where never again, settle."""
    ends = [request.expires_at]
    if ask.overwritten_at is not None and ask.overwritten_at > work.now:
        ends.append(ask.overwritten_at)
    moments = (
        reminder_at(ask.asked_at, min(ends), number, work.settings.zone)
        for number in range(ask.reminders, MOST_REMINDERS)
    )
    settle(ask)
    ask.due_at = next((each for each in moments if each and each > work.now), None)


async def remind_owners(office: Office, *, limit: int = 20) -> int:
    """Remind those whose time has come; returns how many asks were looked at."""
    async with office.work() as work:
        asks = await claim(work, Ask, lease=timedelta(minutes=1), limit=limit)
        for ask in asks:
            await _remind(work, ask)
    return len(asks)


async def _remind(work: Work, ask: Ask) -> None:
    request = await work.session.get(FootageRequest, ask.request_id)
    assert request is not None
    if request.state is not RequestState.SENT or not await awaits_owner(work, ask, request):
        settle(ask)
        return
    camera = await work.session.get(Camera, ask.camera_id)
    assert camera is not None
    if not camera.gives_footage:
        # paused, or shared no more: they are left in peace, and looked at again when it is time
        schedule_reminder(work, ask, request)
        return
    ask.reminders += 1
    owner = await person(work, ask.owner_id)
    message = _reminder(words_for(work, owner), work.now, request, ask, camera.name)
    await tell(work, owner, message, f"reminder:{ask.id}:{request.kind.value}:{ask.reminders}")
    record(
        work,
        Act.REMINDED,
        actor_id=None,
        owner_id=ask.owner_id,
        camera_id=ask.camera_id,
        request_id=request.id,
        request=request.name,
    )
    schedule_reminder(work, ask, request)


async def awaits_owner(work: Work, ask: Ask, request: FootageRequest) -> bool:
    """Whether something is still to come from the owner: an answer, or the file they have."""
    if ask.reply is Reply.NONE_YET:
        return True
    # whoever has saved it has done all, until it is asked for
    saved = ask.reply is Reply.SAVED and request.kind is Kind.FOOTAGE
    return (saved or ask.reply is Reply.HAS) and not await has_clip(work, ask.id)


def _reminder(
    words: Words, now: datetime, request: FootageRequest, ask: Ask, camera_name: str
) -> Message:
    has_it = ask.reply is Reply.HAS
    lines = [
        words(
            "reminder.send" if has_it else "reminder.answer",
            request=request.name,
            camera=camera_name,
            window=windows_text(words, request.asked_windows),
        )
    ]
    if ask.overwritten_at and ask.overwritten_at > now:
        lines.append(words("ask.deadline", moment=words.moment(ask.overwritten_at)))
    lines.append(words("ask.voluntary"))
    keyboard = ask_keyboard(words, ask.id, request.kind)
    if has_it:
        keyboard = column(
            button(words("clip.again_button"), "ans.has", ask.id),
            button(words("ask.change_button"), "ans.change", ask.id),
        )
    return Message(text="\n\n".join(lines), keyboard=keyboard)
