"""The questions that can be open in a conversation. A state is kept as its text."""

from __future__ import annotations

from enum import StrEnum


class Enrol(StrEnum):
    """Enrolling a camera; the order of the questions is in `handlers.enrol.steps`."""

    CONSENT = "enrol.consent"
    PLACE = "enrol.place"
    NAME = "enrol.name"
    PHONE = "enrol.phone"
    LOCATION = "enrol.location"
    PIN = "enrol.pin"
    PHOTOS = "enrol.photos"
    HEADING = "enrol.heading"
    WIDTH = "enrol.width"
    RANGE = "enrol.range"
    INDOORS = "enrol.indoors"
    VIEW = "enrol.view"
    RETENTION = "enrol.retention"
    SHARING = "enrol.sharing"
    STREAM = "enrol.stream"
    SUMMARY = "enrol.summary"
    HANDOVER = "enrol.handover"


class Stream(StrEnum):
    """Giving the stream's address, whole or part by part."""

    URL = "stream.url"
    MAKE = "stream.make"
    HOST = "stream.host"
    PORT = "stream.port"
    USER = "stream.user"
    PASSWORD = "stream.password"  # noqa: S105 - a question's name
    CHECKING = "stream.checking"


class Review(StrEnum):
    """A reviewer's own words."""

    CHANGE_WORDS = "review.change_words"
    REJECT_WORDS = "review.reject_words"


class Asking(StrEnum):
    """Asking for footage."""

    PLACE = "asking.place"
    RADIUS = "asking.radius"
    WINDOW = "asking.window"
    CASE = "asking.case"
    PURPOSE = "asking.purpose"
    NOTE = "asking.note"
    PREVIEW = "asking.preview"
    EMERGENCY = "asking.emergency"


class Answering(StrEnum):
    """Sending clips, and reading the recorder's clock."""

    CLIPS = "answering.clips"
    CLOCK = "answering.clock"


class Agreeing(StrEnum):
    """A supervisor's reason: for a request beyond the limits, an emergency, a hold."""

    REASON = "agreeing.reason"
    REVIEW = "agreeing.review"
    HOLD = "agreeing.hold"


class Living(StrEnum):
    """The hours at which a camera may be watched live."""

    HOURS = "living.hours"


class Inviting(StrEnum):
    """Making an invitation; giving an officer another name."""

    AREA = "inviting.area"
    NAME = "inviting.name"
    RENAME = "inviting.rename"


class Covering(StrEnum):
    """A look at coverage close up."""

    PLACE = "covering.place"


class Spotting(StrEnum):
    """Entering a hotspot, in the order of the questions; or a table of them."""

    KIND = "spotting.kind"
    PLACE = "spotting.place"
    RADIUS = "spotting.radius"
    HOURS = "spotting.hours"
    DAYS = "spotting.days"
    WEIGHT = "spotting.weight"
    UNTIL = "spotting.until"
    TABLE = "spotting.table"


class Progressing(StrEnum):
    """What supervisors aim at."""

    AIMS = "progressing.aims"


class Walking(StrEnum):
    """The worklist, by nearness."""

    HERE = "walking.here"


class Sticking(StrEnum):
    """The first free label of a page that was begun, and a sticker on its wall."""

    FIRST = "sticking.first"
    PHOTO = "sticking.photo"


class Pointing(StrEnum):
    """Naming a point, or giving it another name."""

    NAME = "pointing.name"
    PLACE = "pointing.place"
    RENAME = "pointing.rename"
