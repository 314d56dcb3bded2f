"""The upload page: the way in through a link, and the page itself, in the owner's language."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from nobs_bot.cameras.record import Camera
from nobs_bot.console.rendering import safe
from nobs_bot.console.rendering import template as template_of
from nobs_bot.console.safety import Pace, form_of, row_id
from nobs_bot.console.tus import status_of
from nobs_bot.errors import Refusal
from nobs_bot.footage.clips import MOST_CLIPS
from nobs_bot.footage.links import (
    CODE_DIGITS,
    CODE_GOOD_FOR,
    Entry,
    Knock,
    behind,
    knock,
    let_in,
    try_code,
)
from nobs_bot.footage.receiving import MOST_BYTES, about_of, uploads_of
from nobs_bot.footage.request import words_of
from nobs_bot.footage.upload import UploadState
from nobs_bot.footage.wording import windows_text
from nobs_bot.people.persons import words_for
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import Markup, Words

PATH = "/unggah"
ASSETS = Path(__file__).parent / "assets"
_TOKEN = r"{token:[\w-]{20,100}}"  # noqa: S105 - the form of one
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def address_of(pages: str, token: str) -> str:
    """Where a link's token is opened."""
    return f"{pages}{PATH}/l/{token}"


class UploadPage:
    """
    Serves the page.

    Args:
        pages: Where people's browsers reach us (see `Settings.pages`).
    """

    def __init__(self, office: Office, pages: str) -> None:
        self._office = office
        parts = urlsplit(pages)
        self._path = parts.path.rstrip("/") + PATH
        # by plain http only this machine itself is served, in the demo and in tests
        self._is_secure = parts.scheme != "http" or parts.hostname not in _LOOPBACK
        self._pace = Pace(burst=60, per_second=1)

    def routes(self) -> list[web.AbstractRouteDef]:
        """The way in, the page, and what it is made of."""
        return [
            web.get(rf"/l/{_TOKEN}", self._paged(self._landing)),
            web.post(rf"/l/{_TOKEN}", self._paged(self._knocked)),
            web.get(r"/{link:\d{1,19}}/", self._paged(self._page)),
            web.get(r"/{link:\d{1,19}}/daftar", self._paged(self._listed)),
            web.static("/aset", ASSETS),
        ]

    @staticmethod
    def cookie_of(request: web.Request, link_id: int) -> str:
        """What the browser brings for this link; empty where it brings nothing."""
        return request.cookies.get(_cookie_name(link_id), "")

    def _paged(
        self, handle: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def paged(request: web.Request) -> web.Response:
            try:
                self._pace.call(request.match_info.get("link") or request.match_info["token"])
                return await handle(request)
            except Refusal as refusal:
                return await self._refused(request, refusal)

        return paged

    async def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        async with self._office.look() as work:
            words = await self._language(work, request)
            text = words(refusal.text_key, **refusal.params)
            response = _rendered("refused.html", words, work, text=Markup(text))
        response.set_status(status_of(refusal))
        return response

    async def _language(self, work: Work, request: web.Request) -> Words:
        token = request.match_info.get("token")
        if token is not None:
            try:
                return words_for(work, (await behind(work, token)).owner)
            except Refusal:
                pass
        return work.texts.of(None)

    # the way in

    async def _landing(self, request: web.Request) -> web.Response:
        """
        Says what the link is for, and nothing of the case.

        Whoever makes previews of links reads this as well, so looking lets nobody in: the browser
        is bound by the button, which sends a form.
        """
        async with self._office.look() as work:
            entry = await behind(work, request.match_info["token"])
            return _rendered("landing.html", words_for(work, entry.owner), work)

    async def _knocked(self, request: web.Request) -> web.Response:
        """The button, or a code from a browser that the link was passed on to."""
        form = await form_of(request)
        async with self._office.work() as work:
            entry = await behind(work, request.match_info["token"])
            if "code" in form:
                outcome, cookie = try_code(work, entry, str(form["code"])[:20])
            else:
                came_with = self.cookie_of(request, entry.link.id)
                outcome, cookie = await knock(work, entry, came_with)
            if outcome is Knock.OPEN:
                return self._admitted(entry, cookie)
            return self._code_page(work, entry, outcome)

    def _admitted(self, entry: Entry, cookie: str | None) -> web.Response:
        """On to the page, whose address holds no secret."""
        response = web.Response(status=303, headers={"Location": f"../{entry.link.id}/"})
        if cookie is not None:
            response.set_cookie(
                _cookie_name(entry.link.id),
                cookie,
                max_age=int((entry.link.expires_at - entry.link.created_at).total_seconds()),
                path=self._path,
                secure=self._is_secure,
                httponly=True,
                samesite="Strict",
            )
        return response

    def _code_page(self, work: Work, entry: Entry, outcome: Knock) -> web.Response:
        words = words_for(work, entry.owner)
        told = {
            Knock.CODE_SENT: words("upload.code.sent", minutes=_minutes(CODE_GOOD_FOR)),
            Knock.CODE_WAITING: words("upload.code.waiting"),
            Knock.WRONG: words("upload.code.wrong"),
            Knock.NO_CODE: words("upload.code.over"),
        }
        is_wrong = outcome in (Knock.WRONG, Knock.NO_CODE)
        page = _rendered(
            "code.html",
            words,
            work,
            told=Markup(told[outcome]),
            is_wrong=is_wrong,
            digits=CODE_DIGITS,
        )
        page.set_status(403)
        return page

    # the page

    async def _page(self, request: web.Request) -> web.Response:
        async with self._office.look() as work:
            entry = await self._entry(work, request)
            camera = await work.session.get(Camera, entry.ask.camera_id)
            words = words_for(work, entry.owner)
            said = words_of(work, entry.request)
            what = words(
                "ask.what",
                purpose=Markup(words(f"purpose.{entry.request.purpose.value}")),
                place=said.place,
                window=windows_text(words, entry.request.asked_windows),
            )
            return _rendered(
                "upload.html",
                words,
                work,
                request_name=entry.request.name,
                camera_name=camera.name if camera else "–",
                what=Markup(what),
                note=said.note,
                until=words.moment(entry.link.expires_at),
                script_words=_script_words(words),
                most_bytes=MOST_BYTES,
            )

    async def _listed(self, request: web.Request) -> web.Response:
        """The files of this ask as JSON: what has come of each."""
        async with self._office.look() as work:
            entry = await self._entry(work, request)
            files = [
                {
                    "id": str(upload.id),
                    "name": about_of(work, upload)["filename"],
                    "modified": about_of(work, upload).get("modified", ""),
                    "size": upload.size_bytes,
                    "received": upload.received_bytes,
                    "whole": upload.state is UploadState.WHOLE,
                }
                for upload in await uploads_of(work, entry.ask.id)
            ]
        return web.json_response(files)

    async def _entry(self, work: Work, request: web.Request) -> Entry:
        link_id = row_id(request, "link")
        return await let_in(work, link_id, self.cookie_of(request, link_id))


def _cookie_name(link_id: int) -> str:
    return f"unggah-{link_id}"


def _minutes(stretch: timedelta) -> int:
    return round(stretch.total_seconds() / 60)


def _rendered(template: str, words: Words, work: Work, **values: object) -> web.Response:
    """
    A page from its template. Sentences are HTML already, as the catalogues have them; anything
    else is escaped by the template.
    """
    shown = {name: safe(value) for name, value in values.items()}
    page_words = {name: safe(Markup(said)) for name, said in _page_words(words, work).items()}
    text = template_of(template).render(words=page_words, language=words.language, **shown)
    return web.Response(text=text, content_type="text/html")


def _page_words(words: Words, work: Work) -> dict[str, str]:
    """What stands on the pages."""
    settings = work.settings
    gigabytes = MOST_BYTES // 1024**3
    return {
        "title": words("upload.page.title"),
        "district": html.escape(settings.district_name),
        "landing": words("upload.page.landing", district=settings.district_name),
        "landing_note": words("upload.page.landing_note"),
        "begin": words("upload.page.begin_button"),
        "code_label": words("upload.code.label", digits=CODE_DIGITS),
        "code_send": words("upload.code.send_button"),
        "code_again": words("upload.code.again_button"),
        "refused": words("upload.page.refused"),
        "contact": words("upload.page.contact", contact=settings.district_contact),
        "request": words("upload.page.request"),
        "camera": words("upload.page.camera"),
        "choose": words("upload.page.choose_button"),
        "choose_note": words("upload.page.choose_note", gigabytes=gigabytes, most=MOST_CLIPS),
        "files": words("upload.page.files"),
        "received": words("upload.page.received"),
        "nothing_yet": words("upload.page.nothing_yet"),
        "resume_note": words("upload.page.resume_note"),
        "what_next": words("upload.page.what_next"),
        "until": words("upload.page.until"),
        "voluntary": words("ask.voluntary"),
        "no_script": words("upload.page.no_script"),
    }


def _script_words(words: Words) -> str:
    """What the script says, as JSON; placeholders that it fills in are left as they are."""
    said = {
        "waiting": words("upload.js.waiting"),
        "preparing": words("upload.js.preparing"),
        "progress": words("upload.js.progress", done="{done}", size="{size}"),
        "rate": words("upload.js.rate", rate="{rate}", left="{left}"),
        "seconds": words("upload.js.seconds", count="{count}"),
        "minutes": words("upload.js.minutes", count="{count}"),
        "hours": words("upload.js.hours", count="{count}"),
        "paused": words("upload.js.paused"),
        "again": words("upload.js.again"),
        "broken": words("upload.js.broken"),
        "done": words("upload.js.done"),
        "all_done": words("upload.js.all_done"),
        "pause": words("upload.js.pause_button"),
        "go_on": words("upload.js.go_on_button"),
        "cancel": words("upload.js.cancel_button"),
        "sure": words("upload.js.sure"),
        "too_large": words("upload.too_large", gigabytes=MOST_BYTES // 1024**3),
        "empty": words("upload.empty"),
        "unfinished": words("upload.js.unfinished", done="{done}", size="{size}"),
        "whole": words("upload.js.whole", size="{size}"),
        "percent_of": words("upload.js.percent_of", percent="{percent}", name="{name}"),
    }
    return json.dumps({key: html.unescape(each) for key, each in said.items()})
