"""Points and the cameras around them: who may name one, and whether it is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, areas_of, covers, grants_of, holds
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import distance_m
from nobs_bot.places.points import (
    MOST_NAME_CHARACTERS,
    RADII_M,
    USUAL_RADIUS_M,
    NamedPoint,
)
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work

MAKERS = (Role.FIELD_OFFICER, Role.SUPERVISOR)
# who may know what is watched and what is not
SEERS = frozenset({Role.FIELD_OFFICER, Role.REVIEWER, Role.INVESTIGATOR, Role.SUPERVISOR})
# a degree of latitude, and one of longitude at 60°, have more metres than this: the box in which
# the database looks holds the circle everywhere that people live
_LEAST_M_PER_DEG = 110_000.0
_LEAST_M_PER_DEG_LON = 55_000.0


@dataclass(frozen=True)
class Watch:
    """How a point is watched: cameras within its radius that take part, and with a stream."""

    taking_part: int = 0
    connected: int = 0


@dataclass(frozen=True)
class PointCount:
    """An area's points, and how many of them have a connected camera."""

    named: int = 0
    watched: int = 0


async def areas_known(work: Work, officer: Person) -> list[str]:
    """
    The areas of whose points an officer may know.

    Raises:
        Refusal: none.
    """
    codes = {grant.area_code for grant in await grants_of(work, officer.id) if grant.role in SEERS}
    if not codes:
        raise Refusal("roles.needed")
    return sorted(codes)


async def may_make(work: Work, officer: Person) -> bool:
    """Whether an officer may name points anywhere."""
    return any([await areas_of(work, officer.id, role) for role in MAKERS])


async def _require_maker(work: Work, officer: Person, area_code: str) -> Role:
    for role in MAKERS:
        if await holds(work, officer.id, role, area_code):
            return role
    raise Refusal("roles.not_here")


def read_name(text: str) -> str:
    """
    A point's name.

    Raises:
        Refusal: nothing that could be one.
    """
    clean = " ".join(text.split())
    if not 3 <= len(clean) <= MOST_NAME_CHARACTERS or not any(map(str.isalpha, clean)):
        raise Refusal("point.name_wrong", most=MOST_NAME_CHARACTERS)
    return clean


async def name_point(
    work: Work, officer: Person, areas: Areas, name: str, at: tuple[float, float]
) -> NamedPoint:
    """
    Name a point.

    Args:
        at: (lat, lon) in degrees.

    Raises:
        Refusal: outside of the officer's areas, or there is one of that name in the kelurahan.
    """
    area = areas.locate(*at)
    if area is None:
        raise Refusal("point.outside")
    role = await _require_maker(work, officer, area.code)
    clean = read_name(name)
    await _refuse_same_name(work, area.code, clean)
    point = NamedPoint(
        id=new_id(),
        name=clean,
        lat=at[0],
        lon=at[1],
        radius_m=USUAL_RADIUS_M,
        area_code=area.code,
        made_by=officer.id,
        made_at=work.now,
    )
    work.session.add(point)
    _note(work, Act.POINT_NAMED, point, officer, role)
    await work.session.flush()
    return point


async def _refuse_same_name(work: Work, area_code: str, name: str, own_id: int = 0) -> None:
    query = select(NamedPoint).where(
        NamedPoint.area_code == area_code,
        NamedPoint.removed_at.is_(None),
        func.lower(NamedPoint.name) == name.lower(),
        NamedPoint.id != own_id,
    )
    if (await work.session.execute(query)).first() is not None:
        raise Refusal("point.name_taken", name=name)


async def point_for(work: Work, point_id: int, officer: Person) -> NamedPoint:
    """
    A point, for an officer of its area.

    Raises:
        Refusal: there is none such; whether it is of another area is not told.
    """
    point = await work.session.get(NamedPoint, point_id)
    codes = await areas_known(work, officer)
    if point is None or not any(covers(code, point.area_code) for code in codes):
        raise Refusal("point.none_such")
    return point


async def _own(work: Work, point_id: int, officer: Person) -> tuple[NamedPoint, Role]:
    query = select(NamedPoint).where(NamedPoint.id == point_id).with_for_update()
    point = (await work.session.execute(query)).scalar_one_or_none()
    if point is None:
        raise Refusal("point.none_such")
    return point, await _require_maker(work, officer, point.area_code)


async def rename(work: Work, point_id: int, officer: Person, name: str) -> NamedPoint:
    """Give a point another name; raises as `name_point`."""
    point, role = await _own(work, point_id, officer)
    clean = read_name(name)
    await _refuse_same_name(work, point.area_code, clean, point.id)
    if clean != point.name:
        former, point.name = point.name, clean
        _note(work, Act.POINT_CHANGED, point, officer, role, former=former)
    return point


