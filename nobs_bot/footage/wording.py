"""How a request is put to owners and officers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nobs_bot.buttons import Keyboard, button
from nobs_bot.footage.request import Ask, FootageRequest, Kind, words_of
from nobs_bot.footage.times import Window
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup, Words

# a clock that is off by less is right, as far as looking for footage goes
CLOCK_MATTERS_S = 60


def ask_message(
    work: Work, words: Words, request: FootageRequest, ask: Ask, camera_name: str
) -> Message:
    """What an owner is asked: who, why, where, when, until when, and that it is voluntary."""
    said = words_of(work, request)
    lines = [
        words("ask.who", district=work.settings.district_name, request=request.name),
        words("ask.emergency") if request.is_emergency else "",
        words(
            "ask.what",
            purpose=Markup(words(f"purpose.{request.purpose.value}")),
            place=said.place,
            window=windows_text(words, request.asked_windows),
        ),
        _authority(work, words, request, said.case_number),
        words("ask.camera", camera=camera_name),
        _in_recorders_time(words, request.asked_windows, ask.clock_error_s),
        words("ask.note", note=said.note) if said.note else "",
        _deadline(words, ask, work.now),
        words("ask.preserve") if request.kind is Kind.PRESERVE else "",
        words("ask.voluntary"),
    ]
    pictures = tuple(Picture(kind=PictureKind.TELEGRAM, name=each) for each in said.pictures)
    return Message(
        text="\n\n".join(line for line in lines if line),
        keyboard=ask_keyboard(words, ask.id, request.kind),
        pictures=pictures,
    )


def _authority(work: Work, words: Words, request: FootageRequest, case_number: str) -> str:
    """The case, and the law by which it may be asked about where the district names one."""
    basis = work.settings.purposes.get(request.purpose.value)
    if not basis:
        return words("ask.case", case=case_number)
    return words("ask.case_and_law", case=case_number, law=basis)


def _deadline(words: Words, ask: Ask, now: datetime) -> str:
    if ask.overwritten_at is None:
        return ""
    if ask.overwritten_at > now:
        return words("ask.deadline", moment=words.moment(ask.overwritten_at))
    return words("ask.deadline_partly_over")


def _in_recorders_time(words: Words, windows: Sequence[Window], error_s: int | None) -> str:
    """The stretches as the owner's recorder shows them, where its clock is known to be wrong."""
    if error_s is None or abs(error_s) < CLOCK_MATTERS_S:
        return ""
    off = timedelta(seconds=error_s)
    shown = [Window(each.start + off, each.end + off) for each in windows]
    return words(
        "ask.recorders_time",
        window=windows_text(words, shown),
        error=Markup(clock_error_text(words, error_s)),
    )


def clock_error_text(words: Words, error_s: int) -> str:
    """How wrong a recorder's clock is: seven minutes fast, right, an hour slow."""
    minutes = round(abs(error_s) / 60)
    if minutes == 0:
        return words("clock.right")
    return words.plural("clock.fast" if error_s > 0 else "clock.slow", minutes)


def ask_keyboard(words: Words, ask_id: int, kind: Kind = Kind.FOOTAGE) -> Keyboard:
    """The owner's answers; whoever is only to save is not asked whether they send."""
    first = ("has", "ans.has") if kind is Kind.FOOTAGE else ("saved", "ans.saved")
    return (
        (
            button(words(f"ask.{first[0]}_button"), first[1], ask_id),
            button(words("ask.nothing_button"), "ans.nothing", ask_id),
        ),
        (
            button(words("ask.refuse_button"), "ans.refuse", ask_id),
            button(words("ask.help_button"), "ans.help", ask_id),
        ),
        (button(words("ask.not_mine_button"), "ans.notmine", ask_id),),
    )


def describe(work: Work, words: Words, request: FootageRequest) -> str:
    """The request in lines of Telegram HTML."""
    said = words_of(work, request)
    return words(
        "request.details",
        place=said.place,
        radius=Markup(radius_text(words, request.radius_m, whole_area=request.whole_area)),
        window=windows_text(words, request.asked_windows),
        case=said.case_number,
        purpose=Markup(words(f"purpose.{request.purpose.value}")),
        note=said.note or "–",
    )


def radius_text(words: Words, radius_m: float, *, whole_area: bool) -> str:
    """How far from the place, or that the whole area is meant."""
    if whole_area:
        return words("request.whole_area")
    return words("request.radius", radius=words.distance(radius_m))


def windows_text(words: Words, windows: Sequence[Window]) -> str:
    """Stretches of time in words, one a line where they are several."""
    return "\n".join(words.window(each.start, each.end) for each in windows)
