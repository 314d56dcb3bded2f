"""The health of connected cameras: which answer, how much of the time, and which are silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aiohttp import web

from nobs_bot.cameras import ward
from nobs_bot.cameras.atlas import newest_change
from nobs_bot.cameras.health import Health
from nobs_bot.cameras.outages import OURS, open_outages
from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.uptime import DAYS_SHOWN, Uptime, uptime_by_day
from nobs_bot.cameras.ward import Ward
from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.keeping import Kept
from nobs_bot.console.plots import Line, line_plot
from nobs_bot.console.rendering import safe
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, covers
from nobs_bot.places.areas import Area, Areas
from nobs_bot.storage.work import Office
from nobs_bot.texts import Markup, Words, plain

SEERS = tuple(role for role in Role if role in ward.SEERS)


@dataclass(frozen=True)
class _State:
    """How some areas' cameras are (see `ward` and `uptime`)."""

    wards: dict[str, Ward]
    days: dict[date, Uptime]
    is_ours_down: bool
    in_outage: int
    as_of: datetime | None


class HealthPage:
    """Serves the health of the officer's areas, as the chat has it, with a plot of the days."""

    def __init__(self, office: Office, shell: Shell, areas: Areas) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas
        self._states: Kept[_State] = Kept()

    def routes(self) -> list[web.RouteDef]:
        """The areas, and the cameras that do not answer."""
        return [
            web.get("/kesehatan", self._page),
            web.get("/kesehatan/diam", self._silent),
        ]

    def _asked(self, request: web.Request, me: Officer) -> tuple[list[str], str | None]:
        """The officer's areas, and the one that is asked for; raises `Refusal` if not theirs."""
        codes = me.widest(*SEERS)
        code = request.query.get("wilayah") or (codes[0] if len(codes) == 1 else None)
        if code is not None and not any(covers(each, code) for each in codes):
            raise Refusal("roles.not_here")
        return codes, code

    async def _state(self, codes: tuple[str, ...]) -> _State:
        """How the cameras of some areas are, as of this minute and the newest change."""
        async with self._office.look() as work:
            key = await newest_change(work), f"{work.now:%Y%m%d%H%M}", codes
        return await self._states.get(key, lambda: self._look(codes))

    async def _look(self, codes: tuple[str, ...]) -> _State:
        async with self._office.look() as work:
            return _State(
                await ward.wards(work, codes),
                await uptime_by_day(work, codes),
                OURS in await open_outages(work),
                await ward.in_outage(work, codes),
                await ward.WARDS.as_of(work),
            )

    @allow(*SEERS)
    async def _page(self, request: web.Request) -> web.Response:
        me = officer(request)
        codes, code = self._asked(request, me)
        state = await self._state((code,) if code else tuple(codes))
        found, words = state.wards, me.words
        below = self._areas.below(code) if code else [self._areas.get(each) for each in codes]
        rows = [
            (area, part)
            for area in below
            if area is not None and (part := _within(found, area.code)).connected
        ]
        # the worst first: that is where to go
        rows.sort(key=lambda row: 2.0 if row[1].uptime.share is None else row[1].uptime.share)
        whole = sum(found.values(), Ward())
        told = ""
        if state.is_ours_down:
            told = plain(words("health.ours_down"))
        elif state.in_outage:
            told = plain(words("health.network_down", count=state.in_outage))
        return self._shell.page(
            request,
            "health.html",
            area=self._areas.name(code) if code else plain(words("progress.own_areas")),
            code=code or "",
            up=_above(codes, code),
            told=told,
            tiles=_tiles(words, whole),
            as_of=state.as_of,
            has_silent=whole.silent > 0,
            days_plot=safe(Markup(_days_plot(words, state.days))) if state.days else "",
            rows=[self._row(words, area, part) for area, part in rows],
        )

    def _row(self, words: Words, area: Area, part: Ward) -> dict[str, Any]:
        return {
            "name": area.name,
            "code": area.code if self._areas.below(area.code) else "",
            "connected": words.number(part.connected),
            "answering": words.number(part.answering),
            "silent": words.number(part.silent),
            "unknown": words.number(part.unknown),
            "uptime": _percent(words, part.uptime),
        }

    @allow(*SEERS)
    async def _silent(self, request: web.Request) -> web.Response:
        """The cameras that do not answer; their owners can read that an officer saw it."""
        me = officer(request)
        codes, code = self._asked(request, me)
        async with self._office.work() as work:
            who = await me.person(work)
            found = await ward.silent_cameras(work, who, [code] if code else codes)
            down = await open_outages(work)
            rows = [
                self._silence(me, health, camera, is_out=health.network in down)
                for health, camera in found
            ]
        return self._shell.page(
            request,
            "silent.html",
            rows=rows,
            most=ward.MOST_LISTED,
            back=f"?wilayah={code}" if code else "",
        )

    def _silence(
        self, me: Officer, health: Health, camera: Camera, *, is_out: bool
    ) -> dict[str, Any]:
        words = me.words
        reason = words("health.in_outage") if is_out else words(f"check.short.{health.failure}")
        return {
            "camera": camera.name,
            "number": camera.number,
            "area": self._areas.name(camera.area_code),
            "since": words.moment(health.silent_since) if health.silent_since else "–",
            "reason": plain(reason),
        }


def _within(found: dict[str, Ward], code: str) -> Ward:
    return sum((each for at, each in found.items() if covers(code, at)), Ward())


def _above(codes: list[str], code: str | None) -> str | None:
    if code is None:
        return None
    above = code.rpartition(".")[0]
    if any(covers(each, above) for each in codes):
        return above
    return "" if len(codes) > 1 else None


def _tiles(words: Words, whole: Ward) -> list[tuple[str, str]]:
    """(name, number) of all connected cameras."""
    return [
        (plain(words("console.health.connected")), words.number(whole.connected)),
        (plain(words("console.health.answering")), words.number(whole.answering)),
        (plain(words("console.health.silent")), words.number(whole.silent)),
        (plain(words("console.health.unknown")), words.number(whole.unknown)),
        (
            plain(words("console.health.uptime", days=DAYS_SHOWN)),
            _percent(words, whole.uptime),
        ),
    ]


def _percent(words: Words, uptime: Uptime) -> str:
    if uptime.share is None:
        return "–"
    # 99,96 % is not all
    return f"{words.number(int(1000 * uptime.share) / 10)} %"


def _days_plot(words: Words, days: dict[Any, Uptime]) -> str:
    shares = [100 * (each.share or 0.0) for each in days.values()]
    labels = [f"{day:%d/%m}" for day in days]
    title = plain(words("console.health.by_day"))
    return line_plot(title, labels, [Line("approved", "", shares)])
