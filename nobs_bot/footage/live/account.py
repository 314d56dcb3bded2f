"""What an owner reads about live view of a camera: the terms, who looks now, who looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.footage.live.record import LiveView, words_of
from nobs_bot.footage.live.terms import hours_text, terms_of
from nobs_bot.people.persons import officer_name, persons_of
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup, Words

_LAST = 5
_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class GoingOn:
    """A look that is taken now."""

    view_id: int
    officer: str


@dataclass(frozen=True)
class Account:
    """The text, and what its buttons depend on."""

    text: str
    going_on: tuple[GoingOn, ...]
    is_resting: bool
    emergencies_only: bool


async def account_of(work: Work, words: Words, camera: Camera) -> Account:
    """How live view of a camera stands, for its owner."""
    terms = await terms_of(work, camera.id)
    query = (
        select(LiveView)
        .where(LiveView.camera_id == camera.id, LiveView.started_at > work.now - _WITHIN)
        .order_by(LiveView.id.desc())
        .limit(_LAST)
    )
    looks = (await work.session.execute(query)).scalars().all()
    officers = await persons_of(work, {look.viewer_id for look in looks})
    names = {
        each.id: officer_name(work, each) or words("log.an_officer") for each in officers.values()
    }
    is_resting = terms.rests_until is not None and terms.rests_until > work.now
    lines = [words("live.screen.head", camera=camera.name)]
    if camera.share_live:
        lines.append(words("live.screen.on", hours=hours_text(words, terms)))
        if terms.emergencies_only:
            lines.append(words("live.screen.emergencies"))
        if is_resting and terms.rests_until is not None:
            lines.append(words("live.screen.rests", moment=words.moment(terms.rests_until)))
    else:
        lines.append(words("live.screen.off"))
    told = [_look(work, words, look, names[look.viewer_id]) for look in looks]
    lines.append(words("live.screen.looks") if told else words("live.screen.no_looks"))
    lines += told
    going_on = tuple(
        GoingOn(look.id, names[look.viewer_id]) for look in looks if look.ended_at is None
    )
    return Account("\n\n".join(lines), going_on, is_resting, terms.emergencies_only)


def _look(work: Work, words: Words, look: LiveView, officer: str) -> str:
    span = (
        words("live.screen.now", start=words.moment(look.started_at))
        if look.ended_at is None
        else words.window(look.started_at, look.ended_at)
    )
    return words(
        "live.screen.look",
        span=span,
        officer=officer,
        purpose=Markup(words(f"purpose.{look.purpose.value}")),
        case=words_of(work, look).case_number,
    )
