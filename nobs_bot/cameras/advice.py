"""Owners hear of their camera's trouble once, by day, with what to do; and that it is over."""

from __future__ import annotations

from sqlalchemy import select

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras.health import CONFIRMED, Health
from nobs_bot.cameras.outages import OURS, open_outages
from nobs_bot.cameras.record import Camera, Drift
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work
from nobs_bot.streams.report import Failure
from nobs_bot.texts import Markup, Words

_SECRETS = frozenset({Failure.WRONG_PASSWORD, Failure.PASSWORD_NEEDED})
_ELSEWHERE = frozenset(
    {
        Failure.NAME_NOT_RESOLVED,
        Failure.PRIVATE_ADDRESS,
        Failure.FORBIDDEN_ADDRESS,
        Failure.NO_SUCH_PATH,
        Failure.NOT_A_CAMERA,
        Failure.REDIRECTED,
    }
)


async def tell_owners(work: Work, *, limit: int = 50) -> int:
    """Tell those whose time has come; returns of how many cameras was looked at."""
    query = (
        select(Health)
        .where(Health.tell_at <= work.now)
        .order_by(Health.tell_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = (await work.session.execute(query)).scalars().all()
    down = await open_outages(work) if due else {}
    for health in due:
        health.tell_at = None
        camera = await work.session.get(Camera, health.camera_id)
        is_out = OURS in down or (health.network or OURS) in down
        if camera is None or not camera.is_active or is_out:
            # the end of the outage sets the time anew
            continue
        if health.trouble_since is None:
            await _tell_over(work, health, camera)
        elif health.told_at is None and _is_worth_telling(health, camera):
            await _tell_trouble(work, health, camera)
    return len(due)


def _is_worth_telling(health: Health, camera: Camera) -> bool:
    # a regular check has asked the owner already
    if camera.drift is Drift.DEAD:
        return False
    return health.failures >= CONFIRMED or health.is_flapping


async def _tell_trouble(work: Work, health: Health, camera: Camera) -> None:
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    since = health.trouble_since if health.is_flapping else health.silent_since
    text = words(
        "health.told.flapping" if health.is_flapping else "health.told.silent",
        camera=camera.name,
        since=words.moment(since or work.now),
        advice=Markup(advice_for(words, health)),
    )
    message = Message(text=text, keyboard=_ways_out(words, health, camera))
    health.told_at = work.now
    stamp = int(work.now.timestamp())
    await tell(work, owner, message, f"health:{health.id}:{stamp}")
    record(
        work,
        Act.FELL_SILENT,
        actor_id=None,
        owner_id=camera.owner_id,
        camera_id=camera.id,
        failure=health.failure,
    )


async def _tell_over(work: Work, health: Health, camera: Camera) -> None:
    health.told_at = None
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    message = Message(text=words("health.told.over", camera=camera.name))
    stamp = int(work.now.timestamp())
    await tell(work, owner, message, f"health-over:{health.id}:{stamp}")
    record(work, Act.HEARD_AGAIN, actor_id=None, owner_id=camera.owner_id, camera_id=camera.id)


def advice_for(words: Words, health: Health) -> str:
    """What to do about the failure, in a check's own words."""
    if health.is_flapping:
        return words("health.advice.flapping")
    return words(f"check.failure.{health.failure}") if health.failure else ""


def _ways_out(words: Words, health: Health, camera: Camera) -> Keyboard:
    """The most promising first: the address where the failure points to it, else a new look."""
    again = button(words("drift.again_button"), "cam.check", camera.id)
    stream = button(words("drift.stream_button"), "enrol.edit", camera.id, "stream")
    pause = button(words("drift.pause_button"), "cam.pause", camera.id)
    if health.failure in _SECRETS | _ELSEWHERE:
        return column(stream, again, pause)
    return column(again, stream, pause)