async def set_radius(work: Work, point_id: int, officer: Person, radius_m: int) -> NamedPoint:
    """How far around the point cameras belong to it, metres; one of `RADII_M`."""
    if radius_m not in RADII_M:
        raise Refusal("buttons.stale")
    point, role = await _own(work, point_id, officer)
    if radius_m != point.radius_m:
        point.radius_m = radius_m
        _note(work, Act.POINT_CHANGED, point, officer, role, radius_m=radius_m)
    return point


async def remove(work: Work, point_id: int, officer: Person) -> NamedPoint:
    """Take a point off; `restore` takes that back."""
    point, role = await _own(work, point_id, officer)
    if point.removed_at is None:
        point.removed_at = work.now
        _note(work, Act.POINT_REMOVED, point, officer, role)
    return point


async def restore(work: Work, point_id: int, officer: Person) -> NamedPoint:
    """Undo `remove`; raises where its name was given to another point meanwhile."""
    point, role = await _own(work, point_id, officer)
    if point.removed_at is not None:
        await _refuse_same_name(work, point.area_code, point.name, point.id)
        point.removed_at = None
        _note(work, Act.POINT_NAMED, point, officer, role)
    return point


def _note(
    work: Work, act: Act, point: NamedPoint, officer: Person, role: Role, **more: Any
) -> None:
    record(
        work,
        act,
        actor_id=officer.id,
        actor_role=role,
        point=point.name,
        area=point.area_code,
        **more,
    )


# what is around them


async def points_in(work: Work, codes: Sequence[str]) -> list[tuple[NamedPoint, Watch]]:
    """The points of these areas with how each is watched, by name."""
    is_within = or_(
        *(
            or_(
                NamedPoint.area_code == code,
                NamedPoint.area_code.startswith(f"{code}.", autoescape=True),
            )
            for code in codes
        )
    )
    query = (
        select(NamedPoint)
        .where(NamedPoint.removed_at.is_(None), is_within)
        .order_by(func.lower(NamedPoint.name), NamedPoint.id)
    )
    points = (await work.session.execute(query)).scalars().all()
    watches = await _watches(work, [point.id for point in points])
    return [(point, watches.get(point.id, Watch())) for point in points]


async def watch_of(work: Work, point: NamedPoint) -> Watch:
    """How one point is watched."""
    return (await _watches(work, [point.id])).get(point.id, Watch())


async def count_points(work: Work) -> dict[str, PointCount]:
    """The points of each kelurahan that has any, and how many have a connected camera."""
    query = select(NamedPoint).where(NamedPoint.removed_at.is_(None))
    points = (await work.session.execute(query)).scalars().all()
    watches = await _watches(work, [point.id for point in points])
    counts: dict[str, PointCount] = {}
    for point in points:
        before = counts.get(point.area_code, PointCount())
        is_watched = watches.get(point.id, Watch()).connected > 0
        counts[point.area_code] = PointCount(before.named + 1, before.watched + is_watched)
    return counts


async def _watches(work: Work, ids: Sequence[int]) -> dict[int, Watch]:
    """
    The cameras around points, by the point; a camera may belong to several.

    The database looks in a box around each, by the index on places; the circle is left to us.
    """
    if not ids:
        return {}
    north = NamedPoint.radius_m / _LEAST_M_PER_DEG
    east = NamedPoint.radius_m / _LEAST_M_PER_DEG_LON
    query = (
        select(
            NamedPoint.id,
            NamedPoint.lat,
            NamedPoint.lon,
            NamedPoint.radius_m,
            Camera.lat,
            Camera.lon,
            Camera.stream.is_not(None),
        )
        .join(
            Camera,
            and_(
                Camera.lat.between(NamedPoint.lat - north, NamedPoint.lat + north),
                Camera.lon.between(NamedPoint.lon - east, NamedPoint.lon + east),
            ),
        )
        .where(NamedPoint.id.in_(ids), Camera.state == State.APPROVED, Camera.paused_at.is_(None))
    )
    found: dict[int, Watch] = {}
    for point_id, lat, lon, radius_m, to_lat, to_lon, has_stream in await work.session.execute(
        query
    ):
        assert to_lat is not None
        assert to_lon is not None
        if distance_m(lat, lon, to_lat, to_lon) <= radius_m:
            before = found.get(point_id, Watch())
            found[point_id] = Watch(before.taking_part + 1, before.connected + bool(has_stream))
    return found
