"""
The health of connected cameras: when each is looked at next, and what a look changes.

Well cameras are spread evenly over `HEALTH_MINUTES` by their ids, so that neither a restart nor a
batch of approvals makes them come at once. Trouble is looked at again after 2, 5 and 15 minutes;
the longer it lasts the more seldom, down to once a day.

One spell of trouble ends when a camera has answered for two hours without a break. However often
it comes and goes meanwhile, its owner hears of it once, and once that it is over (see `advice`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.uptime import drop_days, note_span
from nobs_bot.messaging.quiet import by_day
from nobs_bot.storage.base import choice, new_id, sealed
from nobs_bot.storage.leases import Job
from nobs_bot.storage.work import Work
from nobs_bot.streams.pulse import Pulse
from nobs_bot.streams.report import Failure

# so many failures in a row are no hiccup
CONFIRMED = 3
# so many times silent in one spell is coming and going
FLAPPING = 4
STEADY = timedelta(hours=2)
TELL_AFTER = timedelta(minutes=15)
_AGAIN = (timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=15))
_RECOVERING = timedelta(minutes=15)
_IN_OUTAGE = timedelta(minutes=10)
_MOST_WAIT = timedelta(days=1)
_ENLISTED_AT_ONCE = 500
_NETWORK = "camera_health.network_name"


class Health(Job):
    """
    How one connected camera answers.

    `failure` is what the last look at `pulse_at` found, None where the camera answered; `failures`
    counts those in a row, and the first was at `silent_since`. A spell of trouble began at
    `trouble_since` and has had `drops` silences; in it the camera last began to answer at
    `steady_since`. The owner is to be told at `tell_at`, and was told of the trouble at `told_at`.
    `network` is the keyed digest of the address's neighbourhood, `network_name` its name, sealed.
    """

    __tablename__ = "camera_health"
    __table_args__ = (Index(None, "tell_at"), Index(None, "pulse_at"))

    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"), unique=True)
    network: Mapped[bytes | None] = mapped_column(LargeBinary)
    network_name: Mapped[bytes | None] = sealed()
    failure: Mapped[Failure | None] = mapped_column(choice(Failure))
    failures: Mapped[int] = mapped_column(default=0)
    pulse_at: Mapped[datetime | None]
    silent_since: Mapped[datetime | None]
    trouble_since: Mapped[datetime | None]
    drops: Mapped[int] = mapped_column(default=0)
    steady_since: Mapped[datetime | None]
    tell_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]

    @property
    def is_up(self) -> bool | None:
        """Whether it answers; None where nobody has looked."""
        return None if self.pulse_at is None else self.failure is None

    @property
    def is_well(self) -> bool | None:
        """Whether it answers, but for a hiccup; None where nobody has looked."""
        return None if self.pulse_at is None else self.failures < CONFIRMED

    @property
    def is_flapping(self) -> bool:
        """Whether it comes and goes."""
        return self.drops >= FLAPPING


def is_connected(camera: Camera) -> bool:
    """Whether a camera's health is looked after: it takes part, with a stream."""
    return camera.is_active and camera.stream is not None


async def health_of(work: Work, camera_id: int) -> Health | None:
    """The health of a camera; None where it is not looked after."""
    query = select(Health).where(Health.camera_id == camera_id)
    return (await work.session.execute(query)).scalar_one_or_none()


async def enlist(work: Work) -> int:
    """Look after cameras that were connected since the last time; returns how many."""
    query = (
        select(Camera.id)
        .outerjoin(Health, Health.camera_id == Camera.id)
        .where(
            Camera.state == State.APPROVED,
            Camera.paused_at.is_(None),
            Camera.stream.is_not(None),
            Health.id.is_(None),
        )
        .limit(_ENLISTED_AT_ONCE)
        .with_for_update(of=Camera, skip_locked=True)
    )
    ids = (await work.session.execute(query)).scalars().all()
    minutes = work.settings.health_minutes
    rows = [
        {
            "id": new_id(),
            "camera_id": camera_id,
            "failures": 0,
            "drops": 0,
            "due_at": next_turn(work.now, camera_id, minutes),
            "attempts": 0,
        }
        for camera_id in ids
    ]
    if rows:
        # another worker may have enlisted one of them since we looked
        insert = insert_sqlite if work.is_sqlite else insert_postgresql
        await work.session.execute(insert(Health).on_conflict_do_nothing(), rows)
    return len(rows)


