"""Telling an investigator what changed in a request: soon, bundled, never one message an owner."""

from __future__ import annotations

from datetime import timedelta

from nobs_bot.buttons import Button, button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.footage.receipts import what_it_is
from nobs_bot.footage.request import (
    Ask,
    Clip,
    FootageRequest,
    Reply,
    asks_of,
    clips_of,
)
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, holders, holds
from nobs_bot.storage.leases import claim, settle
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import Words

# the first change is told almost at once; those that follow are gathered
FIRST_PAUSE = timedelta(seconds=2)
PAUSE = timedelta(seconds=20)
MOST_LINES = 12
_MOST_CLIP_BUTTONS = 5


async def note_news(work: Work, request: FootageRequest, changed: Ask | Clip) -> None:
    """An answer or a clip is new, and the investigator is to hear of it."""
    changed.is_news = True
    with work.session.no_autoflush:
        # what was read of it before may be what somebody is just telling, and about to settle
        await work.session.refresh(request, ["due_at", "told_at"], with_for_update=True)
    if request.due_at is None:
        soonest = work.now + FIRST_PAUSE
        after_last = request.told_at + PAUSE if request.told_at else soonest
        request.due_at = max(soonest, after_last)


async def tell_news(office: Office, *, limit: int = 10) -> int:
    """Tell what has gathered; returns how many requests were worked on."""
    async with office.work() as work:
        requests = await claim(work, FootageRequest, lease=timedelta(minutes=1), limit=limit)
        for request in requests:
            await _tell(work, request)
    return len(requests)


async def _tell(work: Work, request: FootageRequest) -> None:
    asks = await asks_of(work, request.id)
    changed = [ask for ask in asks if ask.is_news]
    clips = [clip for clip in await clips_of(work, request.id) if clip.is_news]
    for ask in changed:
        ask.is_news = False
    for clip in clips:
        clip.is_news = False
    request.told_at = work.now
    settle(request)
    if not changed and not clips:
        return
    answered = sum(ask.reply is not Reply.NONE_YET for ask in asks)
    names = {ask.camera_id: await _name(work, ask.camera_id) for ask in asks}
    for officer in await _hearers(work, request):
        words = words_for(work, officer)
        lines = [_said(words, request, ask, names) for ask in changed]
        lines += [_arrived(words, request, clip, names) for clip in clips]
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], words("news.more", count=len(lines) - MOST_LINES)]
        lines.append("\n" + words("news.so_far", answered=answered, asked=len(asks)))
        buttons = [_open(words, clip, names) for clip in clips[:_MOST_CLIP_BUTTONS]]
        show = button(words("request.open_button"), "req.show", request.id)
        message = Message(text="\n".join(lines), keyboard=column(*buttons, show))
        await tell(work, officer, message, f"news:{request.id}:{request.attempts}:{officer.id}")


async def _hearers(work: Work, request: FootageRequest) -> list[Person]:
    """The investigator; where that role was ended meanwhile, the supervisors of the area."""
    officer = await person(work, request.requester_id)
    if await holds(work, officer.id, Role.INVESTIGATOR, request.area_code):
        return [officer]
    return await holders(work, Role.SUPERVISOR, request.area_code)


def _said(words: Words, request: FootageRequest, ask: Ask, names: dict[int, str]) -> str:
    return words(f"reply.told.{ask.reply.value}", camera=names[ask.camera_id], request=request.name)


def _arrived(words: Words, request: FootageRequest, clip: Clip, names: dict[int, str]) -> str:
    told = words("clip.told", camera=names[clip.camera_id], request=request.name)
    about = what_it_is(words, clip)
    return told if about is None else f"{told}\n{about}"


def _open(words: Words, clip: Clip, names: dict[int, str]) -> Button:
    return button(words("news.open_button", camera=names[clip.camera_id]), "req.clip", clip.id)


async def _name(work: Work, camera_id: int) -> str:
    camera = await work.session.get(Camera, camera_id)
    return camera.name if camera else "?"
