"""A camera that ought to look elsewhere: the record, in words, and as a picture."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.drawing import Cone, MapView
from nobs_bot.messaging.message import Picture, PictureKind
from nobs_bot.storage.base import choice
from nobs_bot.storage.leases import Job
from nobs_bot.texts import Markup, Words


class TurnState(StrEnum):
    """How far a turn has come."""

    PROPOSED = "proposed"
    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"
    TURNED = "turned"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"


OPEN = (TurnState.PROPOSED, TurnState.ASKED, TurnState.AGREED, TurnState.TURNED)


class Turn(Job):
    """
    One camera that ought to look elsewhere.

    Args:
        from_deg, to_deg: Degrees clockwise from true north; None where nobody knew it.
        gain_m: Metres of road that would be seen and are not now, by expectation.
        worth: The same weighted by hotspots, by which the list is ordered.
        about: `roads` {name: metres gained}, the most first; `gained` and `lost`, places on roads
            as (lat, lon).
        check_id: The check whose still shows whether it was turned.
        moved_deg: By how much the pictures say it was turned.
    """

    __tablename__ = "camera_turns"
    __table_args__ = (Index(None, "camera_id"), Index(None, "state", "area_code"))

    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"))
    area_code: Mapped[str]
    state: Mapped[TurnState] = mapped_column(choice(TurnState), default=TurnState.PROPOSED)
    from_deg: Mapped[float | None]
    to_deg: Mapped[float]
    gain_m: Mapped[float]
    worth: Mapped[float]
    about: Mapped[dict[str, Any]] = mapped_column(JSON().with_variant(JSONB, "postgresql"))
    proposed_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    asked_by: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[datetime | None]
    check_id: Mapped[int | None] = mapped_column(BigInteger)
    moved_deg: Mapped[float | None]
    ended_at: Mapped[datetime | None]

    @property
    def asked_deg(self) -> float | None:
        """By how much it is to be turned, -180 to 180, to the right positive."""
        if self.from_deg is None:
            return None
        return (self.to_deg - self.from_deg + 180) % 360 - 180


def how_far(words: Words, turn: Turn) -> str:
    """By how much, to which side and towards what."""
    towards = words(f"compass.{round(turn.to_deg / 45) % 8 * 45}")
    by = turn.asked_deg
    if by is None:
        return words("turn.how.towards", towards=towards)
    side = words("turn.right" if by > 0 else "turn.left")
    return words("turn.how.by", degrees=round(abs(by)), side=side, towards=towards)


def why(words: Words, turn: Turn) -> str:
    """What would be seen that nobody sees now."""
    return words("turn.why", gain=Markup(gain_words(words, turn)))


def gain_words(words: Words, turn: Turn) -> str:
    """37 m of Jalan X, and of Jalan Y."""
    metres = words.distance(max(1.0, turn.gain_m))
    gained: dict[str, float] = turn.about.get("roads", {})
    roads = sorted(gained, key=lambda road: -gained[road])
    if not roads:
        return words("turn.gain.plain", metres=metres)
    return words("turn.gain.road", metres=metres, road=", ".join(roads[:2]))


def turn_picture(words: Words, turn: Turn, camera: Camera, *, turned: bool = False) -> Picture:
    """
    The map with the present view, the proposed one, and the road that it brings.

    Args:
        turned: It was turned: what was the present view is that of before.
    """
    assert camera.lat is not None
    assert camera.lon is not None
    width_deg = camera.width.degrees if camera.width else 80.0
    now, then = (
        Cone(
            lat=camera.lat,
            lon=camera.lon,
            heading_deg=heading_deg,
            width_deg=width_deg,
            range_m=camera.range_m,
            style=style,
        )
        for heading_deg, style in ((turn.from_deg, "other"), (turn.to_deg, "seeing"))
    )
    about = turn.about
    names = ("turn.map.before", "turn.map.now") if turned else ("turn.map.now", "turn.map.then")
    legend = list(zip(("other", "seeing"), map(words, names), strict=True))
    if about.get("gained"):
        legend.append(("gained", words("turn.map.gained")))
    if about.get("lost"):
        legend.append(("lost", words("turn.map.lost")))
    chart = MapView(
        lat=camera.lat,
        lon=camera.lon,
        span_m=max(160.0, (camera.range_m or 20.0) * 4.5),
        cones=(now, then),
        gained=tuple(about.get("gained", ())),
        lost=tuple(about.get("lost", ())),
        legend=tuple(legend),
        north=words("map.north"),
    )
    return Picture(kind=PictureKind.MAP, about=chart.model_dump(mode="json"))
