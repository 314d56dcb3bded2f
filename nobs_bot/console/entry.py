"""The way into the command centre and out of it, and what an officer chooses for this browser."""

from __future__ import annotations

from aiohttp import web

from nobs_bot.console.gate import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    Gate,
    agent_of,
    allow,
    allow_anybody,
    browser_of,
    officer,
    speak,
)
from nobs_bot.console.safety import row_id
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.people.miniapp import account_in
from nobs_bot.people.persons import person_of, words_for
from nobs_bot.people.roles import Role
from nobs_bot.people.sessions import begin, behind, end_session, enter, sessions_of, use_up
from nobs_bot.storage.work import Office
from nobs_bot.texts import LANGUAGES

_TOKEN = r"{token:[\w-]{20,100}}"  # noqa: S105 - the form of one
_YEAR_S = 365 * 24 * 3600


def address_of(pages: str, token: str) -> str:
    """Where a link's token is opened."""
    return f"{pages}/konsol/masuk/{token}"


def app_address_of(pages: str) -> str:
    """Where the centre is opened as a Mini App."""
    return f"{pages}/konsol/aplikasi"


class Entrance:
    """Lets officers in by their link, and out."""

    def __init__(self, office: Office, gate: Gate, shell: Shell) -> None:
        self._office = office
        self._gate = gate
        self._shell = shell

    def routes(self) -> list[web.RouteDef]:
        """The way in, the way out, the first page, and the two switches."""
        return [
            web.get(f"/masuk/{_TOKEN}", self._landing),
            web.post(f"/masuk/{_TOKEN}", self._enter),
            web.get("/masuk", self._how),
            web.get("/aplikasi", self._app),
            web.post("/aplikasi", self._enter_by_app),
            web.get("", self._home),
            web.get("/", self._home),
            web.post("/keluar", self._leave),
            web.post(r"/sesi/{session:\d{1,19}}/akhiri", self._end),
            web.post("/terjaga", self._awake),
            web.post("/pilih", self._choose),
        ]

    @allow_anybody
    async def _landing(self, request: web.Request) -> web.Response:
        """
        Says what the link is for, with one button.

        Whoever makes previews of links reads this as well, so looking neither uses the link up nor
        lets anybody in; the button does.
        """
        async with self._office.look() as work:
            who = await behind(work, request.match_info["token"])
            speak(request, words_for(work, who))
        return self._shell.page(request, "landing.html")

    @allow_anybody
    async def _how(self, request: web.Request) -> web.Response:
        """Where a link is had from."""
        return self._shell.page(request, "signin.html", has_left=True)

    @allow_anybody
    async def _enter(self, request: web.Request) -> web.Response:
        async with self._office.work() as work:
            cookie = await enter(
                work, request.match_info["token"], agent_of(request), browser_of(request)
            )
        response = self._shell.to("")
        self._gate.set_cookie(response, cookie)
        return response

    @allow_anybody
    async def _app(self, request: web.Request) -> web.Response:
        """
        The way in from within Telegram: its script takes what Telegram says out of the address.

        That stands behind the #, so it is in no server's log.
        """
        return self._shell.page(request, "app.html")

    @allow_anybody
    async def _enter_by_app(self, request: web.Request) -> web.Response:
        form = await request.post()
        token = self._office.settings.bot_token
        if token is None:
            raise Refusal("console.no_proof")
        async with self._office.work() as work:
            given = str(form.get("data", ""))
            account, proof = account_in(given, token.get_secret_value(), work.now)
            who = await person_of(work, account)
            if who is None:
                raise Refusal("roles.needed")
            await use_up(work, who, proof)
            cookie = await begin(work, who, agent_of(request), browser_of(request), way="mini_app")
        response = self._shell.to("")
        self._gate.set_cookie(response, cookie)
        return response

    @allow(*Role)
    async def _home(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            sessions = [
                {
                    "id": each.id,
                    "browser": each.browser,
                    "opened": me.words.moment(each.opened_at),
                    "seen": me.words.moment(each.seen_at),
                    "is_this": each.id == me.session_id,
                }
                for each in await sessions_of(work, me.person_id)
            ]
        return self._shell.page(request, "home.html", sessions=sessions)

    @allow(*Role)
    async def _leave(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            await end_session(work, await me.person(work), me.session_id)
        response = self._shell.to("masuk")
        self._gate.drop_cookie(response)
        return response

    @allow(*Role)
    async def _end(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            await end_session(work, await me.person(work), row_id(request, "session"))
        return self._shell.to("")

    @allow(*Role)
    async def _awake(self, request: web.Request) -> web.Response:
        """The page tells that somebody moves the map or reads; the gate has noted it already."""
        return web.Response(status=204)

    @allow_anybody
    async def _choose(self, request: web.Request) -> web.Response:
        """Language, or light and dark, for this browser."""
        form = await request.post()
        back = str(form.get("kembali", ""))
        # only a path of our own: an address of elsewhere would lead away from here
        is_ours = back.startswith(f"{self._shell.root}/") and "//" not in back and "\\" not in back
        response = web.Response(
            status=303, headers={"Location": back if is_ours else f"{self._shell.root}/"}
        )
        if form.get("bahasa") in LANGUAGES:
            self._keep(response, LANGUAGE_COOKIE, str(form["bahasa"]))
        if form.get("tema") in THEMES:
            self._keep(response, THEME_COOKIE, str(form["tema"]))
        return response

    def _keep(self, response: web.Response, name: str, value: str) -> None:
        response.set_cookie(
            name,
            value,
            path=self._shell.root,
            max_age=_YEAR_S,
            secure=self._gate.is_secure,
            httponly=True,
            samesite="Strict",
        )
