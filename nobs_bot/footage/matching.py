"""Which cameras may have recorded what happened: each with the reason, left-out ones too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.sector import looks_at
from nobs_bot.coverage.watching import FARTHEST_VIEW_M, sector_of
from nobs_bot.coverage.ways import BEYOND_M, Ways
from nobs_bot.footage.request import Ask
from nobs_bot.footage.times import Window
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, covers, require
from nobs_bot.places.geodesy import box, distance_m
from nobs_bot.storage.work import Work

_WAY_WIDTH_M = 4.0


class Reason(StrEnum):
    """Why a camera is asked, or why it is not."""

    SEES = "sees"
    MAY_SEE = "may_see"
    BEHIND = "behind"
    NEAR = "near"
    IN_AREA = "in_area"
    ON_THE_WAY = "on_the_way"
    OVERWRITTEN = "overwritten"
    ASKED_OFTEN = "asked_often"
    ASKED_ALREADY = "asked_already"
    PAUSED = "paused"
    OWN = "own"
    NOT_SHARED = "not_shared"


ASKED = (Reason.SEES, Reason.MAY_SEE, Reason.BEHIND, Reason.NEAR, Reason.IN_AREA)


@dataclass(frozen=True)
class Scene:
    """
    Where and when something happened.

    Args:
        area_code: The kelurahan that holds the middle, or the area that is meant as a whole.
        whole_area: Every camera of the area is meant; the circle only holds the area.
        ways: Points along the roads to and from the place (see `coverage.ways`).
        walls: The buildings that may hide the place; None where none are known.
    """

    lat: float
    lon: float
    radius_m: float
    area_code: str
    windows: tuple[Window, ...]
    whole_area: bool = False
    ways: Ways = ()
    walls: Walls | None = None


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
        """Whether its owner is to be asked at first; those on the way are, in the next ring."""
        return self.reason in ASKED


@dataclass(frozen=True)
class _Asked:
    """Who was asked before: owners too often lately, cameras by this very request."""

    owners_often: set[int]
    cameras_by_this: set[int]


async def candidates(
    work: Work,
    officer: Person,
    scene: Scene,
    *,
    is_emergency: bool = False,
    asked_by: int | None = None,
) -> list[Candidate]:
    """
    Cameras in the officer's areas that look at the scene or hang in it; the best first.

    Args:
        is_emergency: Owners are asked however often they were asked lately.
        asked_by: A request whose cameras are not asked again.

    Raises:
        Refusal: the officer is an investigator nowhere.
    """
    areas = await require(work, officer.id, Role.INVESTIGATOR)
    seen = [
        Candidate(camera, reason, metres, None)
        for camera in await _in_reach(work, areas, scene)
        for metres, reason in [_view(camera, scene)]
        if reason is not None
    ]
    asked = _Asked(
        set() if is_emergency else await _asked_often(work, seen),
        await _asked_already(work, asked_by) if asked_by else set(),
    )
    found = [_judge(work, officer, scene, each, asked) for each in seen]
    order = list(Reason)
    return sorted(found, key=lambda each: (order.index(each.reason), each.distance_m))


async def _in_reach(work: Work, areas: Sequence[str], scene: Scene) -> Sequence[Camera]:
    reach_m = scene.radius_m + (0 if scene.whole_area else FARTHEST_VIEW_M)
    if scene.ways:
        reach_m += BEYOND_M
    south, west, north, east = box(scene.lat, scene.lon, reach_m)
    within_areas = [scene.area_code] if scene.whole_area else areas
    # only the box is asked of the database: given more to choose from, SQLite takes the index of
    # the states, and looks at every camera that takes part
    query = select(Camera).where(Camera.lat.between(south, north), Camera.lon.between(west, east))
    return [
        camera
        for camera in (await work.session.execute(query)).scalars()
        if camera.state is State.APPROVED
        and any(covers(area, camera.area_code or "") for area in areas)
        and any(covers(area, camera.area_code or "") for area in within_areas)
    ]


async def _asked_often(work: Work, seen: Sequence[Candidate]) -> set[int]:
    """Owners who were asked as often within a week as the settings allow."""
    owners = {each.camera.owner_id for each in seen}
    query = (
        select(Ask.owner_id)
        .where(Ask.owner_id.in_(owners), Ask.asked_at > work.now - timedelta(days=7))
        .group_by(Ask.owner_id)
        .having(func.count(Ask.request_id.distinct()) >= work.settings.request_most_per_week)
    )
    return set((await work.session.execute(query)).scalars())


async def _asked_already(work: Work, request_id: int) -> set[int]:
    query = select(Ask.camera_id).where(Ask.request_id == request_id)
    return set((await work.session.execute(query)).scalars())


def _view(camera: Camera, scene: Scene) -> tuple[float, Reason | None]:
    sector = sector_of(camera)
    metres = distance_m(scene.lat, scene.lon, sector.lat, sector.lon)
    if scene.whole_area:
        return metres, Reason.IN_AREA
    sees = looks_at(sector, scene.lat, scene.lon, scene.radius_m)
    if sees:
        walls = scene.walls
        is_hidden = walls and walls.hide(sector, scene.lat, scene.lon, scene.radius_m)
        return metres, Reason.BEHIND if is_hidden else Reason.SEES
    if sees is None:
        return metres, Reason.MAY_SEE
    if metres <= scene.radius_m:
        return metres, Reason.NEAR
    on_the_way = any(looks_at(sector, *point, _WAY_WIDTH_M) for point in scene.ways)
    return metres, Reason.ON_THE_WAY if on_the_way else None


def _judge(
    work: Work,
    officer: Person,
    scene: Scene,
    seen: Candidate,
    asked: _Asked,
) -> Candidate:
    """The candidate with its deadline, or with the reason for which it is left out."""
    camera, reason = seen.camera, seen.reason
    kept = None if camera.retention_days is None else timedelta(days=camera.retention_days)
    there = [each for each in scene.windows if kept is None or each.end + kept > work.now]
    if camera.owner_id == officer.id:
        reason = Reason.OWN
    elif camera.id in asked.cameras_by_this:
        reason = Reason.ASKED_ALREADY
    elif camera.paused_at is not None:
        reason = Reason.PAUSED
    elif not camera.share_footage:
        reason = Reason.NOT_SHARED
    elif not there:
        reason = Reason.OVERWRITTEN
    elif camera.owner_id in asked.owners_often:
        reason = Reason.ASKED_OFTEN
    first = (there or scene.windows)[0]
    return replace(seen, reason=reason, overwritten_at=None if kept is None else first.start + kept)
