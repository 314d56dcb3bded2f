"""What owners and supervisors are told of a look."""

from __future__ import annotations

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.footage.live.record import LiveView, words_of
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, officer_name, person, tell, words_for
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup, Words


async def tell_begun(
    work: Work, view: LiveView, camera: Camera, owner: Person, officer: Person
) -> None:
    """Who looks, why, until when, and how to end it."""
    words = words_for(work, owner)
    lines = [
        words(
            "live.begun",
            camera=camera.name,
            officer=_officer(work, words, officer),
            role=Markup(words(f"role.{view.viewer_role}")),
            district=work.settings.district_name,
        ),
        _why(work, words, view),
        words("live.begun_until", moment=words.moment(view.ends_at)),
    ]
    keyboard = column(
        button(words("live.stop_button"), "live.stop", view.id),
        button(words("live.terms_button"), "live.terms", camera.id),
    )
    message = Message(text="\n\n".join(lines), keyboard=keyboard, slot=_slot(view))
    await tell(work, owner, message, f"live:{view.id}:begun")


async def tell_ended(work: Work, view: LiveView) -> None:
    """Put how long it lasted and what ended it in place of the first message."""
    owner = await person(work, view.owner_id)
    officer = await person(work, view.viewer_id)
    camera = await work.session.get(Camera, view.camera_id)
    assert camera is not None
    words = words_for(work, owner)
    keyboard = column(
        button(words("live.terms_button"), "live.terms", camera.id),
        button(words("log.open_button"), "log.show"),
    )
    text = ended_text(work, words, view, camera, officer)
    message = Message(text=text, keyboard=keyboard, slot=_slot(view))
    await tell(work, owner, message, f"live:{view.id}:ended")


def ended_text(work: Work, words: Words, view: LiveView, camera: Camera, officer: Person) -> str:
    """The account of a look that is over."""
    assert view.ended_at is not None
    assert view.ending is not None
    lines = [
        words(
            "live.ended",
            camera=camera.name,
            officer=_officer(work, words, officer),
            role=Markup(words(f"role.{view.viewer_role}")),
        ),
        _why(work, words, view),
        words("live.never_shown")
        if view.shown_at is None
        else words("live.lasted", span=words.window(view.started_at, view.ended_at)),
        words(f"live.ending.{view.ending.value}"),
    ]
    return "\n\n".join(lines)


async def tell_emergency(
    work: Work, view: LiveView, camera: Camera, officer: Person, supervisor: Person
) -> None:
    """A supervisor hears of a look that was called an emergency."""
    words = words_for(work, supervisor)
    said = words_of(work, view)
    text = words(
        "live.emergency_told",
        camera=camera.name,
        officer=_officer(work, words, officer),
        case=said.case_number,
        purpose=Markup(words(f"purpose.{view.purpose.value}")),
        reason=said.emergency_reason,
        moment=words.moment(view.started_at),
    )
    await tell(work, supervisor, Message(text=text), f"live:{view.id}:emergency:{supervisor.id}")


def _why(work: Work, words: Words, view: LiveView) -> str:
    said = words_of(work, view)
    why = words(
        "live.why",
        purpose=Markup(words(f"purpose.{view.purpose.value}")),
        case=said.case_number,
    )
    if not view.is_emergency:
        return why
    return why + "\n" + words("live.why_emergency", reason=said.emergency_reason)


def _officer(work: Work, words: Words, officer: Person) -> str:
    return officer_name(work, officer) or words("log.an_officer")


def _slot(view: LiveView) -> str:
    return f"live:{view.id}"
