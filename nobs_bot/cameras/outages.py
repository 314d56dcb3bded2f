"""
Outages: many cameras of one network silent at once, or all of them, because we are cut off.

A hundred owners who hear at night that their cameras are dead, when their provider is, lose trust
in the next message. So what fails together is told once, to those who run the programme.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Index, LargeBinary, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.cameras.health import Health, network_name_of
from nobs_bot.cameras.record import Camera
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.quiet import by_day
from nobs_bot.people.persons import Person, persons_of, tell, words_for
from nobs_bot.people.roles import Role, everyone_with, holders
from nobs_bot.storage.base import Base, Identified, new_id
from nobs_bot.storage.work import Work
from nobs_bot.streams.report import Failure

# how a line that is cut looks; a wrong password says that the line is well
CUT_OFF = frozenset({Failure.NO_ANSWER, Failure.NAME_NOT_RESOLVED})
OURS = b""
# a network is judged by its latest looks, of at most this age
_LATEST = 8
_LEAST = 5
_SHARE = 0.8
_LATEST_OF_ALL = 15
_LEAST_OF_ALL = 8
_RECENT = timedelta(hours=1)
# whoever was silent long before says nothing about now
_FRESH = timedelta(hours=2)
_NEW = timedelta(minutes=15)
_BACK_SHARE = 0.5
_ASKED_FOR_EVIDENCE = 10
_GRACE = timedelta(hours=1)

_WORDS = {
    ("began", True): "outage.ours.began",
    ("ended", True): "outage.ours.ended",
    ("began", False): "outage.network.began",
    ("ended", False): "outage.network.ended",
}


class Outage(Base, Identified):
    """
    An outage of one network, or of our own connection where `network` is empty.

    `cameras` is how many were silent when it was noticed.
    """

    __tablename__ = "outages"
    __table_args__ = (
        Index(
            "uq_outages_open",
            "network",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    network: Mapped[bytes] = mapped_column(LargeBinary)
    cameras: Mapped[int]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def is_ours(self) -> bool:
        """Whether it is our own connection that is down."""
        return self.network == OURS


async def open_outages(work: Work) -> dict[bytes, Outage]:
    """What is down now, by network."""
    query = select(Outage).where(Outage.ended_at.is_(None)).order_by(Outage.id)
    return {each.network: each for each in (await work.session.execute(query)).scalars()}


async def judge(work: Work) -> int:
    """Notice outages that have begun or ended, and tell of them; returns how many."""
    known = await open_outages(work)
    if not known and not await _is_any_cut_off(work):
        return 0
    changed = 0
    for outage in [known[OURS]] if OURS in known else list(known.values()):
        changed += await _judge_end(work, outage)
    if OURS in known:
        return changed
    latest = await _latest(work)
    fresh = [health for health in latest if _is_cut_off(health)]
    if len(fresh) < _LEAST:
        return changed
    if _are_all_down(latest[:_LATEST_OF_ALL]):
        await _begin(work, OURS, [h for h in latest if _is_cut_off(h)])
        return changed + 1
    for network in {health.network for health in fresh if health.network} - set(known):
        of_network = [health for health in latest if health.network == network]
        if _is_down(of_network[:_LATEST]):
            await _begin(work, network, [h for h in of_network if _is_cut_off(h)])
            changed += 1
    if not changed and any(_is_new(work, health) for health in fresh):
        await _ask_for_evidence(work)
    return changed


async def _is_any_cut_off(work: Work) -> bool:
    """A look that is cheap, for all the minutes in which nothing is wrong."""
    query = select(Health.id).where(
        Health.failure.in_(CUT_OFF), Health.silent_since >= work.now - _FRESH
    )
    return (await work.session.execute(query.limit(1))).first() is not None


def _is_new(work: Work, health: Health) -> bool:
    return health.silent_since is not None and health.silent_since > work.now - _NEW


async def _latest(work: Work) -> Sequence[Health]:
    """The cameras that were looked at lately and are not long dead, the latest first."""
    query = (
        select(Health)
        .where(
            Health.pulse_at >= work.now - _RECENT,
            Health.silent_since.is_(None) | (Health.silent_since >= work.now - _FRESH),
        )
        .order_by(Health.pulse_at.desc(), Health.id)
    )
    return (await work.session.execute(query)).scalars().all()


def _is_cut_off(health: Health) -> bool:
    return health.failure in CUT_OFF


def _is_down(looks: Sequence[Health]) -> bool:
    failing = sum(_is_cut_off(each) for each in looks)
    return failing >= _LEAST and failing >= _SHARE * len(looks)


def _are_all_down(looks: Sequence[Health]) -> bool:
    """Whether not one camera of several networks answers."""
    networks = {health.network for health in looks}
    is_none_up = all(_is_cut_off(each) for each in looks)
    return is_none_up and len(looks) >= _LEAST_OF_ALL and len(networks) > 1


async def _ask_for_evidence(work: Work) -> None:
    """Look at some cameras that were well before it is their turn: are they well now?"""
    query = (
        select(Health.id)
        .where(
            Health.failure.is_(None),
            Health.pulse_at < work.now - timedelta(minutes=5),
            Health.due_at > work.now,
            Health.lease_until.is_(None),
        )
        .order_by(Health.pulse_at)
        .limit(_ASKED_FOR_EVIDENCE)
    )
    ids = (await work.session.execute(query)).scalars().all()
    if ids:
        await work.session.execute(
            update(Health)
            .where(Health.id.in_(ids))
            .values(due_at=work.now)
            .execution_options(synchronize_session=False)
        )


async def _begin(work: Work, network: bytes, silent: Sequence[Health]) -> None:
    since = min(each.silent_since or work.now for each in silent)
    outage = Outage(
        id=new_id(), network=network, cameras=len(silent), began_at=since, ended_at=None
    )
    try:
        async with work.session.begin_nested():
            work.session.add(outage)
    except IntegrityError:
        # another worker has noticed it in the same minute, and tells
        return
    for each in silent:
        # nobody is told of a camera whose line is down
        each.tell_at = None
        each.due_at = work.now + timedelta(minutes=10)
    await _tell(work, outage, silent, "began")


async def _judge_end(work: Work, outage: Outage) -> int:
    """
    It is over once most of those that were silent in it answer, or once nobody is silent.

    Cameras that never were say nothing: some answer through the worst outage.
    """
    query = select(Health).where(
        Health.pulse_at >= outage.began_at,
        or_(Health.silent_since >= outage.began_at, Health.steady_since > outage.began_at),
    )
    if not outage.is_ours:
        query = query.where(Health.network == outage.network)
    looks = (await work.session.execute(query)).scalars().all()
    back = [each for each in looks if not _is_cut_off(each)]
    if len(back) < _BACK_SHARE * len(looks):
        return 0
    outage.ended_at = work.now
    await _give_grace(work, outage)
    await _tell(work, outage, back, "ended")
    return 1


async def _give_grace(work: Work, outage: Outage) -> None:
    """Those that are silent still count from now on, and their owners hear of it in an hour."""
    query = select(Health).where(Health.failures > 0, Health.silent_since >= outage.began_at)
    if not outage.is_ours:
        query = query.where(Health.network == outage.network)
    tell_at = by_day(work.now + _GRACE, work.settings.zone)
    for health in (await work.session.execute(query)).scalars():
        health.silent_since = work.now
        health.tell_at = tell_at if health.told_at is None else None


async def _tell(work: Work, outage: Outage, cameras: Sequence[Health], what: str) -> None:
    """Administrators, and the supervisors of the areas that it is about."""
    query = select(Camera.area_code).where(Camera.id.in_([each.camera_id for each in cameras]))
    codes = sorted({code for code in (await work.session.execute(query)).scalars() if code})
    key = _WORDS[what, outage.is_ours]
    for who in await _concerned(work, codes, everyone=outage.is_ours):
        words = words_for(work, who)
        text = words(
            key,
            count=outage.cameras,
            areas=len(codes),
            network=network_name_of(work, cameras[0]) if cameras else "",
            since=words.moment(outage.began_at),
        )
        await tell(work, who, Message(text=text), f"outage:{outage.id}:{what}:{who.id}")


async def _concerned(work: Work, codes: Sequence[str], *, everyone: bool) -> list[Person]:
    ids = set(await everyone_with(work, Role.ADMINISTRATOR))
    if everyone:
        ids.update(await everyone_with(work, Role.SUPERVISOR))
    for code in codes:
        ids.update(each.id for each in await holders(work, Role.SUPERVISOR, code))
    found = await persons_of(work, ids)
    return [found[each] for each in sorted(found)]
