"""What an investigator wants to ask, before it is sent, and the rules that it must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.ways import Ways
from nobs_bot.errors import Refusal
from nobs_bot.footage.matching import Scene
from nobs_bot.footage.request import Kind, Purpose
from nobs_bot.footage.times import Window
from nobs_bot.storage.work import Work

MOST_NOTE_CHARACTERS = 500
MOST_PICTURES = 3


@dataclass(frozen=True)
class Question:
    """
    What an investigator wants to ask.

    Args:
        place: The place in words.
        whole_area: Every camera of the area is meant; the circle only holds it.
        pictures: Telegram's ids of pictures of what to look for.
        ways: Points along the roads to and from the place (see `coverage.ways`).
        walls: The buildings that may hide the place from a camera.
    """

    lat: float
    lon: float
    area_code: str
    place: str
    radius_m: float
    windows: tuple[Window, ...]
    case_number: str
    purpose: Purpose
    note: str = ""
    kind: Kind = Kind.FOOTAGE
    whole_area: bool = False
    pictures: tuple[str, ...] = ()
    ways: Ways = ()
    walls: Walls | None = None

    @property
    def scene(self) -> Scene:
        """Where and when."""
        return Scene(
            self.lat,
            self.lon,
            self.radius_m,
            self.area_code,
            self.windows,
            self.whole_area,
            self.ways,
            self.walls,
        )

    @property
    def hours(self) -> float:
        """How long all the stretches are together."""
        return sum(each.hours for each in self.windows)


def read_case_number(work: Work, text: str) -> str:
    """
    A case number of the form that the district uses.

    Raises:
        Refusal: it is not.
    """
    clean = " ".join(text.split())
    if not re.fullmatch(work.settings.case_number_pattern, clean):
        raise Refusal("request.case.wrong", example=work.settings.case_number_example)
    return clean


def read_note(text: str) -> str:
    """Raises `Refusal` where the note is too long."""
    clean = text.strip()
    if len(clean) > MOST_NOTE_CHARACTERS:
        raise Refusal("request.note.long", most=MOST_NOTE_CHARACTERS)
    return clean


def purposes(work: Work) -> dict[Purpose, str]:
    """What footage may be asked for in this district, with the law that allows it."""
    return {Purpose(key): basis for key, basis in work.settings.purposes.items()}


def limits_passed(work: Work, question: Question, owners: int) -> list[str]:
    """Names of the limits beyond which a supervisor must agree: radius, area, hours, owners."""
    settings = work.settings
    passed = {
        "area": question.whole_area,
        "radius": not question.whole_area and question.radius_m > settings.request_max_radius_m,
        "hours": question.hours > settings.request_max_hours,
        "owners": owners > settings.request_max_owners,
    }
    return [name for name, is_passed in passed.items() if is_passed]
