"""
What is said about one request's evidence, signed with Ed25519 (see `form`).

Owners stand in it by their camera's number and their receipts' numbers, not by name: what proves
a recording is where it came from and that it did not change. A prosecutor who needs the witness
asks the district, which knows the owner by the same numbers; everybody else whom the export
passes through does not learn who it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from nobs_bot import VERSION
from nobs_bot.cameras.record import Camera, mounting
from nobs_bot.footage.form import FORM
from nobs_bot.footage.receipts import receipt_name
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    Erasure,
    FootageRequest,
    asks_of,
    clips_of,
    words_of,
)
from nobs_bot.people.persons import officer_name, persons_of
from nobs_bot.people.roles import Role
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.work import Work

_HAND_OVERS = (
    Act.ASKED,
    Act.ANSWERED,
    Act.CLOCK_READ,
    Act.CLIP_RECEIVED,
    Act.CLIP_REFUSED,
    Act.CLIP_OPENED,
    Act.CLIP_DAMAGED,
    Act.CLIP_ERASED,
    Act.EVIDENCE_EXPORTED,
    Act.EVIDENCE_HELD,
    Act.HOLD_ENDED,
)
# of a line's sealed details, those that say which file and what was done with it
_TOLD = ("receipt", "sha256", "size_bytes", "opened", "reply", "how")


def signing_key(vault: Vault) -> Ed25519PrivateKey:
    """The installation's key for evidence; the same after a new master key was added."""
    return Ed25519PrivateKey.from_private_bytes(vault.derive("nobs/evidence-signing/1"))


async def facts_of(work: Work, request: FootageRequest) -> dict[str, Any]:
    """Everything that the manifest says about a request but the export's own contents."""
    asks = await asks_of(work, request.id)
    clips = await clips_of(work, request.id)
    cameras = {ask.camera_id: await work.session.get(Camera, ask.camera_id) for ask in asks}
    names = {number: each.name for number, each in cameras.items() if each is not None}
    officers = await _officers(work, request)
    return {
        "form": FORM,
        "made_by": {"software": "No Blindspot", "version": VERSION},
        "made_at": _at(work.now),
        "request": _request(work, request, officers),
        "asks": [_ask(ask, cameras[ask.camera_id]) for ask in asks],
        "clips": [
            await _clip(work, clip, names.get(clip.camera_id, "?"), at)
            for at, clip in enumerate(clips, start=1)
        ],
        "hand_overs": await _hand_overs(work, request, asks, names),
    }


async def _officers(work: Work, request: FootageRequest) -> dict[int, str]:
    ids = {request.requester_id, request.agreed_by, request.reviewed_by, request.held_by} - {None}
    found = await persons_of(work, [each for each in ids if each is not None])
    return {each.id: officer_name(work, each) for each in found.values()}


def _request(work: Work, request: FootageRequest, officers: dict[int, str]) -> dict[str, Any]:
    said = words_of(work, request)

    def officer(person_id: int | None, role: Role) -> dict[str, str] | None:
        if person_id is None:
            return None
        return {"name": officers.get(person_id, ""), "role": role.value}

    return {
        "number": request.name,
        "district": work.settings.district_name,
        "asked_by": officer(request.requester_id, Role.INVESTIGATOR),
        "case_number": said.case_number,
        "purpose": request.purpose.value,
        "kind": request.kind.value,
        "authority": {
            "district": work.settings.district_name,
            "area": request.area_code,
            "law": work.settings.purposes.get(request.purpose.value, ""),
        },
        "place": {
            "words": said.place,
            "lat": _degrees(request.lat),
            "lon": _degrees(request.lon),
            "radius_m": round(request.radius_m),
            "whole_area": request.whole_area,
        },
        "note": said.note,
        "windows": [[_at(each.start), _at(each.end)] for each in request.asked_windows],
        "agreed_by": officer(request.agreed_by, Role.SUPERVISOR),
        "agreed_because": said.supervisors_reason,
        "emergency": request.is_emergency,
        "emergency_because": said.emergency_reason,
        "emergency_reviewed_by": officer(request.reviewed_by, Role.SUPERVISOR),
        "emergency_review": said.review_reason,
        "created_at": _at(request.created_at),
        "sent_at": _at(request.sent_at),
        "closed_at": _at(request.closed_at),
        "state": request.state.value,
        "outcome": request.outcome.value if request.outcome else None,
    }


