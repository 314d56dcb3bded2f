"""What an owner is told about a file they sent: the receipt, and at any time what became of it."""

from __future__ import annotations

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.formats import Family
from nobs_bot.footage.request import Clip, ClipKind, ClipState, Erasure, FootageRequest
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup, Words

_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"

# the reasons for which clips are erased, in words
_REASONS = {
    "case over": "evidence.state.case_over",
    "of no case": "evidence.state.of_no_case",
}


def receipt_name(clip: Clip) -> str:
    """The receipt's number: the clip's id in digits and letters that are told apart when read."""
    number, name = clip.id, ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        name = _DIGITS[digit] + name
    return f"T-{name}"


async def give_receipt(work: Work, clip: Clip, request: FootageRequest, name: str) -> None:
    """Tell the owner what was taken over, and what it was found to be."""
    owner = await person(work, clip.owner_id)
    words = words_for(work, owner)
    parts = [_receipt(work, words, clip, request, name)]
    if clip.recompressed:
        parts.append(words("clip.recompressed"))
    if (about := what_it_is(words, clip)) is not None:
        parts.append(about)
    buttons = column(
        button(words("clip.done_button"), "ans.done", clip.ask_id),
        button(words("evidence.receipt_button"), "evd.receipt", clip.id),
    )
    message = Message(text="\n\n".join(parts), keyboard=buttons)
    await tell(work, owner, message, f"receipt:{clip.id}")


def _receipt(work: Work, words: Words, clip: Clip, request: FootageRequest, name: str) -> str:
    return words(
        "clip.receipt",
        request=request.name,
        name=name,
        size=words.number(round((clip.size_bytes or 0) / 1_048_576, 2)),
        moment=words.moment(clip.stored_at or work.now),
        sha256=clip.sha256 or "",
    )


def what_it_is(words: Words, clip: Clip) -> str | None:
    """A word to owner and officer about a file that does not play here; None for any other."""
    if clip.kind is ClipKind.PROPRIETARY:
        return words("evidence.kind.proprietary")
    if clip.kind is ClipKind.UNKNOWN:
        return words("evidence.kind.unknown")
    return None


async def tell_refused(work: Work, clip: Clip, name: str, family: Family) -> None:
    """Say that a file was no recording, and what to send instead."""
    owner = await person(work, clip.owner_id)
    words = words_for(work, owner)
    again = column(button(words("clip.again_button"), "ans.has", clip.ask_id))
    message = Message(text=words(f"evidence.refused.{family}", name=name), keyboard=again)
    await tell(work, owner, message, f"refused:{clip.id}")


async def receipt_now(work: Work, clip_id: int, owner: Person) -> str:
    """
    The receipt as it stands today: number, size, digest, and whether the file is still whole.

    Raises:
        Refusal: it is not this owner's file.
    """
    clip = await work.session.get(Clip, clip_id)
    if clip is None or clip.owner_id != owner.id:
        raise Refusal("ask.not_yours")
    request = await work.session.get(FootageRequest, clip.request_id)
    assert request is not None
    words = words_for(work, owner)
    return words(
        "evidence.receipt",
        receipt=receipt_name(clip),
        request=request.name,
        size=words.number(clip.size_bytes or 0),
        sha256=clip.sha256 or "–",
        moment=words.moment(clip.stored_at or clip.sent_at),
        state=Markup(await _state(work, words, clip)),
    )


async def _state(work: Work, words: Words, clip: Clip) -> str:
    if clip.state is ClipState.ERASED:
        query = select(Erasure).where(Erasure.clip_id == clip.id).order_by(Erasure.id.desc())
        erasure = (await work.session.execute(query.limit(1))).scalar_one_or_none()
        at = erasure.at if erasure else clip.erased_at or work.now
        return words(
            "evidence.state.erased",
            moment=words.moment(at),
            reason=_reason(words, erasure.reason if erasure else ""),
        )
    if clip.state is not ClipState.STORED:
        return words("evidence.state.not_kept")
    if clip.damaged_at is not None:
        return words("evidence.state.damaged", moment=words.moment(clip.damaged_at))
    if clip.verified_at is not None:
        return words("evidence.state.whole", moment=words.moment(clip.verified_at))
    return words("evidence.state.stored")


def _reason(words: Words, reason: str) -> str:
    return words(_REASONS.get(reason, "evidence.state.no_reason"))
