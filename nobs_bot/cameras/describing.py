"""A camera in words, as the chat and the command centre say it."""

from __future__ import annotations

from collections.abc import Sequence

from nobs_bot.cameras.lookalikes import Lookalike
from nobs_bot.cameras.record import Camera, Width
from nobs_bot.people.roles import covers
from nobs_bot.texts import Markup, Words


def compass_name(words: Words, heading_deg: float) -> str:
    """The nearest of the eight directions."""
    return words(f"compass.{round(heading_deg / 45) % 8 * 45}")


def view_text(words: Words, camera: Camera) -> str:
    """Direction, width, range, and whether it is indoors, in words."""
    if camera.width is None:
        return "–"
    heading = words("enrol.heading.unknown")
    if camera.width is Width.ALL_ROUND:
        heading = ""
    elif camera.is_panning:
        ways = (camera.heading_deg or 0.0, *(camera.other_headings or ()))
        names = ", ".join(compass_name(words, each) for each in ways)
        heading = words("enrol.panning.between", ways=Markup(names))
    elif camera.heading_deg is not None:
        heading = f"{compass_name(words, camera.heading_deg)} ({round(camera.heading_deg)}°)"
    indoors = ""
    if camera.indoors is not None:
        indoors = words("indoors.yes" if camera.indoors else "indoors.no")
    reach = words.distance(camera.range_m) if camera.range_m else ""
    parts = (heading, words(f"width.{camera.width}"), reach, indoors)
    return ", ".join(part for part in parts if part)


def retention_text(words: Words, camera: Camera) -> str:
    """How long the recorder keeps, in words."""
    if camera.retention_days is None:
        return "–"
    if camera.retention_days == 0:
        return words("enrol.retention.none")
    return words.plural("days", camera.retention_days)


def sharing_text(words: Words, camera: Camera) -> str:
    """What is shared, in words."""
    shared = [
        words(f"share.{what}")
        for what in ("footage", "stills", "live")
        if getattr(camera, f"share_{what}")
    ]
    return ", ".join(shared) or words("share.nothing")


def resemblance_text(words: Words, found: Lookalike, areas: Sequence[str]) -> str:
    """How another camera resembles one; of one outside of these areas only that there is one."""
    if not any(covers(area, found.camera.area_code or "") for area in areas):
        return words("review.same_elsewhere")
    if found.same_stream:
        return words("review.same_stream", camera=found.camera.name)
    return words(
        "review.same_mount",
        camera=found.camera.name,
        distance=words.distance(found.distance_m),
        angle="?" if found.angle_deg is None else f"{round(found.angle_deg)}°",
    )
