"""The pages of live view: which cameras, for which case, and the picture."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from nobs_bot.cameras.record import Camera
from nobs_bot.console.gate import Gate, Officer, allow, officer
from nobs_bot.console.live.socket import Socket
from nobs_bot.console.safety import row_id
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.footage.live import views
from nobs_bot.footage.live.record import Ending, LiveView, words_of
from nobs_bot.footage.live.terms import hours_text, terms_of
from nobs_bot.footage.live.views import LENGTHS_MIN, VIEWERS, Demand
from nobs_bot.footage.question import purposes
from nobs_bot.footage.request import Purpose
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.live import LiveStreams

_NUMBER = re.compile(r"(?:k-?\s*)?(\d{1,9})", re.IGNORECASE)
_CAMERA, _VIEW = r"{camera:\d{1,19}}", r"{view:\d{1,19}}"


class LivePages:
    """What investigators and supervisors see of live view."""

    def __init__(
        self, office: Office, areas: Areas, streams: LiveStreams, gate: Gate, shell: Shell
    ) -> None:
        self._office = office
        self._areas = areas
        self._shell = shell
        self._socket = Socket(office, streams, gate)

    def routes(self) -> list[web.RouteDef]:
        """The list, the form, the picture and its socket."""
        return [
            web.get("/langsung", self._list),
            web.get(f"/langsung/{_CAMERA}", self._ask),
            web.post(f"/langsung/{_CAMERA}", self._begin),
            web.get(f"/langsung/lihat/{_VIEW}", self._show),
            web.post(f"/langsung/lihat/{_VIEW}/akhiri", self._end),
            web.get(f"/langsung/lihat/{_VIEW}/siaran", self._socket.serve),
        ]

    @allow(*VIEWERS)
    async def _list(self, request: web.Request) -> web.Response:
        me = officer(request)
        wanted = request.query.get("kamera", "").strip()[:20]
        found = _NUMBER.fullmatch(wanted)
        cameras, looks = [], []
        async with self._office.look() as work:
            if not wanted or found:
                number = int(found[1]) if found else None
                cameras = [
                    self._line(each)
                    for each in await views.cameras_to_watch(work, me.areas(*VIEWERS), number)
                ]
            for view, camera in await views.looks_of(work, await me.person(work)):
                looks.append(_look(work, me, view, camera))
        return self._shell.page(
            request, "live_list.html", cameras=cameras, looks=looks, wanted=wanted
        )

    def _line(self, camera: Camera) -> dict[str, object]:
        assert camera.area_code is not None
        return {"id": camera.id, "name": camera.name, "area": self._areas.name(camera.area_code)}

    @allow(*VIEWERS)
    async def _ask(self, request: web.Request) -> web.Response:
        return await self._form(request, {}, told=None)

    async def _form(
        self, request: web.Request, given: dict[str, str], *, told: Refusal | None
    ) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            camera, role = await views.watchable(
                work, row_id(request, "camera"), await me.person(work)
            )
            record(
                work,
                Act.CAMERA_OPENED,
                actor_id=me.person_id,
                actor_role=role,
                owner_id=camera.owner_id,
                camera_id=camera.id,
            )
            if not camera.share_live or camera.stream is None:
                raise Refusal("live.not_shared", camera=camera.name)
            terms = await terms_of(work, camera.id)
            resting = (
                me.words.moment(terms.rests_until)
                if terms.rests_until and terms.rests_until > work.now
                else ""
            )
            values: dict[str, Any] = {
                "camera": self._line(camera),
                "hours": hours_text(me.words, terms),
                "emergencies_only": terms.emergencies_only,
                "resting": resting,
                "purposes": [each.value for each in purposes(work)],
                "lengths": LENGTHS_MIN,
                "example": work.settings.case_number_example,
                "given": given,
                "told": (told.text_key, told.params) if told else None,
            }
        return self._shell.page(request, "live_ask.html", status=409 if told else 200, **values)

    @allow(*VIEWERS)
    async def _begin(self, request: web.Request) -> web.Response:
        me = officer(request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            demand = _demand(form)
            async with self._office.work() as work:
                view = await views.begin(
                    work, row_id(request, "camera"), await me.person(work), demand
                )
        except Refusal as refusal:
            if refusal.text_key == "live.not_here":
                raise
            return await self._form(request, form, told=refusal)
        return self._shell.to(f"langsung/lihat/{view.id}")

    @allow(*VIEWERS)
    async def _show(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            view = await views.own_view(work, row_id(request, "view"), await me.person(work))
            camera = await work.session.get(Camera, view.camera_id)
            assert camera is not None
            said = words_of(work, view)
            values: dict[str, Any] = {
                "view_id": view.id,
                "camera": {"id": camera.id, "name": camera.name, "area": self._area(camera)},
                "case": said.case_number,
                "purpose": view.purpose.value,
                "reason": said.emergency_reason,
                "until": me.words.moment(view.ends_at),
                "left_s": max(0, int((view.ends_at - work.now).total_seconds())),
                "ending": view.ending.value if view.ending else "",
            }
        return self._shell.page(request, "live_view.html", **values)

    def _area(self, camera: Camera) -> str:
        return self._areas.name(camera.area_code) if camera.area_code else ""

    @allow(*VIEWERS)
    async def _end(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            own = await views.own_view(work, row_id(request, "view"), await me.person(work))
            if (view := await views.locked(work, own.id)) is not None:
                await views.end(work, view, Ending.VIEWER)
        return self._shell.to(f"langsung/lihat/{own.id}")


def _demand(form: dict[str, str]) -> Demand:
    """What the form says; raises `Refusal` where it is not one of ours."""
    try:
        purpose, minutes = Purpose(form.get("keperluan", "")), int(form.get("menit", ""))
    except ValueError:
        raise Refusal("buttons.stale") from None
    is_emergency = form.get("darurat") == "ya"
    reason = form.get("alasan", "").strip()
    if is_emergency and not reason:
        raise Refusal("live.reason_needed")
    return Demand(form.get("perkara", ""), purpose, minutes, reason if is_emergency else "")


def _look(work: Work, me: Officer, view: LiveView, camera: Camera) -> dict[str, object]:
    end = view.ended_at or view.ends_at
    return {
        "id": view.id,
        "camera": camera.name,
        "span": me.words.window(view.started_at, end),
        "case": words_of(work, view).case_number,
        "is_on": view.ended_at is None,
    }
