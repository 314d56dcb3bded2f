"""
What officers wait for: a copy for viewing, an export as a file in the chat.

An order is a row with a lease. The right to see the request is looked at when it is given and
again when it is carried out.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.clips import clip_for, record_opened
from nobs_bot.footage.export import expected_bytes, gather, pack, stream
from nobs_bot.footage.handover import EvidenceOrder, Ordered
from nobs_bot.footage.look import Looker
from nobs_bot.footage.request import Clip, ClipState, FootageRequest, clips_of, request_for
from nobs_bot.footage.viewing import CannotCopy, can_be_copied, make_copy
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.storage.base import new_id
from nobs_bot.storage.crypto import KeyProblem
from nobs_bot.storage.doomed import doom, doom_unless_kept, keep
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import backoff, claim, held, holding, postpone
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import Words

log = logging.getLogger(__name__)

# what the Bot API takes from a bot is 50 MB
MOST_CHAT_BYTES = 45 * 1024 * 1024
_LEASE = timedelta(minutes=5)
_MOST_ATTEMPTS = 3
# as long as the message may wait in the outbox
_EXPORT_KEPT = timedelta(days=3)


async def order_copy(work: Work, clip_id: int, officer: Person) -> bool:
    """
    Have a copy for viewing made and sent to the officer.

    Returns:
        Whether the order is new; one that still waits is not given twice.

    Raises:
        Refusal: another's request, nothing there, or the file does not play here.
    """
    clip, request = await clip_for(work, clip_id, officer)
    if not can_be_copied(clip):
        raise Refusal("evidence.copy_cannot")
    return await _order(work, Ordered.COPY, request, officer, clip.id)


async def order_export(work: Work, request: FootageRequest, officer: Person) -> bool:
    """As `order_copy`, for a request that this officer may see and that fits into a message."""
    return await _order(work, Ordered.EXPORT, request, officer, None)


async def fits_the_chat(work: Work, request: FootageRequest) -> bool:
    """Whether the request's export is small enough to be sent as a file."""
    clips = [clip for clip in await clips_of(work, request.id) if clip.state is ClipState.STORED]
    return expected_bytes(clips) <= MOST_CHAT_BYTES


async def _order(
    work: Work, what: Ordered, request: FootageRequest, officer: Person, clip_id: int | None
) -> bool:
    waiting = select(EvidenceOrder.id).where(
        EvidenceOrder.what == what,
        EvidenceOrder.request_id == request.id,
        EvidenceOrder.clip_id == clip_id,
        EvidenceOrder.officer_id == officer.id,
    )
    if (await work.session.execute(waiting)).first() is not None:
        return False
    work.session.add(
        EvidenceOrder(
            id=new_id(),
            what=what,
            request_id=request.id,
            clip_id=clip_id,
            officer_id=officer.id,
            ordered_at=work.now,
            due_at=work.now,
            attempts=0,
        )
    )
    return True


async def carry_out(office: Office, files: FileStore, looker: Looker) -> int:
    """Carry one order out; returns how many were worked on."""
    async with office.work() as work:
        rows = await claim(work, EvidenceOrder, lease=_LEASE, limit=1)
    for row in rows:
        async with holding(office, EvidenceOrder, row.id, row.attempts, _LEASE):
            try:
                if row.what is Ordered.COPY:
                    await _copy(office, files, looker, row)
                else:
                    await _export(office, files, row)
            except Refusal as refusal:
                await _cannot(office, row, refusal)
            except CannotCopy:
                await _cannot(office, row, Refusal("evidence.copy_cannot"))
            except (KeyProblem, FileNotFoundError) as exc:
                await _store_trouble(office, row, exc)
            except Exception:
                log.exception("an order for evidence broke off")
                await _again(office, row)
    return len(rows)


