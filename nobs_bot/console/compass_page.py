"""
A compass, opened inside of Telegram: point the phone as the camera looks.

What it sends comes into the conversation as a message of that person's does: through the inbox, in
their turn, once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from nobs_bot.console import safety
from nobs_bot.console.rendering import safe, template
from nobs_bot.errors import Refusal
from nobs_bot.people.miniapp import account_in
from nobs_bot.people.persons import person_of, words_for
from nobs_bot.storage.work import Office
from nobs_bot.texts import Words

PATH = "/arah"
# finding the camera on the wall and pointing at it takes longer than signing in
GOOD_FOR = timedelta(minutes=10)
KEYS = ("title", "how", "begin", "use", "sent", "none", "unsteady", "outside", "refused")
_ASSETS = Path(__file__).parent / "assets"
# Telegram's own web client shows apps in a frame
_HEADERS = {
    **safety.HEADERS,
    "Content-Security-Policy": safety.HEADERS["Content-Security-Policy"].replace(
        "frame-ancestors 'none'", "frame-ancestors https://web.telegram.org"
    ),
    "Permissions-Policy": "accelerometer=(self), gyroscope=(self), magnetometer=(self)",
}

Receive = Callable[[list[dict[str, Any]]], Awaitable[None]]


class CompassPage:
    """
    Serves the page and takes what it sends.

    Args:
        receive: Keeps updates; what it was given survives when it returns.
    """

    def __init__(self, office: Office, receive: Receive) -> None:
        self._office = office
        self._receive = receive
        self._pace = safety.Pace(burst=10, per_second=0.5)

    def site(self) -> web.Application:
        """An application of its own, to be mounted under `PATH`."""
        site = web.Application()
        site.add_routes([web.get("/", self._page), web.post("/", self._take)])
        site.add_routes([web.static("/aset", _ASSETS)])
        site.on_response_prepare.append(_add_headers)
        return site

    async def _page(self, request: web.Request) -> web.Response:
        words = self._office.texts.of(request.query.get("lang"))
        return web.Response(text=self._rendered(words), content_type="text/html")

    def _rendered(self, words: Words) -> str:
        shown = {each: safe(words(f"compass.page.{each}")) for each in KEYS}
        settings = self._office.settings
        shown["district"] = settings.district_name
        shown["contact"] = safe(words("upload.page.contact", contact=settings.district_contact))
        return str(template("compass.html").render(words=shown, language=words.language))

    async def _take(self, request: web.Request) -> web.Response:
        """The direction, from whom Telegram names; a second one of the same opening is none."""
        form = await safety.form_of(request)
        token = self._office.settings.bot_token
        try:
            heading = _heading(str(form.get("heading", "")))
            if token is None:
                raise Refusal("console.no_proof")
            async with self._office.look() as work:
                account, proof = account_in(
                    str(form.get("data", "")), token.get_secret_value(), work.now, GOOD_FOR
                )
                who = await person_of(work, account)
                if who is None:
                    raise Refusal("console.no_proof")
                words = words_for(work, who)
                at = int(work.now.timestamp())
            self._pace.call(account)
        except Refusal as refusal:
            status = 429 if refusal.text_key == "upload.too_often" else 403
            return web.json_response({"taken": False}, status=status)
        await self._receive([_update(account, proof, heading, at, words)])
        return web.json_response({"taken": True})


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _heading(text: str) -> int:
    """Whole degrees; raises `Refusal` where they are none."""
    if not text.isascii() or not text.isdecimal() or int(text[:4]) > 359 or len(text) > 3:
        raise Refusal("enrol.heading.wrong")
    return int(text)


def _update(account: int, proof: str, heading: int, at: int, words: Words) -> dict[str, Any]:
    """
    The update that Telegram would send for an app opened from a keyboard.

    Telegram counts its updates upwards from one, so ours are below zero.
    """
    number = int.from_bytes(sha256(f"compass\0{proof}".encode()).digest()[:7], "big")
    person = {"id": account, "is_bot": False, "first_name": "-"}
    data = {"data": f"heading:{heading}", "button_text": words("enrol.heading.compass_button")}
    message = {
        "message_id": 0,
        "date": at,
        "chat": {"id": account, "type": "private", "first_name": "-"},
        "from": person,
        "web_app_data": data,
    }
    return {"update_id": -1 - number, "message": message}