async def look_soon(work: Work, camera_id: int) -> None:
    """Somebody has just had the camera checked: whether it answers need not wait for its turn."""
    health = await health_of(work, camera_id)
    if health is not None and health.failures and health.lease_until is None:
        health.due_at = work.now


async def drop_health(work: Work, camera_id: int) -> None:
    """Remove what is known of the health of a camera that leaves."""
    await work.session.execute(delete(Health).where(Health.camera_id == camera_id))
    await drop_days(work, camera_id)


def next_turn(now: datetime, camera_id: int, minutes: int) -> datetime:
    """When it is a well camera's turn: every *minutes*, at a second of its own."""
    period_s = 60 * minutes
    own_s = int.from_bytes(sha256(str(camera_id).encode()).digest()[:8], "big") % period_s
    wait_s = (own_s - now.timestamp()) % period_s
    # a look that began at its second, and ended within it, is not followed by another
    return now + timedelta(seconds=wait_s if wait_s >= 1 else wait_s + period_s)


async def note_pulse(
    work: Work, health: Health, pulse: Pulse, *, outages: Collection[bytes] = ()
) -> bool:
    """
    Keep what a look has found, and say when the next one is due.

    Args:
        outages: The networks that are down as a whole; b"" is our own.

    Returns:
        Whether the camera counts as well now where it did not, or the other way round.
    """
    was_well = health.is_well
    network = network_index(work, pulse.network)
    is_ours_down = b"" in outages
    if health.pulse_at is not None and not is_ours_down:
        await _count_time(work, health, health.pulse_at, is_up=pulse.failure is None)
    if health.network != network:
        health.network = network
        health.network_name = work.vault.seal(_NETWORK, health.id, pulse.network.encode())
    health.pulse_at = work.now
    if pulse.failure is None:
        _answered(work, health)
    else:
        _failed(work, health, pulse.failure)
    health.due_at = _next(work, health, is_out=is_ours_down or network in outages)
    health.lease_until = None
    return health.is_well is not was_well


def network_name_of(work: Work, health: Health) -> str:
    """What the camera's network is called; empty where nobody has looked yet."""
    if health.network_name is None:
        return ""
    return work.vault.open(_NETWORK, health.id, health.network_name).decode()


def network_index(work: Work, network: str) -> bytes:
    """The keyed digest of a neighbourhood: alike are found, none can be read."""
    return work.vault.blind_index("network", network)


async def _count_time(work: Work, health: Health, since: datetime, *, is_up: bool) -> None:
    period = timedelta(minutes=work.settings.health_minutes)
    longest = 2 * period if health.failure is None else _MOST_WAIT + period
    # longer than that nobody has looked, and nobody knows
    if work.now - since <= longest:
        was_up = health.failure is None
        await note_span(work, health.camera_id, since, was_up=was_up, is_up=is_up)


def _answered(work: Work, health: Health) -> None:
    if health.failures:
        health.steady_since = work.now
    health.failure = health.silent_since = None
    health.failures = 0
    if health.trouble_since is None or health.steady_since is None:
        return
    if work.now - health.steady_since >= STEADY:
        health.trouble_since = None
        health.drops = 0
        # whoever heard of the trouble hears that it is over; nobody else
        health.tell_at = by_day(work.now, work.settings.zone) if health.told_at else None


def _failed(work: Work, health: Health, failure: Failure) -> None:
    health.failures += 1
    health.failure = failure
    health.steady_since = None
    if health.failures == 1:
        health.silent_since = work.now
        health.drops += 1
    if health.trouble_since is None:
        health.trouble_since = work.now
        # that it was over is not told any more, since it is not
        health.tell_at = None
    is_worth_telling = health.failures >= CONFIRMED or health.is_flapping
    if is_worth_telling and health.told_at is None and health.tell_at is None:
        health.tell_at = by_day(work.now + TELL_AFTER, work.settings.zone)


def _next(work: Work, health: Health, *, is_out: bool) -> datetime:
    period = timedelta(minutes=work.settings.health_minutes)
    turn = next_turn(work.now, health.camera_id, work.settings.health_minutes)
    if health.failure is None:
        # it has just come back: whether it stays is to be seen soon
        return turn if health.trouble_since is None else min(turn, work.now + _RECOVERING)
    if is_out:
        return work.now + _IN_OUTAGE
    if health.failures <= len(_AGAIN):
        return work.now + _AGAIN[health.failures - 1]
    silent_for = work.now - (health.silent_since or work.now)
    return work.now + min(_MOST_WAIT, max(period, silent_for / 4))
