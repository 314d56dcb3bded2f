"""
Cameras as the command centre's map has them: columns without owner or stream, and what changed.

A row is a list, since there are twenty thousand of them: `COLUMNS` names its values. Places are
whole millionths of a degree, which is a decimetre.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from nobs_bot.cameras.health import CONFIRMED, Health
from nobs_bot.cameras.record import Camera, PlaceKind, State
from nobs_bot.cameras.review import within
from nobs_bot.people.roles import covers
from nobs_bot.storage.work import Work

COLUMNS = (
    *("number", "lat", "lon", "heading", "width", "range"),
    *("others", "kind", "state", "health", "area"),
)
KINDS: tuple[PlaceKind, ...] = tuple(PlaceKind)
STATES = ("approved", "paused", "waiting", "change_asked", "gone")
HEALTH = ("unconnected", "healthy", "unwell")
PER_DEGREE = 1_000_000
_STATE = COLUMNS.index("state")
# a camera that was not looked at for two rounds of checks is not known to be well
_ROUNDS = 2
_A_PART = 500
_USUAL_DEG, _USUAL_M = 80.0, 20.0
_TAKING_PART = (State.APPROVED,)
_BEFORE = (State.WAITING, State.CHANGE_ASKED)

Row = list[Any]


@dataclass(frozen=True)
class Sight:
    """
    What an officer's map shows.

    Args:
        areas: Codes of the areas whose cameras that take part are shown.
        before: Those whose cameras are also shown while they wait for a decision.
    """

    areas: tuple[str, ...]
    before: tuple[str, ...]

    def holds(self, area_code: str, state: State) -> bool:
        """Whether a camera of this area in this state is on the map."""
        areas = self.areas if state in _TAKING_PART else self.before if state in _BEFORE else ()
        return any(covers(each, area_code) for each in areas)

    def ever_holds(self, area_code: str) -> bool:
        """Whether a camera of this area may have been on the map."""
        return any(covers(each, area_code) for each in (*self.areas, *self.before))


@dataclass(frozen=True)
class Shown:
    """A camera on the map: its row, and who must be able to read that it was seen."""

    camera_id: int
    owner_id: int
    area_code: str
    state: State
    row: Row
    change_id: int

    def as_gone(self) -> Shown:
        """As told to a map that it is not, or no longer, on: by its number alone."""
        row = [self.row[0], *[None] * (_STATE - 1), STATES.index("gone"), 0, ""]
        return replace(self, row=row)


_WHAT = (
    *(Camera.id, Camera.owner_id, Camera.number, Camera.lat, Camera.lon, Camera.heading_deg),
    *(Camera.width, Camera.range_m, Camera.other_headings, Camera.place_kind, Camera.state),
    *(Camera.paused_at, Camera.drift, Camera.checked_at, Camera.area_code, Camera.change_id),
    Camera.stream.is_not(None).label("is_connected"),
    *(Health.pulse_at, Health.failures),
)


async def edition(work: Work) -> str:
    """A word that changes whenever the map does; with the day too, since health does by then."""
    query = select(func.max(Camera.change_id), func.count())
    newest, count = (await work.session.execute(query)).one()
    return f"{newest or 0}-{count}-{work.now:%j}"


async def shown(work: Work, sight: Sight) -> list[Shown]:
    """Every camera on a map, the lowest number first."""
    conditions = [
        Camera.state.in_(states) & within(areas)
        for states, areas in ((_TAKING_PART, sight.areas), (_BEFORE, sight.before))
        if areas
    ]
    if not conditions:
        return []
    return await _read(work, _rows_of(or_(*conditions)).order_by(Camera.number))


async def change_mark(work: Work, since: int) -> tuple[int, int, int]:
    """What differs whenever `changes` does: their newest, their number, a sum over them."""
    # the low bits of an id are chance, and as many of them as one likes add up within 64 bits
    low_bits = func.sum(Camera.change_id % (1 << 21))
    query = select(func.max(Camera.change_id), func.count(), low_bits)
    newest, count, low = (await work.session.execute(query.where(Camera.change_id > since))).one()
    return newest or since, count, int(low or 0)


async def changes(work: Work, since: int) -> dict[int, int]:
    """The `change_id` of each camera that was written after *since*, wherever it is, by its id."""
    query = select(Camera.id, Camera.change_id).where(Camera.change_id > since)
    rows = (await work.session.execute(query)).all()
    return {camera_id: change for camera_id, change in rows}  # noqa: C416 - typed rows


async def shown_now(work: Work, camera_ids: Sequence[int]) -> list[Shown]:
    """Cameras as they are now; those that went are among them."""
    found = []
    for first in range(0, len(camera_ids), _A_PART):
        part = camera_ids[first : first + _A_PART]
        found += await _read(work, _rows_of(Camera.id.in_(part)).order_by(Camera.change_id))
    return found


async def camera_numbered(work: Work, number: int, sight: Sight) -> Camera | None:
    """The camera of this number, where it is on this map."""
    query = select(Camera).where(Camera.number == number)
    camera = (await work.session.execute(query)).scalar_one_or_none()
    if camera is None or not sight.holds(camera.area_code or "", camera.state):
        return None
    return camera


async def newest_change(work: Work) -> int:
    """The newest `change_id` there is; 0 where there are no cameras."""
    return (await work.session.execute(select(func.max(Camera.change_id)))).scalar() or 0


def _rows_of(condition: ColumnElement[bool]) -> Any:
    is_numbered = Camera.number.is_not(None) & Camera.area_code.is_not(None)
    query = select(*_WHAT).outerjoin(Health, Health.camera_id == Camera.id)
    return query.where(condition, is_numbered)


async def _read(work: Work, query: Any) -> list[Shown]:
    oldest, found = _well_since(work), []
    rows = await work.session.stream(query)
    # part by part: twenty thousand at once would hold everybody up for a tenth of a second
    async for part in rows.partitions(_A_PART):
        found += [_shown(each, oldest) for each in part]
        await asyncio.sleep(0)
    return found


def _well_since(work: Work) -> datetime:
    return work.now - timedelta(days=_ROUNDS * work.settings.check_days)


def _shown(each: Any, oldest: datetime) -> Shown:
    row = [
        each.number,
        _millionths(each.lat),
        _millionths(each.lon),
        None if each.heading_deg is None else round(each.heading_deg),
        round(each.width.degrees if each.width else _USUAL_DEG),
        round(each.range_m or _USUAL_M),
        [round(other) for other in each.other_headings] if each.other_headings else 0,
        KINDS.index(each.place_kind) if each.place_kind else len(KINDS) - 1,
        STATES.index(_state(each)),
        HEALTH.index(_health(each, oldest)),
        each.area_code,
    ]
    return Shown(each.id, each.owner_id, each.area_code, each.state, row, each.change_id)


def _millionths(degrees: float | None) -> int | None:
    return None if degrees is None else round(degrees * PER_DEGREE)


def _state(each: Any) -> str:
    if each.state is State.APPROVED:
        return "paused" if each.paused_at else "approved"
    return each.state.value if each.state in _BEFORE else "gone"


def _health(each: Any, oldest: datetime) -> str:
    if not each.is_connected:
        return "unconnected"
    is_well = each.checked_at is not None and each.checked_at >= oldest
    if each.pulse_at is not None:
        # whether it answers is known better than by its last check
        is_well = each.failures < CONFIRMED
    return "healthy" if is_well and each.drift is None else "unwell"


def columns(rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows as one list a column, which packs into half the bytes."""
    turned = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return {name: list(values) for name, values in zip(COLUMNS, turned, strict=True)}
