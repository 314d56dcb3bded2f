"""The reviewers' queue: all that the chat has, for a screen and a keyboard."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nobs_bot.cameras import review
from nobs_bot.cameras.checks import last_check
from nobs_bot.cameras.describing import (
    resemblance_text,
    retention_text,
    sharing_text,
    view_text,
)
from nobs_bot.cameras.findings import report_text
from nobs_bot.cameras.lookalikes import lookalikes, neighbours
from nobs_bot.cameras.photos import as_picture, photos_of
from nobs_bot.cameras.record import Camera, contact_of
from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.shell import Shell
from nobs_bot.coverage.cones import cone_of
from nobs_bot.coverage.drawing import MapView
from nobs_bot.coverage.gallery import Gallery
from nobs_bot.messaging.message import Picture, PictureKind
from nobs_bot.people.roles import Role, covers
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import plain

_CAMERA = r"/antrean/{number:\d{1,9}}"
_PNG = b"\x89PNG"
# what may be told of a decision on the page that follows it
_DONE = ("approved", "change_asked", "rejected", "released")
_LEAST_SPAN_M = 140.0


class QueuePage:
    """Serves the queue, one camera at a time; every decision is the chat's own use case."""

    def __init__(self, office: Office, shell: Shell, areas: Areas, gallery: Gallery) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas
        self._gallery = gallery

    def routes(self) -> list[web.RouteDef]:
        """The overview, the next one, and what can be done with it."""
        return [
            web.get("/antrean", self._queue),
            web.post("/antrean/ambil", self._take),
            web.get(_CAMERA, self._dossier),
            web.get(_CAMERA + r"/gambar/{at:\d{1,2}}", self._picture),
            web.post(_CAMERA + "/setujui", self._approve),
            web.post(_CAMERA + "/perbaiki", self._ask_change),
            web.post(_CAMERA + "/tolak", self._reject),
            web.post(_CAMERA + "/lepas", self._release),
        ]

    @allow(Role.REVIEWER)
    async def _queue(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            waiting = [
                {
                    "area": self._areas.name(each.area_code),
                    "count": each.count,
                    "since": me.words.moment(each.since),
                }
                for each in await review.queue(work, await me.person(work))
            ]
        return self._shell.page(
            request,
            "queue.html",
            waiting=waiting,
            total=sum(int(str(each["count"])) for each in waiting),
            done=_done(request, me),
            nothing_free="kosong" in request.query,
        )

    @allow(Role.REVIEWER)
    async def _take(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            camera = await review.take(work, await me.person(work))
        return self._shell.to(f"antrean/{camera.number}" if camera else "antrean?kosong")

    @allow(Role.REVIEWER)
    async def _dossier(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            camera = await self._in_hand(work, request, me)
            about = await self._about(work, me, camera)
            near = await self._near(work, me, camera)
            review.seen_nearby(work, await me.person(work), near)
        return self._shell.page(
            request,
            "dossier.html",
            camera=about,
            fields=review.CHANGE_FIELDS,
            reasons=[each.value for each in review.RejectReason],
            most=review.MOST_REASON_CHARACTERS,
        )

    async def _in_hand(self, work: Work, request: web.Request, me: Officer) -> Camera:
        number = int(request.match_info["number"])
        return await review.in_hand(work, number, await me.person(work))

    async def _about(self, work: Work, me: Officer, camera: Camera) -> dict[str, Any]:
        words, contact = me.words, contact_of(work, camera)
        check = await last_check(work, camera)
        areas = me.areas(Role.REVIEWER)
        assert camera.review_until is not None
        pictures = await self._pictures(work, me, camera)
        return {
            "number": camera.number,
            "name": camera.name,
            "area": self._areas.name(camera.area_code),
            "place": plain(words(f"place.{camera.place_kind}")) if camera.place_kind else "–",
            "contact": contact.name or "–",
            "phone": contact.phone or "–",
            "is_verified": contact.phone_verified,
            "view": plain(view_text(words, camera)),
            "retention": plain(retention_text(words, camera)),
            "sharing": plain(sharing_text(words, camera)),
            "check": plain(
                report_text(words, check.report or {}) if check else words("stream.none")
            ),
            "until": words.time(camera.review_until),
            "resembling": [
                plain(resemblance_text(words, each, areas))
                for each in await lookalikes(work, camera)
            ],
            "pictures": [{"label": label, "is_here": _is_here(each)} for label, each in pictures],
        }

    async def _near(self, work: Work, me: Officer, camera: Camera) -> list[Camera]:
        areas = me.areas(Role.REVIEWER)
        return [
            each
            for each in await neighbours(work, camera)
            if any(covers(area, each.area_code or "") for area in areas)
        ]

    async def _pictures(self, work: Work, me: Officer, camera: Camera) -> list[tuple[str, Picture]]:
        """Photos of the camera, the still of its stream, and the map, each with what it is."""
        words, found = me.words, []
        for at, photo in enumerate(await photos_of(work, camera.id), start=1):
            found.append((plain(words("console.photo", at=at)), as_picture(work, photo)))
        check = await last_check(work, camera)
        if check is not None and check.still_name:
            still = Picture(kind=PictureKind.FILE, name=check.still_name)
            found.append((plain(words("console.still")), still))
        near = await self._near(work, me, camera)
        cones = tuple(cone_of(each, style="other", label=each.name) for each in near)
        found.append((plain(words("console.map")), _map(me, camera, cones)))
        return found

    @allow(Role.REVIEWER)
    async def _picture(self, request: web.Request) -> web.Response:
        me = officer(request)
        at = int(request.match_info["at"])
        async with self._office.work() as work:
            camera = await self._in_hand(work, request, me)
            pictures = await self._pictures(work, me, camera)
            if at == len(pictures) - 1:  # the map, with the neighbours' cameras
                near = await self._near(work, me, camera)
                review.seen_nearby(work, await me.person(work), near)
        if at >= len(pictures) or not _is_here(pictures[at][1]):
            raise web.HTTPNotFound
        body = await self._gallery.load(pictures[at][1])
        assert isinstance(body, bytes)
        kind = "image/png" if body.startswith(_PNG) else "image/jpeg"
        return web.Response(body=body, content_type=kind)

    # decisions

    @allow(Role.REVIEWER)
    async def _approve(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            who, camera = await me.person(work), await self._in_hand(work, request, me)
            await review.approve(work, camera.id, who)
        return self._done(camera, "approved")

    @allow(Role.REVIEWER)
    async def _ask_change(self, request: web.Request) -> web.Response:
        me, form = officer(request), await request.post()
        async with self._office.work() as work:
            who, camera = await me.person(work), await self._in_hand(work, request, me)
            field, said = str(form.get("bagian", "")), str(form.get("pesan", ""))
            await review.ask_change(work, camera.id, who, field, said)
        return self._done(camera, "change_asked")

    @allow(Role.REVIEWER)
    async def _reject(self, request: web.Request) -> web.Response:
        """By a reason of the list, or in the officer's own words."""
        me, form = officer(request), await request.post()
        reason = str(form.get("alasan", ""))
        if reason not in tuple(review.RejectReason):
            reason = str(form.get("pesan", ""))
        async with self._office.work() as work:
            who, camera = await me.person(work), await self._in_hand(work, request, me)
            await review.reject(work, camera.id, who, reason)
        return self._done(camera, "rejected")

    @allow(Role.REVIEWER)
    async def _release(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            who, camera = await me.person(work), await self._in_hand(work, request, me)
            review.release(camera, who)
        return self._done(camera, "released")

    def _done(self, camera: Camera, what: str) -> web.Response:
        return self._shell.to(f"antrean?selesai={what}&kamera={camera.number}")


def _done(request: web.Request, me: Officer) -> str:
    """What is told of the decision that led here; nothing where the address was made up."""
    what, number = request.query.get("selesai"), request.query.get("kamera", "")
    if what not in _DONE or not (number.isascii() and number.isdigit() and len(number) < 10):
        return ""
    return plain(me.words(f"review.{what}", camera=f"K-{number}"))


def _is_here(picture: Picture) -> bool:
    """Whether we have it; a photo may still lie with Telegram alone."""
    return picture.kind is not PictureKind.TELEGRAM


def _map(me: Officer, camera: Camera, others: tuple[Any, ...]) -> Picture:
    assert camera.lat is not None
    assert camera.lon is not None
    legend = [("own", me.words("map.this"))]
    if others:
        legend.append(("other", me.words("map.others")))
    view = MapView(
        lat=camera.lat,
        lon=camera.lon,
        span_m=max(_LEAST_SPAN_M, (camera.range_m or 20.0) * 5),
        cones=(*others, cone_of(camera)),
        legend=tuple(legend),
        north=me.words("map.north"),
    )
    return Picture(kind=PictureKind.MAP, about=view.model_dump(mode="json"))
