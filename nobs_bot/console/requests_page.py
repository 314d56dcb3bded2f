"""Requests for footage: how they stand, what owners answered, and what can be done about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from nobs_bot.cameras.record import Camera
from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.safety import row_id
from nobs_bot.console.shell import Shell
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.ways import ways
from nobs_bot.errors import Refusal
from nobs_bot.footage import agreement, answers, owners, retention
from nobs_bot.footage.exits import make_link
from nobs_bot.footage.orders import order_copy
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    FootageRequest,
    Kind,
    Outcome,
    RequestState,
    answered_of,
    asks_of,
    clips_of,
    note_of,
    request_for,
    requests_in,
    requests_of,
    words_of,
)
from nobs_bot.footage.viewing import can_be_copied
from nobs_bot.footage.wording import clock_error_text, radius_text, windows_text
from nobs_bot.messaging.chats import unreachable_among
from nobs_bot.people.persons import Person, persons_of
from nobs_bot.people.roles import Role
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import plain

SEERS = (Role.INVESTIGATOR, Role.SUPERVISOR)
_REQUEST = r"/permintaan/{request:\d{1,19}}"
_MOST = 200

# what a form does: the request is one that its officer may see
Act = Callable[[Work, FootageRequest, Person, Any], Awaitable[object]]


class RequestsPage:
    """Serves requests; everything that is done is the chat's own use case."""

    def __init__(self, office: Office, shell: Shell, areas: Areas, base: BaseMap) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas
        self._base = base
        self._acts: dict[str, Act] = {
            "lingkar": self._next_ring,
            "minta-simpanan": self._ask_saved,
            "tutup": self._close,
            "perkara-selesai": self._end_case,
            "tahan": self._hold,
            "lepas-tahanan": self._end_hold,
            "putuskan": self._decide,
            "periksa-darurat": self._review,
        }

    def routes(self) -> list[web.RouteDef]:
        """The list, one request, and what can be done with it."""
        acts = "|".join(self._acts)
        return [
            web.get("/permintaan", self._list),
            web.get(_REQUEST, self._one),
            web.post(rf"{_REQUEST}/{{act:{acts}}}", self._act),
            web.post(_REQUEST + "/ekspor", self._export),
            web.post(_REQUEST + r"/klip/{clip:\d{1,19}}/salinan", self._copy),
        ]

    @allow(*SEERS)
    async def _list(self, request: web.Request) -> web.Response:
        """An investigator's own requests; a supervisor's area with all that is in it."""
        me, wanted = officer(request), request.query.get("keadaan", "")
        async with self._office.look() as work:
            found = {each.id: each for each in await requests_of(work, me.person_id, _MOST)}
            supervised = me.areas(Role.SUPERVISOR)
            found |= {each.id: each for each in await requests_in(work, supervised, _MOST)}
            shown = [
                each
                for each in sorted(found.values(), key=lambda each: -each.id)
                if wanted not in tuple(RequestState) or each.state == wanted
            ]
            answered = await answered_of(work, [each.id for each in shown])
            rows = [self._row(me, each, answered.get(each.id, (0, 0))) for each in shown]
        return self._shell.page(
            request,
            "requests.html",
            rows=rows,
            states=[each.value for each in RequestState],
            wanted=wanted,
        )

    def _row(self, me: Officer, each: FootageRequest, answered: tuple[int, int]) -> dict[str, Any]:
        words = me.words
        return {
            "id": each.id,
            "name": each.name,
            "state": plain(words(f"request.state.{each.state}")),
            "purpose": plain(words(f"purpose.{each.purpose.value}")),
            "area": self._areas.name(each.area_code),
            "when": words.moment(each.created_at),
            "answered": f"{answered[0]}/{answered[1]}" if answered[1] else "–",
            "is_emergency": each.is_emergency and each.reviewed_at is None,
        }

    @allow(*SEERS)
    async def _one(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            who, found = await me.person(work), await self._found(work, request, me)
            clips = await clips_of(work, found.id)
            about = self._about(work, me, found)
            asks = await self._answers(work, me, found)
            shown = [await self._clip(work, me, clip) for clip in clips]
            may = self._may(me, who, found, clips)
        return self._shell.page(
            request,
            "request.html",
            about=about,
            asks=asks,
            clips=shown,
            may=may,
            outcomes=[each.value for each in Outcome],
            most=agreement.MOST_REASON_CHARACTERS,
            done="selesai" in request.query,
        )

    async def _found(self, work: Work, request: web.Request, me: Officer) -> FootageRequest:
        return await request_for(work, row_id(request, "request"), await me.person(work))

    def _about(self, work: Work, me: Officer, found: FootageRequest) -> dict[str, Any]:
        words, said = me.words, words_of(work, found)
        return {
            "id": found.id,
            "name": found.name,
            "state": plain(words(f"request.state.{found.state}")),
            "marks": [plain(each) for each in _marks(me, found)],
            "place": said.place,
            "radius": plain(radius_text(words, found.radius_m, whole_area=found.whole_area)),
            "windows": plain(windows_text(words, found.asked_windows)),
            "case": said.case_number,
            "purpose": plain(words(f"purpose.{found.purpose.value}")),
            "note": said.note or "–",
            "area": self._areas.name(found.area_code),
            "lat": found.lat,
            "lon": found.lon,
            "emergency": said.emergency_reason,
            "supervisor": said.supervisors_reason or said.review_reason,
            "hold": said.hold_reason if found.held_at else "",
        }

    async def _answers(
        self, work: Work, me: Officer, found: FootageRequest
    ) -> list[dict[str, str]]:
        asks = await asks_of(work, found.id)
        persons = await persons_of(work, {ask.owner_id for ask in asks})
        chats = [owner.telegram_id for owner in persons.values() if owner.telegram_id]
        away = await unreachable_among(work, chats)
        return [
            await self._answer(
                work, me, found, ask, is_away=persons[ask.owner_id].telegram_id in away
            )
            for ask in asks
        ]

    async def _answer(
        self, work: Work, me: Officer, found: FootageRequest, ask: Ask, *, is_away: bool
    ) -> dict[str, str]:
        words = me.words
        camera = await work.session.get(Camera, ask.camera_id)
        standing = await owners.standing(work, found, ask, is_away=is_away)
        clock = ""
        if ask.clock_error_s is not None:
            clock = plain(clock_error_text(words, ask.clock_error_s))
        return {
            "camera": camera.name if camera else "–",
            "number": str(camera.number) if camera and camera.number else "",
            "answer": plain(words(f"reply.{standing}")),
            "note": note_of(work, ask),
            "clock": clock,
            "overwritten": words.moment(ask.overwritten_at) if ask.overwritten_at else "",
        }

    async def _clip(self, work: Work, me: Officer, clip: Clip) -> dict[str, Any]:
        camera = await work.session.get(Camera, clip.camera_id)
        is_here = clip.state is ClipState.STORED and clip.file_name is not None
        megabytes = (clip.size_bytes or 0) / 1_000_000
        return {
            "id": clip.id,
            "camera": camera.name if camera else "–",
            "state": plain(me.words(f"console.clip.{clip.state}")),
            "sent": me.words.moment(clip.sent_at),
            "size": f"{me.words.number(round(megabytes, 1))} MB" if clip.size_bytes else "–",
            "sha256": clip.sha256 or "",
            "is_here": is_here,
            "may_copy": is_here and can_be_copied(clip) and clip.viewing_name is None,
        }

    def _may(self, me: Officer, who: Person, found: FootageRequest, clips: Any) -> dict[str, bool]:
        """What this officer can do with the request as it stands, as in the chat."""
        is_own, is_open = found.requester_id == who.id, found.state is RequestState.SENT
        supervises = me.may_at(found.area_code, Role.SUPERVISOR)
        judges = supervises and not is_own
        return {
            "ask_saved": is_own and is_open and found.kind is Kind.PRESERVE,
            "ring": is_own and is_open and not found.whole_area,
            "close": is_own and is_open,
            "end_case": is_own
            and found.outcome in retention.OF_A_CASE
            and found.case_over_at is None,
            "hold": bool(clips) and supervises and found.held_at is None,
            "end_hold": bool(clips) and supervises and found.held_at is not None,
            "decide": judges and found.state is RequestState.AWAITING_AGREEMENT,
            "review": judges and found.is_emergency and found.reviewed_at is None,
            "export": any(clip.state is ClipState.STORED for clip in clips),
        }

    # what is done

    @allow(*SEERS)
    async def _act(self, request: web.Request) -> web.Response:
        me, form = officer(request), await request.post()
        act = self._acts[request.match_info["act"]]
        async with self._office.work() as work:
            found = await self._found(work, request, me)
            await act(work, found, await me.person(work), form)
        return self._shell.to(f"permintaan/{found.id}?selesai")

    async def _next_ring(self, work: Work, found: FootageRequest, who: Person, _: Any) -> None:
        beyond = ways(self._base, found.lat, found.lon, found.radius_m)
        await owners.next_ring(work, found, who, beyond, Walls(self._base))

    async def _ask_saved(self, work: Work, found: FootageRequest, who: Person, _: Any) -> None:
        await owners.ask_for_what_was_saved(work, found, who)

    async def _close(self, work: Work, found: FootageRequest, who: Person, form: Any) -> None:
        outcome = str(form.get("hasil", ""))
        if outcome not in tuple(Outcome):
            raise Refusal("buttons.stale")
        await answers.close(work, found, who, Outcome(outcome))

    async def _end_case(self, work: Work, found: FootageRequest, who: Person, _: Any) -> None:
        await retention.end_case(work, found, who)

    async def _hold(self, work: Work, found: FootageRequest, who: Person, form: Any) -> None:
        await retention.hold(work, found, who, str(form.get("alasan", "")))

    async def _end_hold(self, work: Work, found: FootageRequest, who: Person, _: Any) -> None:
        await retention.end_hold(work, found, who)

    async def _decide(self, work: Work, found: FootageRequest, who: Person, form: Any) -> None:
        reason = agreement.read_word(str(form.get("alasan", "")))
        await agreement.decide(work, found.id, who, agreed=_yes(form), reason=reason)

    async def _review(self, work: Work, found: FootageRequest, who: Person, form: Any) -> None:
        reason = agreement.read_word(str(form.get("alasan", "")))
        await agreement.review(work, found.id, who, justified=_yes(form), reason=reason)

    @allow(*SEERS)
    async def _export(self, request: web.Request) -> web.Response:
        """On to the one-time link of the export, which is logged where it is used."""
        me = officer(request)
        async with self._office.work() as work:
            found = await self._found(work, request, me)
            clips = await clips_of(work, found.id)
            if not any(clip.state is ClipState.STORED for clip in clips):
                raise Refusal("evidence.nothing", request=found.name)
            link = make_link(work, found, await me.person(work))
        assert link is not None
        return web.Response(status=303, headers={"Location": link})

    @allow(*SEERS)
    async def _copy(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            found = await self._found(work, request, me)
            await order_copy(work, row_id(request, "clip"), await me.person(work))
        return self._shell.to(f"permintaan/{found.id}?selesai")


def _yes(form: Any) -> bool:
    """Raises `Refusal` where neither of the two buttons was pressed."""
    said = str(form.get("kata", ""))
    if said not in ("ya", "tidak"):
        raise Refusal("buttons.stale")
    return said == "ya"


def _marks(me: Officer, found: FootageRequest) -> list[str]:
    """What is out of the ordinary about a request."""
    words, marks = me.words, []
    if found.kind is Kind.PRESERVE:
        marks.append(words("request.mark.preserve"))
    if found.is_emergency:
        reviewed = found.reviewed_at is not None
        marks.append(words("request.mark.reviewed" if reviewed else "request.mark.emergency"))
    if found.held_at is not None:
        marks.append(words("request.mark.held"))
    elif found.erase_at is not None:
        marks.append(words("request.mark.erased_at", day=words.date(found.erase_at)))
    return marks