async def _copy(office: Office, files: FileStore, looker: Looker, row: EvidenceOrder) -> None:
    assert row.clip_id is not None
    async with office.work() as work:
        officer = await person(work, row.officer_id)
        clip, request = await clip_for(work, row.clip_id, officer)
        original, ready = clip.file_name, clip.viewing_name
        name = f"viewing/{clip.id}-{row.id}-{row.attempts}"
        doomed = None if ready else doom_unless_kept(work, name)
    made = None
    if ready is None:
        assert original is not None
        made = await make_copy(looker, files, original, name, request.name)
    async with office.work() as work:
        order = await held(work, EvidenceOrder, row.id, row.attempts)
        if order is None:
            return
        # looked at once more: a copy takes minutes
        clip, request = await clip_for(work, row.clip_id, officer)
        if made is not None and doomed is not None and clip.viewing_name is None:
            clip.viewing_name, clip.viewing_sha256 = made.stored.name, made.stored.sha256
            await keep(work, doomed)
        await work.session.delete(order)
        record_opened(work, clip, request, officer, "copy")
        is_cut = made is not None and made.is_cut
        message = _copy_message(words_for(work, officer), request, clip, is_cut=is_cut)
        await tell(work, officer, message, f"copy:{row.id}")


def _copy_message(words: Words, request: FootageRequest, clip: Clip, *, is_cut: bool) -> Message:
    assert clip.viewing_name is not None
    parts = [words("evidence.copy", request=request.name, sha256=clip.sha256 or "")]
    if is_cut:
        parts.append(words("evidence.copy_cut"))
    return Message(
        text="\n\n".join(parts),
        pictures=(Picture(kind=PictureKind.FILE, name=clip.viewing_name),),
        document=f"{request.name}-SALINAN-COPY.mp4",
        keyboard=column(
            button(words("clip.open_button"), "req.clip", clip.id),
            button(words("request.open_button"), "req.show", request.id),
        ),
    )


async def _export(office: Office, files: FileStore, row: EvidenceOrder) -> None:
    name = f"exports/{row.id}-{row.attempts}"
    async with office.work() as work:
        officer = await person(work, row.officer_id)
        gathered = await gather(work, row.request_id, officer, "chat")
        doom(work, name, after=_EXPORT_KEPT)
    # report and manifest are in Indonesian, whoever asks: they are for the case
    package = await asyncio.to_thread(pack, gathered, office.vault, office.texts.of("id"))
    if package.size_bytes > MOST_CHAT_BYTES:
        raise Refusal("evidence.too_large")
    await files.put(name, stream(package, files))
    async with office.work() as work:
        order = await held(work, EvidenceOrder, row.id, row.attempts)
        if order is None:
            return
        request = await request_for(work, row.request_id, officer)
        await work.session.delete(order)
        words = words_for(work, officer)
        message = Message(
            text=words("evidence.exported", request=request.name),
            pictures=(Picture(kind=PictureKind.FILE, name=name),),
            document=package.file_name,
            keyboard=column(button(words("request.open_button"), "req.show", request.id)),
        )
        await tell(work, officer, message, f"export:{row.id}")


async def _cannot(office: Office, row: EvidenceOrder, refusal: Refusal) -> None:
    """End the order and say why."""
    async with office.work() as work:
        order = await held(work, EvidenceOrder, row.id, row.attempts)
        if order is None:
            return
        await work.session.delete(order)
        officer = await person(work, row.officer_id)
        text = words_for(work, officer)(refusal.text_key, **refusal.params)
        await tell(work, officer, Message(text=text), f"order-cannot:{row.id}")


async def _store_trouble(office: Office, row: EvidenceOrder, error: Exception) -> None:
    """The store's bytes are not what they were: have the clips read again, and say so."""
    log.error("evidence could not be read: %s", error)
    async with office.work() as work:
        await read_soon(work, row.request_id)
    await _cannot(office, row, Refusal("evidence.store_trouble"))


async def read_soon(work: Work, request_id: int) -> None:
    """Have a request's clips read anew now; what is damaged is then found and told."""
    for clip in await clips_of(work, request_id):
        if clip.state is ClipState.STORED and clip.lease_until is None:
            clip.due_at = work.now


async def _again(office: Office, row: EvidenceOrder) -> None:
    if row.attempts >= _MOST_ATTEMPTS:
        await _cannot(office, row, Refusal("evidence.not_now"))
        return
    async with office.work() as work:
        order = await held(work, EvidenceOrder, row.id, row.attempts)
        if order is not None:
            postpone(work, order, backoff(order.attempts), "broke off")
