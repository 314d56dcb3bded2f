"""Which cameras may have recorded what happened: each with the reason, left-out ones too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.review import within
from nobs_bot.coverage.sector import Sector, looks_at
from nobs_bot.footage.times import Window
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, require
from nobs_bot.places.geodesy import box, distance_m
from nobs_bot.storage.work import Work

# a camera outside the circle may still look into it from as far as any camera is said to see
FARTHEST_VIEW_M = 100.0


class Reason(StrEnum):
    """Why a camera is asked, or why it is not."""

    SEES = "sees"
    MAY_SEE = "may_see"
    NEAR = "near"
    OVERWRITTEN = "overwritten"
    PAUSED = "paused"
    OWN = "own"
    NOT_SHARED = "not_shared"


ASKED = (Reason.SEES, Reason.MAY_SEE, Reason.NEAR)


@dataclass(frozen=True)
class Candidate:
    """
    A camera near the place.

    Args:
        overwritten_at: When the recorder begins to overwrite the stretch that is asked for; None
            where the owner did not say how long it keeps.
    """

    camera: Camera
    reason: Reason
    distance_m: float
    overwritten_at: datetime | None

    @property
    def is_asked(self) -> bool:
        """Whether its owner is to be asked."""
        return self.reason in ASKED


async def candidates(
    work: Work, officer: Person, lat: float, lon: float, *, radius_m: float, window: Window
) -> list[Candidate]:
    """
    Cameras in the officer's areas that look at the circle or hang in it; the best first.

    Raises:
        Refusal: the officer is an investigator nowhere.
    """
    areas = await require(work, officer.id, Role.INVESTIGATOR)
    found = [
        _judge(work, officer, window, Candidate(camera, reason, metres, None))
        for camera in await _in_reach(work, areas, lat, lon, radius_m)
        for metres, reason in [_view(camera, lat, lon, radius_m)]
        if reason is not None
    ]
    order = list(Reason)
    return sorted(found, key=lambda each: (order.index(each.reason), each.distance_m))


async def _in_reach(
    work: Work, areas: Sequence[str], lat: float, lon: float, radius_m: float
) -> Sequence[Camera]:
    south, west, north, east = box(lat, lon, radius_m + FARTHEST_VIEW_M)
    query = select(Camera).where(
        Camera.state == State.APPROVED,
        Camera.lat.between(south, north),
        Camera.lon.between(west, east),
        within(areas),
    )
    return (await work.session.execute(query)).scalars().all()


def sector_of(camera: Camera) -> Sector:
    """The camera's view; what the owner did not say is taken as usual."""
    assert camera.lat is not None
    assert camera.lon is not None
    width = camera.width.degrees if camera.width else 80.0
    return Sector(camera.lat, camera.lon, camera.heading_deg, width, camera.range_m or 20.0)


def _view(camera: Camera, lat: float, lon: float, radius_m: float) -> tuple[float, Reason | None]:
    sector = sector_of(camera)
    metres = distance_m(lat, lon, sector.lat, sector.lon)
    sees = looks_at(sector, lat, lon, radius_m)
    if sees:
        return metres, Reason.SEES
    if sees is None:
        return metres, Reason.MAY_SEE
    return metres, Reason.NEAR if metres <= radius_m else None


def _judge(work: Work, officer: Person, window: Window, seen: Candidate) -> Candidate:
    """The candidate with its deadline, or with the reason for which it is left out."""
    camera, reason = seen.camera, seen.reason
    kept = None if camera.retention_days is None else timedelta(days=camera.retention_days)
    if camera.owner_id == officer.id:
        reason = Reason.OWN
    elif camera.paused_at is not None:
        reason = Reason.PAUSED
    elif not camera.share_footage:
        reason = Reason.NOT_SHARED
    elif kept is not None and window.end + kept <= work.now:
        reason = Reason.OVERWRITTEN
    going_at = None if kept is None else window.start + kept
    return replace(seen, reason=reason, overwritten_at=going_at)
