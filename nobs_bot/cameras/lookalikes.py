"""Cameras that may be the same one enrolled twice: same stream, or same mount."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.places.geodesy import angle_between_deg, box, distance_m
from nobs_bot.storage.work import Work

SAME_MOUNT_M = 15.0
SAME_HEADING_DEG = 45.0


@dataclass(frozen=True)
class Lookalike:
    """Another camera and how it resembles: distance in metres; angle None where unknown."""

    camera: Camera
    same_stream: bool
    distance_m: float
    angle_deg: float | None


async def lookalikes(work: Work, camera: Camera) -> list[Lookalike]:
    """Cameras with the same stream, or hanging together with it and looking the same way."""
    assert camera.lat is not None
    assert camera.lon is not None
    south, west, north, east = box(camera.lat, camera.lon, SAME_MOUNT_M)
    is_near = Camera.lat.between(south, north) & Camera.lon.between(west, east)
    query = select(Camera).where(
        Camera.id != camera.id,
        Camera.state.in_((State.WAITING, State.CHANGE_ASKED, State.APPROVED)),
        or_(is_near, Camera.stream_index == camera.stream_index),
    )
    others = (await work.session.execute(query)).scalars().all()
    resembling = [_compare(camera, other) for other in others]
    return sorted(
        (each for each in resembling if _is_suspicious(each)), key=lambda each: each.distance_m
    )


async def neighbours(work: Work, camera: Camera, radius_m: float = 120.0) -> list[Camera]:
    """Cameras that take part near this one, for the map."""
    assert camera.lat is not None
    assert camera.lon is not None
    south, west, north, east = box(camera.lat, camera.lon, radius_m)
    query = select(Camera).where(
        Camera.id != camera.id,
        Camera.state.in_((State.APPROVED, State.WAITING)),
        Camera.lat.between(south, north),
        Camera.lon.between(west, east),
    )
    return list((await work.session.execute(query)).scalars())


def _compare(camera: Camera, other: Camera) -> Lookalike:
    assert camera.lat is not None
    assert camera.lon is not None
    assert other.lat is not None
    assert other.lon is not None
    angle = None
    if camera.heading_deg is not None and other.heading_deg is not None:
        angle = angle_between_deg(camera.heading_deg, other.heading_deg)
    same_stream = camera.stream_index is not None and camera.stream_index == other.stream_index
    metres = distance_m(camera.lat, camera.lon, other.lat, other.lon)
    return Lookalike(other, same_stream, metres, angle)


def _is_suspicious(found: Lookalike) -> bool:
    same_way = found.angle_deg is None or found.angle_deg <= SAME_HEADING_DEG
    return found.same_stream or (found.distance_m <= SAME_MOUNT_M and same_way)
