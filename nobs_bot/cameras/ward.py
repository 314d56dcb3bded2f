"""The health of an area's cameras, as officers see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import func, select

from nobs_bot.cameras.health import Health
from nobs_bot.cameras.outages import Outage
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.review import within
from nobs_bot.cameras.uptime import Uptime, uptime_by_area
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, acting_as, covers, grants_of
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.tallies import Counting
from nobs_bot.storage.work import Work

# whoever may see single cameras of an area
SEERS = frozenset({Role.FIELD_OFFICER, Role.REVIEWER, Role.INVESTIGATOR, Role.SUPERVISOR})
MOST_LISTED = 12


@dataclass(frozen=True)
class Ward:
    """
    One kelurahan's connected cameras.

    Args:
        answering, silent, unknown: How many answer, do not, and were not looked at yet.
        uptime: Of the last seven days.
    """

    answering: int = 0
    silent: int = 0
    unknown: int = 0
    uptime: Uptime = field(default_factory=Uptime)

    @property
    def connected(self) -> int:
        """All of them."""
        return self.answering + self.silent + self.unknown

    def __add__(self, other: Ward) -> Ward:
        return Ward(
            self.answering + other.answering,
            self.silent + other.silent,
            self.unknown + other.unknown,
            self.uptime + other.uptime,
        )


async def areas_watched(work: Work, officer: Person) -> list[str]:
    """
    The areas whose health an officer may see.

    Raises:
        Refusal: none.
    """
    codes = {grant.area_code for grant in await grants_of(work, officer.id) if grant.role in SEERS}
    if not codes:
        raise Refusal("roles.needed")
    return sorted(
        code for code in codes if not any(other != code and covers(other, code) for other in codes)
    )


async def wards(work: Work, codes: Sequence[str]) -> dict[str, Ward]:
    """Each kelurahan of these areas that has a connected camera."""
    found = await WARDS.counts(work)
    return {area: each for area, each in found.items() if any(covers(code, area) for code in codes)}


async def _wards(work: Work) -> dict[str, Ward]:
    query = (
        select(Camera.area_code, Health.pulse_at.is_(None), Health.failure.is_(None), func.count())
        .outerjoin(Health, Health.camera_id == Camera.id)
        .where(
            Camera.state == State.APPROVED,
            Camera.paused_at.is_(None),
            Camera.stream.is_not(None),
        )
        .group_by(Camera.area_code, Health.pulse_at.is_(None), Health.failure.is_(None))
    )
    found: dict[str, Ward] = {}
    for area, is_unknown, is_up, count in (await work.session.execute(query)).all():
        ward = Ward(
            answering=0 if is_unknown or not is_up else count,
            silent=0 if is_unknown or is_up else count,
            unknown=count if is_unknown else 0,
        )
        found[area or ""] = found.get(area or "", Ward()) + ward
    uptimes = await uptime_by_area(work)
    return {area: ward + Ward(uptime=uptimes.get(area, Uptime())) for area, ward in found.items()}


WARDS: Counting[dict[str, Ward]] = Counting(
    name="wards",
    count=_wards,
    as_json=lambda found: {area: asdict(each) for area, each in found.items()},
    from_json=lambda kept: {
        area: Ward(**{**each, "uptime": Uptime(**each["uptime"])}) for area, each in kept.items()
    },
)


async def in_outage(work: Work, codes: Sequence[str]) -> int:
    """How many cameras of these areas are silent because their network is down."""
    query = (
        select(func.count())
        .select_from(Health)
        .join(Camera, Camera.id == Health.camera_id)
        .join(Outage, (Outage.network == Health.network) & Outage.ended_at.is_(None))
        .where(within(codes), Health.failure.is_not(None))
    )
    return int((await work.session.execute(query)).scalar_one())


async def silent_cameras(
    work: Work, officer: Person, codes: Sequence[str]
) -> list[tuple[Health, Camera]]:
    """The cameras that do not answer, the longest silent first; their owners can read of it."""
    query = (
        select(Health, Camera)
        .join(Camera, Camera.id == Health.camera_id)
        .where(
            within(codes),
            Camera.state == State.APPROVED,
            Camera.paused_at.is_(None),
            Health.failure.is_not(None),
        )
        .order_by(Health.silent_since, Camera.number)
        .limit(MOST_LISTED)
    )
    found = [(health, camera) for health, camera in (await work.session.execute(query)).all()]
    for _, camera in found:
        if camera.owner_id != officer.id:
            record(
                work,
                Act.HEALTH_SEEN,
                actor_id=officer.id,
                actor_role=await acting_as(work, officer.id, camera.area_code or ""),
                owner_id=camera.owner_id,
                camera_id=camera.id,
            )
    return found
