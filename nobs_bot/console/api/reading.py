"""What each call reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from nobs_bot.cameras.progress import COUNTING, progress
from nobs_bot.cameras.record import Camera, State
from nobs_bot.console.api import shapes
from nobs_bot.console.api.callers import Caller
from nobs_bot.console.api.problems import NotAllowed, NotThere
from nobs_bot.coverage.watching import seeing
from nobs_bot.footage.request import Clip, FootageRequest, answered_of, words_of
from nobs_bot.people.roles import covers
from nobs_bot.people.tokens import Scope
from nobs_bot.places.areas import Area, Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work

_LEVELS: dict[int, str] = {2: "district", 3: "kecamatan", 4: "kelurahan"}


async def areas(work: Work, known: Areas, caller: Caller, query: shapes.NoQuery) -> shapes.Areas:
    """The areas that the caller may read of."""
    codes = {code for each in caller.areas.values() for code in each} | set(caller.own)
    district = known.district
    found = [district, *known.below(district.code)]
    found += [area for each in known.below(district.code) for area in known.below(each.code)]
    return shapes.Areas(
        items=[_area(each) for each in found if any(covers(code, each.code) for code in codes)]
    )


def _area(area: Area) -> shapes.AreaShape:
    level = _LEVELS[len(area.code.split("."))]
    return shapes.AreaShape.model_validate({"code": area.code, "name": str(area), "level": level})


async def cameras(
    work: Work, known: Areas, caller: Caller, query: shapes.CameraQuery
) -> shapes.Cameras:
    """
    A page of the cameras that take part, by number.

    What an officer reads stands in each owner's log; which systems may, the log says as a whole.
    """
    wanted = _wanted(caller.areas_for(Scope.CAMERAS), query.area)
    found = (
        (
            await work.session.execute(
                select(Camera)
                .where(
                    Camera.state == State.APPROVED,
                    Camera.number > (query.after or 0),
                    or_(*(_lies_in(Camera.area_code, code) for code in wanted)),
                )
                .order_by(Camera.number)
                .limit(query.limit + 1)
            )
        )
        .scalars()
        .all()
    )
    if caller.person_id is not None:
        for each in found[: query.limit]:
            _note(work, caller, each)
    items = [_camera(work, each) for each in found]
    return shapes.Cameras(items=items[: query.limit], next=_next(items, query.limit))


async def camera(
    work: Work, known: Areas, caller: Caller, query: shapes.ByNumber
) -> shapes.CameraShape:
    """One camera; its owner reads that it was read."""
    caller.areas_for(Scope.CAMERAS)
    statement = select(Camera).where(Camera.number == query.number, Camera.state == State.APPROVED)
    found = (await work.session.execute(statement)).scalar_one_or_none()
    if found is None or not caller.may_read(Scope.CAMERAS, found.area_code):
        raise NotThere("There is no such camera that takes part in your areas.")
    _note(work, caller, found)
    return _camera(work, found)


async def watchers(
    work: Work, known: Areas, caller: Caller, query: shapes.PlaceQuery
) -> shapes.Watchers:
    """The cameras that look at a place; the owner of each reads that it was found."""
    caller.areas_for(Scope.COVERAGE)
    place = known.locate(query.lat, query.lon)
    if place is None or not caller.may_read(Scope.COVERAGE, place.code):
        raise NotThere("That place is not in your areas.")
    found = [
        each
        for each in await seeing(work, query.lat, query.lon)
        if caller.may_read(Scope.COVERAGE, each.area_code)
    ]
    for each in found:
        _note(work, caller, each)
    return shapes.Watchers(items=[_camera(work, each) for each in found])


async def requests(
    work: Work, known: Areas, caller: Caller, query: shapes.RequestQuery
) -> shapes.Requests:
    """A page of requests: those of the caller's areas, and an investigator's own."""
    statement = (
        select(FootageRequest)
        .where(_open_to(caller), FootageRequest.number > (query.after or 0))
        .order_by(FootageRequest.number)
        .limit(query.limit + 1)
    )
    if query.state is not None:
        statement = statement.where(FootageRequest.state == query.state)
    found = (await work.session.execute(statement)).scalars().all()
    items = await _requests(work, found)
    return shapes.Requests(items=items[: query.limit], next=_next(items, query.limit))


async def request(
    work: Work, known: Areas, caller: Caller, query: shapes.ByNumber
) -> shapes.RequestShape:
    """One request."""
    statement = select(FootageRequest).where(
        _open_to(caller), FootageRequest.number == query.number
    )
    found = (await work.session.execute(statement)).scalars().all()
    if not found:
        raise NotThere("There is no such request in your areas.")
    return (await _requests(work, found))[0]


async def progress_of(
    work: Work, known: Areas, caller: Caller, query: shapes.AreaQuery
) -> shapes.Progress:
    """How far the programme has come, by kelurahan."""
    wanted = _wanted(caller.areas_for(Scope.PROGRESS), query.area)
    counts = await progress(work, known)
    return shapes.Progress(
        items=[
            shapes.ProgressShape(code=code, name=known.name(code), **asdict(count))
            for code, count in counts.items()
            if any(covers(area, code) for area in wanted)
        ],
        as_of=await COUNTING.as_of(work),
    )


def _wanted(open_areas: Sequence[str], area: str | None) -> list[str]:
    if area is None:
        return list(open_areas)
    inside = [area] if any(covers(each, area) for each in open_areas) else []
    inside += [each for each in open_areas if covers(area, each) and each != area]
    if not inside:
        raise NotAllowed("That area is not open to this caller.")
    return inside


def _lies_in(column: InstrumentedAttribute[Any], code: str) -> ColumnElement[bool]:
    return or_(column == code, column.startswith(f"{code}.", autoescape=True))


def _open_to(caller: Caller) -> ColumnElement[bool]:
    conditions = [
        _lies_in(FootageRequest.area_code, code) for code in caller.areas.get(Scope.REQUESTS, ())
    ]
    conditions += [
        (FootageRequest.requester_id == caller.person_id) & _lies_in(FootageRequest.area_code, code)
        for code in caller.own
    ]
    if not conditions:
        raise NotAllowed(f"This caller has no {Scope.REQUESTS.value}.")
    return or_(*conditions)


def _next(items: Sequence[shapes.CameraShape | shapes.RequestShape], limit: int) -> int | None:
    return items[limit - 1].number if len(items) > limit else None


def _camera(work: Work, camera: Camera) -> shapes.CameraShape:
    assert camera.number is not None
    heading = [] if camera.heading_deg is None else [camera.heading_deg]
    lately = work.now - timedelta(days=2 * work.settings.check_days)
    has_stream = camera.stream is not None
    is_healthy = (
        camera.drift is None and camera.checked_at is not None and camera.checked_at >= lately
    )
    return shapes.CameraShape.model_validate(
        {
            "number": camera.number,
            "name": camera.name,
            "area": camera.area_code,
            "lat": camera.lat,
            "lon": camera.lon,
            "headings_deg": [*heading, *(camera.other_headings or [])],
            "width_deg": camera.width.degrees if camera.width else None,
            "range_m": camera.range_m,
            "indoors": camera.indoors,
            "sees_at_night": camera.sees_at_night,
            "retention_days": camera.retention_days,
            "is_paused": camera.paused_at is not None,
            "has_stream": has_stream,
            "is_healthy": is_healthy if has_stream else None,
            "checked_at": camera.checked_at,
        }
    )


async def _requests(work: Work, found: Sequence[FootageRequest]) -> list[shapes.RequestShape]:
    ids = [each.id for each in found]
    answered = await answered_of(work, ids)
    counting = (
        select(Clip.request_id, func.count())
        .where(Clip.request_id.in_(ids))
        .group_by(Clip.request_id)
    )
    clips = {row.request_id: row[1] for row in await work.session.execute(counting)}
    return [
        _request(work, each, answered.get(each.id, (0, 0)), clips.get(each.id, 0)) for each in found
    ]


def _request(
    work: Work, request: FootageRequest, answered: tuple[int, int], clips: int
) -> shapes.RequestShape:
    return shapes.RequestShape(
        number=request.number,
        name=request.name,
        state=request.state,
        kind=request.kind,
        purpose=request.purpose,
        case_number=words_of(work, request).case_number,
        area=request.area_code,
        lat=request.lat,
        lon=request.lon,
        radius_m=request.radius_m,
        windows=[shapes.WindowShape(start=w.start, end=w.end) for w in request.asked_windows],
        is_emergency=request.is_emergency,
        created_at=request.created_at,
        expires_at=request.expires_at,
        closed_at=request.closed_at,
        answered=answered[0],
        asked=answered[1],
        clips=clips,
    )


def _note(work: Work, caller: Caller, camera: Camera) -> None:
    details = {} if caller.person_id is not None else {"system": caller.name}
    record(
        work,
        Act.API_READ,
        actor_id=caller.person_id,
        actor_role=caller.role,
        owner_id=camera.owner_id,
        camera_id=camera.id,
        **details,  # type: ignore[arg-type]
    )