def _ask(ask: Ask, camera: Camera | None) -> dict[str, Any]:
    about: dict[str, Any] = {
        "camera": camera.name if camera else "?",
        "area": camera.area_code if camera else None,
        "reply": ask.reply.value,
        "asked_at": _at(ask.asked_at),
        "answered_at": _at(ask.answered_at),
        "overwritten_at": _at(ask.overwritten_at),
        "recorder_clock_ahead_s": ask.clock_error_s,
        "recorder_clock_read_at": _at(ask.clock_read_at),
    }
    if camera is not None:
        hangs = mounting(camera)
        about["lat"], about["lon"] = _degrees(hangs["lat"]), _degrees(hangs["lon"])
        headings = (hangs["heading_deg"], *(camera.other_headings or ()))
        about["heading_deg"] = ";".join(_text(each) or "" for each in headings) or None
        about["width_deg"] = _text(hangs["width_deg"])
        about["range_m"] = _text(hangs["range_m"])
    return about


async def _clip(work: Work, clip: Clip, camera: str, at: int) -> dict[str, Any]:
    source = work.vault.open_json("footage_clips.source", clip.id, clip.source)
    is_here = clip.state is ClipState.STORED
    about: dict[str, Any] = {
        "number": at,
        "receipt": receipt_name(clip),
        "camera": camera,
        "name_given": source["name"],
        "state": clip.state.value,
        "size_bytes": clip.size_bytes,
        "sha256": clip.sha256,
        "crc32": clip.crc32,
        "kind": clip.kind.value if clip.kind else None,
        "media_type": clip.media_type,
        "looked": clip.looked,
        "recompressed_on_the_way": clip.recompressed,
        "recorder_clock_ahead_s": clip.clock_error_s,
        # ISO/IEC 27037: collected when the owner handed it over, acquired when our copy was whole
        "collected_at": _at(clip.sent_at),
        "acquired_at": _at(clip.stored_at),
        "verified_at": _at(clip.verified_at),
        "damaged_at": _at(clip.damaged_at),
        "copy_for_viewing_sha256": clip.viewing_sha256,
        "file": None,
    }
    if not is_here:
        query = select(Erasure).where(Erasure.clip_id == clip.id).order_by(Erasure.id.desc())
        erased = (await work.session.execute(query.limit(1))).scalar_one_or_none()
        about["erased_at"] = _at(erased.at if erased else clip.erased_at)
        about["erased_because"] = erased.reason if erased else None
    return about


async def _hand_overs(
    work: Work, request: FootageRequest, asks: Sequence[Ask], names: dict[int, str]
) -> list[dict[str, Any]]:
    """Who did what with it, and when, from the audit log; the log is searched by its owners."""
    owners = {ask.owner_id for ask in asks}
    query = (
        select(AuditLine)
        .where(
            AuditLine.owner_id.in_(owners),
            AuditLine.request_id == request.id,
            AuditLine.act.in_(_HAND_OVERS),
        )
        .order_by(AuditLine.id)
    )
    lines = (await work.session.execute(query)).scalars().all()
    actors = await persons_of(work, {line.actor_id for line in lines if line.actor_id})
    told = []
    for line in lines:
        details = line.read_details(work)
        entry: dict[str, Any] = {
            "at": _at(line.at),
            "act": line.act.value,
            "camera": names.get(line.camera_id or 0, "?"),
            "by": "system" if line.actor_id is None else "owner",
        }
        if line.actor_id is not None and line.actor_id not in owners:
            who = actors.get(line.actor_id)
            entry["by"] = line.actor_role or Role.INVESTIGATOR.value
            entry["name"] = officer_name(work, who) if who else ""
        entry |= {name: details[name] for name in _TOLD if name in details}
        told.append(entry)
    return told


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None


def _degrees(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"
