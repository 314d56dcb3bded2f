"""One camera: its record, and its owner's name only where an officer asks for it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nobs_bot.cameras.atlas import camera_numbered
from nobs_bot.cameras.checks import last_check
from nobs_bot.cameras.describing import retention_text, sharing_text, view_text
from nobs_bot.cameras.findings import short_finding
from nobs_bot.cameras.record import Camera, State, contact_of
from nobs_bot.cameras.stickers import live_sticker
from nobs_bot.cameras.wording import sticker_text
from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.map_page import OFFICERS, role_on_maps, sight_of
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.footage.live.views import VIEWERS
from nobs_bot.people.persons import name_of, person
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import plain

_NUMBER = r"{number:\d{1,9}}"


class CameraPage:
    """Serves a camera's record, as a page of its own or as a part of the map's."""

    def __init__(self, office: Office, shell: Shell, areas: Areas) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas

    def routes(self) -> list[web.RouteDef]:
        """By the camera's number, which is what people call it by."""
        return [
            web.get(f"/kamera/{_NUMBER}", self._shown),
            web.post(f"/kamera/{_NUMBER}/pemilik", self._owner),
        ]

    @allow(*OFFICERS)
    async def _shown(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            camera = await self._camera(work, request, me)
            _note(work, Act.CAMERA_OPENED, me, camera)
            about = await self._about(work, me, camera)
        return self._answer(request, about, owner=None)

    @allow(*OFFICERS)
    async def _owner(self, request: web.Request) -> web.Response:
        """Name and number, by a press; the owner can read who pressed."""
        me = officer(request)
        async with self._office.work() as work:
            camera = await self._camera(work, request, me)
            _note(work, Act.OWNER_SHOWN, me, camera)
            contact = contact_of(work, camera)
            owner = {
                "name": contact.name or name_of(work, await person(work, camera.owner_id)) or "–",
                "phone": contact.phone or "–",
            }
            about = await self._about(work, me, camera)
        return self._answer(request, about, owner=owner)

    async def _camera(self, work: Work, request: web.Request, me: Officer) -> Camera:
        """A camera of the officer's map; whether there is one elsewhere is not told."""
        number = int(request.match_info["number"])
        camera = await camera_numbered(work, number, sight_of(me))
        if camera is None:
            raise Refusal("console.no_camera")
        return camera

    async def _about(self, work: Work, me: Officer, camera: Camera) -> dict[str, Any]:
        words = me.words
        is_paused = camera.state is State.APPROVED and camera.paused_at is not None
        about = {
            "name": camera.name,
            "number": camera.number,
            "lat": camera.lat,
            "lon": camera.lon,
            "state": plain(words("state.paused" if is_paused else f"state.{camera.state}")),
            "area": self._areas.name(camera.area_code),
            "place": plain(words(f"place.{camera.place_kind}")) if camera.place_kind else "–",
            "view": plain(view_text(words, camera)),
            "retention": plain(retention_text(words, camera)),
            "sharing": plain(sharing_text(words, camera)),
            "check": "",
            "live": camera.id if may_be_watched(me, camera) else None,
            "sticker": plain(sticker_text(words, await live_sticker(work, camera.id))),
            "drift": plain(words(f"console.drift.{camera.drift}")) if camera.drift else "",
        }
        if camera.stream is not None:
            check = await last_check(work, camera)
            finding = plain(short_finding(words, check.report if check else None))
            when = words.moment(check.finished_at) if check and check.finished_at else "–"
            about["check"] = f"{finding} ({when})"
        return about

    def _answer(
        self, request: web.Request, about: dict[str, Any], owner: dict[str, str] | None
    ) -> web.Response:
        is_part = request.query.get("bagian") == "1"
        name = "camera_part.html" if is_part else "camera.html"
        return self._shell.page(request, name, camera=about, owner=owner, is_part=is_part)


def may_be_watched(me: Officer, camera: Camera) -> bool:
    """Whether this officer could ask for a live picture; the owner's terms are asked then."""
    is_shared = camera.is_active and camera.share_live and camera.stream is not None
    return is_shared and me.may_at(camera.area_code, *VIEWERS)


def _note(work: Work, act: Act, me: Officer, camera: Camera) -> None:
    record(
        work,
        act,
        actor_id=me.person_id,
        actor_role=role_on_maps(me),
        owner_id=camera.owner_id,
        camera_id=camera.id,
    )
