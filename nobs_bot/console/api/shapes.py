"""What the interface takes and gives, as its document tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from nobs_bot.footage.request import Kind, Purpose, RequestState

MOST_A_PAGE = 500
LARGEST_NUMBER = 2**31 - 1

AreaCode = Annotated[str, StringConstraints(pattern=r"^\d{2}(\.\d{2}){1,2}(\.\d{4})?$")]
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class Shape(BaseModel):
    """Whatever is given out."""

    # built when the first system asks: a start has no time for it
    model_config = ConfigDict(frozen=True, defer_build=True)


class Query(BaseModel):
    """Whatever is asked with; a parameter that is not known is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class NoQuery(Query):
    """Nothing is asked."""


class Page(Query):
    """Which part of a list."""

    after: int | None = Field(
        None, ge=0, le=LARGEST_NUMBER, description="Only what has a greater number: `next`."
    )
    limit: int = Field(100, ge=1, le=MOST_A_PAGE, description="How many at most.")


class CameraQuery(Page):
    """Which cameras."""

    area: AreaCode | None = Field(None, description="Only in this area, by its code.")


class ByNumber(Query):
    """One record by its number."""

    number: Number = Field(description="The number, without its letter.")


class PlaceQuery(Query):
    """A place."""

    lat: float = Field(ge=-90, le=90, description="Degrees north, WGS 84.")
    lon: float = Field(ge=-180, le=180, description="Degrees east, WGS 84.")


class RequestQuery(Page):
    """Which requests."""

    state: RequestState | None = Field(None, description="Only in this state.")


class AreaQuery(Query):
    """Which area."""

    area: AreaCode | None = Field(None, description="An area's code; all that are open if absent.")


class AreaShape(Shape):
    """An area."""

    code: str = Field(description="Dotted code; a longer one lies inside that it begins with.")
    name: str
    level: Literal["district", "kecamatan", "kelurahan"]


class Areas(Shape):
    """Areas that the caller may read of."""

    items: list[AreaShape]


class CameraShape(Shape):
    """A camera that takes part. Nothing of its owner, and nothing of its stream."""

    number: int
    name: str = Field(description="What people call it: K-1001.")
    area: str
    lat: float
    lon: float
    headings_deg: list[float] = Field(
        description="Degrees clockwise from north; several where it pans, none where unknown."
    )
    width_deg: float | None = Field(description="Horizontal angle of view.")
    range_m: float | None
    indoors: bool | None
    sees_at_night: bool | None
    retention_days: int | None = Field(description="Days until its recorder overwrites.")
    is_paused: bool
    has_stream: bool
    is_healthy: bool | None = Field(description="Of its last look; None where there is no stream.")
    checked_at: datetime | None


class Cameras(Shape):
    """A page of cameras, by number."""

    items: list[CameraShape]
    next: int | None = Field(description="For `after`, where there are more.")


class Watchers(Shape):
    """The cameras that look at a place, without regard to buildings."""

    items: list[CameraShape]


class WindowShape(Shape):
    """A stretch of time."""

    start: datetime
    end: datetime


class RequestShape(Shape):
    """A footage request. Nothing of the owners who were asked."""

    number: int
    name: str = Field(description="What people call it: R-1042.")
    state: RequestState
    kind: Kind
    purpose: Purpose
    case_number: str
    area: str
    lat: float
    lon: float
    radius_m: float
    windows: list[WindowShape]
    is_emergency: bool
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    asked: int = Field(description="Cameras asked for.")
    answered: int
    clips: int = Field(description="Clips received.")


class Requests(Shape):
    """A page of requests, by number."""

    items: list[RequestShape]
    next: int | None = Field(description="For `after`, where there are more.")


class ProgressShape(Shape):
    """How far the programme has come in one kelurahan."""

    code: str
    name: str
    recorded: int
    consented: int
    approved: int
    connected: int
    healthy: int
    waiting: int
    by_officers: int
    target: int | None
    residents: int | None
    officers: int | None
    points: int | None


class Progress(Shape):
    """By kelurahan; `as_of` where the register is so large that it is counted now and then."""

    items: list[ProgressShape]
    as_of: datetime | None = None


class Problem(Shape):
    """Why there is no answer (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
