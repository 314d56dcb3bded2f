"""Letting owners read in their log that their cameras stood on a chart of coverage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.orders import CoverageOrder
from nobs_bot.coverage.surveyor import Standing
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import acting_as, covers
from nobs_bot.places.geodesy import distance_m
from nobs_bot.storage.audit import Act, AuditLine, record_seen
from nobs_bot.storage.work import Work

_ONCE_IN = timedelta(days=1)
ONCE_ON_MAPS_IN = timedelta(days=7)
# the chart's corners lie this much farther out than the circle that was asked for
_CORNERS = 1.8
_AT_ONCE = 500


async def let_owners_know(
    work: Work, officer: Person, row: CoverageOrder, areas: Sequence[str], stand: Standing
) -> None:
    """
    A line for each camera on the officer's chart, once a day.

    Args:
        areas: Those of which the chart shows anything.
    """
    role = await acting_as(work, officer.id, row.area_code)
    shown = [camera_id for camera_id, lat, lon, *_ in stand.cameras if _is_on(row, lat, lon)]
    for first in range(0, len(shown), _AT_ONCE):
        query = select(Camera.id, Camera.owner_id, Camera.area_code).where(
            Camera.id.in_(shown[first : first + _AT_ONCE])
        )
        owners = {
            camera_id: owner_id
            for camera_id, owner_id, code in (await work.session.execute(query)).all()
            if owner_id != officer.id and any(covers(area, code or "") for area in areas)
        }
        known = await _told_lately(work, officer, set(owners.values()))
        fresh = [each for each in owners.items() if each[0] not in known]
        await record_seen(work, Act.COVERAGE_SEEN, fresh, actor_id=officer.id, actor_role=role)


async def let_owners_read(
    work: Work, officer_id: int, role: str | None, cameras: Sequence[tuple[int, int]]
) -> None:
    """
    A line for each camera on an officer's map that stays open, once a week.

    Such a map shows every camera of their areas, and the officer has it open every day: lines of
    each day would bury what an owner must find in the log, that somebody opened their camera.

    Args:
        cameras: (id, its owner's id).
    """
    told = select(AuditLine.camera_id).where(
        AuditLine.actor_id == officer_id,
        AuditLine.act == Act.COVERAGE_SEEN,
        AuditLine.at > work.now - ONCE_ON_MAPS_IN,
    )
    known = set((await work.session.execute(told)).scalars())
    fresh = [each for each in cameras if each[0] not in known and each[1] != officer_id]
    await record_seen(work, Act.COVERAGE_SEEN, fresh, actor_id=officer_id, actor_role=role)


def _is_on(row: CoverageOrder, lat: float, lon: float) -> bool:
    if row.radius_m is None:
        return True  # which of them lie in the area, their codes say
    assert row.lat is not None
    assert row.lon is not None
    return distance_m(row.lat, row.lon, lat, lon) <= row.radius_m * _CORNERS


async def _told_lately(work: Work, officer: Person, owners: set[int]) -> set[int | None]:
    """Cameras of these owners of which there is such a line already; found by the owners' index."""
    query = select(AuditLine.camera_id).where(
        AuditLine.owner_id.in_(owners),
        AuditLine.act == Act.COVERAGE_SEEN,
        AuditLine.actor_id == officer.id,
        AuditLine.at > work.now - _ONCE_IN,
    )
    return set((await work.session.execute(query)).scalars())
