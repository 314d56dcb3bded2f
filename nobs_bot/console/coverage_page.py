"""Coverage: how much is seen, which cameras to turn, and where to ask for new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from aiohttp import web

from nobs_bot.cameras.record import Camera
from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.map_page import OFFICERS, role_on_maps
from nobs_bot.console.plots import Line, bar_plot, line_plot
from nobs_bot.console.rendering import safe
from nobs_bot.console.safety import row_id
from nobs_bot.console.shell import Shell
from nobs_bot.coverage import worklist
from nobs_bot.coverage.history import Figures, by_day, keep_figures, on_day, total
from nobs_bot.coverage.ordering import RECRUITED, order
from nobs_bot.coverage.orders import Wanted
from nobs_bot.coverage.shown import let_owners_read
from nobs_bot.coverage.surveyor import PATIENCE_S, Surveyor, standing
from nobs_bot.coverage.turn import Turn, TurnState, gain_words, how_far
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.people.roles import Role, covers
from nobs_bot.places.areas import Area, Areas
from nobs_bot.storage.work import Office
from nobs_bot.texts import Markup, Words, plain

_TURN = r"/cakupan/tugas/{turn:\d{1,19}}"
_GOOD_FOR = timedelta(minutes=15)
_MOST_TURNS = 200


class CoveragePage:
    """
    Serves what the cameras see and miss, and the two lists of what to do about it.

    Args:
        surveyor: Reckons; what it said is kept for a quarter of an hour.
    """

    def __init__(self, office: Office, shell: Shell, areas: Areas, surveyor: Surveyor) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas
        self._surveyor = surveyor
        self._reckoned: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._places: dict[str, tuple[datetime, list[Any]]] = {}

    def routes(self) -> list[web.RouteDef]:
        """The figures, the worklist, and the list of places to recruit at."""
        return [
            web.get("/cakupan", self._page),
            web.post("/cakupan/hitung", self._reckon),
            web.get("/cakupan/rekrut", self._recruit),
            web.get("/cakupan/tugas", self._worklist),
            web.post("/cakupan/tugas/susun", self._plan),
            web.post(_TURN + "/tanya", self._ask),
            web.post(_TURN + "/selesai", self._done),
            web.post(_TURN + "/terlihat", self._seen),
        ]

    def _area(self, request: web.Request, me: Officer) -> Area:
        """The area that is asked for, else the officer's first one; raises `Refusal`."""
        known = me.areas(*OFFICERS)
        code = str(request.query.get("wilayah", "")) or known[0]
        area = self._areas.get(code)
        if area is None or not any(covers(each, code) for each in known):
            raise Refusal("roles.not_here")
        return area

    def _choices(self, me: Officer) -> list[tuple[str, str]]:
        return [(area.code, str(area)) for area in self._areas.within(me.areas(*OFFICERS))]

    # figures

    @allow(*OFFICERS)
    async def _page(self, request: web.Request) -> web.Response:
        me = officer(request)
        area, choices = self._area(request, me), self._choices(me)
        async with self._office.look() as work:
            history = await by_day(work, area.code)
            latest = max(history, default=None)
            parts = self._below(area, await on_day(work, area.code, latest)) if latest else []
            now = work.now
        return self._shell.page(
            request,
            "coverage.html",
            area=area,
            choices=choices,
            day=me.words.date(latest) if latest else "",
            tiles=_tiles(me.words, history[latest]) if latest else [],
            rows=_rows(me.words, area, parts),
            history_plot=safe(Markup(_history_plot(me.words, history))) if history else "",
            areas_plot=safe(Markup(_areas_plot(me.words, parts))) if parts else "",
            more=self._more(me.words, area, now),
            may_plan=me.may_at(area.code, Role.SUPERVISOR),
            walks=me.has(*worklist.ROLES),
        )

    def _below(self, area: Area, kept: Mapping[str, Figures]) -> list[tuple[Area, Figures]]:
        """The areas right below one with their sums; a kelurahan with its own."""
        parts = self._areas.below(area.code) or [area]
        found = [(each, [kept[code] for code in kept if covers(each.code, code)]) for each in parts]
        return [(each, total(figures)) for each, figures in found if figures]

    def _more(self, words: Words, area: Area, now: datetime) -> dict[str, Any] | None:
        """What was reckoned lately and is not kept: roads, and cameras that see one another."""
        at, said = self._reckoned.get(area.code, (None, {}))
        if at is None or now - at > _GOOD_FOR:
            return None
        seen, cameras = said["mutual"]
        return {
            "roads": [
                (name, words.distance(unseen), words.distance(length))
                for name, length, unseen in said["roads"]
            ],
            "mutual": plain(words("coverage.mutual", seen=round(seen), cameras=cameras))
            if cameras
            else "",
            "note": plain(
                words("coverage.upper_bound" if said["is_upper_bound"] else "coverage.model")
            ),
        }

    @allow(*OFFICERS)
    async def _reckon(self, request: web.Request) -> web.Response:
        me = officer(request)
        area = self._area(request, me)
        async with self._office.look() as work:
            stand = await standing(work)
            now = work.now
        said = await self._asked("figures", stand, area)
        async with self._office.work() as work:
            await keep_figures(work, said)
        self._reckoned[area.code] = now, said
        return self._shell.to(f"cakupan?wilayah={area.code}")

    async def _asked(self, what: str, stand: Any, area: Area, **more: object) -> Any:
        try:
            return await self._surveyor.ask(
                what, stand, patience_s=PATIENCE_S, areas=[area.code], **more
            )
        except ExternalError:
            raise Refusal("coverage.not_now") from None

    # where to ask for new cameras

    @allow(*OFFICERS)
    async def _recruit(self, request: web.Request) -> web.Response:
        me = officer(request)
        area, choices = self._area(request, me), self._choices(me)
        async with self._office.look() as work:
            at, places = self._places.get(area.code, (None, []))
            now = work.now
            stand = await standing(work) if at is None or now - at > _GOOD_FOR else None
        if stand is not None:
            places = await self._asked("recruit", stand, area, count=RECRUITED)
            self._places[area.code] = now, places
        words = me.words
        rows = [
            {
                "road": road or area.name,
                "towards": plain(words(f"compass.{round(heading / 45) % 8 * 45}")),
                "gain": words.distance(gain),
                "lat": lat,
                "lon": lon,
            }
            for lat, lon, heading, gain, road in places
        ]
        return self._shell.page(request, "recruit.html", area=area, choices=choices, rows=rows)

    # which cameras to turn

    @allow(*worklist.ROLES)
    async def _worklist(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            found = (await worklist.worklist(work, await me.person(work)))[:_MOST_TURNS]
            shown = [(camera.id, camera.owner_id) for _, camera in found]
            await let_owners_read(work, me.person_id, role_on_maps(me), shown)
        rows = [self._turn(me, turn, camera) for turn, camera in found]
        supervised = self._areas.within(me.areas(Role.SUPERVISOR))
        plans = [(area.code, str(area)) for area in supervised]
        done = str(request.query.get("selesai", ""))
        return self._shell.page(
            request,
            "worklist.html",
            rows=rows,
            plans=plans,
            told=plain(me.words(f"console.turn.{done}")) if done in _DONE else "",
        )

    def _turn(self, me: Officer, turn: Turn, camera: Camera) -> dict[str, Any]:
        words = me.words
        return {
            "id": turn.id,
            "camera": camera.name,
            "number": camera.number,
            "area": self._areas.name(camera.area_code),
            "how": plain(how_far(words, turn)),
            "gain": plain(gain_words(words, turn)),
            "state": plain(words(f"turn.state.{turn.state}")),
            "may_ask": turn.state is TurnState.PROPOSED,
            "may_say_done": turn.state is TurnState.AGREED,
            "may_have_seen": turn.state in (TurnState.AGREED, TurnState.TURNED),
        }

    @allow(Role.SUPERVISOR)
    async def _plan(self, request: web.Request) -> web.Response:
        """A new worklist is reckoned in the background; that it is there is told in the chat."""
        me, form = officer(request), await request.post()
        area = self._areas.get(str(form.get("wilayah", "")))
        if area is None:
            raise Refusal("roles.not_here")
        async with self._office.work() as work:
            await order(work, await me.person(work), Wanted.WORKLIST, area.code)
        return self._shell.to("cakupan/tugas?selesai=planned")

    @allow(*worklist.ROLES)
    async def _ask(self, request: web.Request) -> web.Response:
        async with self._office.work() as work:
            who = await officer(request).person(work)
            await worklist.ask_owner(work, row_id(request, "turn"), who)
        return self._shell.to("cakupan/tugas?selesai=asked")

    @allow(*worklist.ROLES)
    async def _done(self, request: web.Request) -> web.Response:
        async with self._office.work() as work:
            who = await officer(request).person(work)
            # nobody but an officer of the area comes here, whosever camera it is
            await worklist.turn_for(work, row_id(request, "turn"), who)
            await worklist.done(work, row_id(request, "turn"), who)
        return self._shell.to("cakupan/tugas?selesai=done")

    @allow(*worklist.ROLES)
    async def _seen(self, request: web.Request) -> web.Response:
        async with self._office.work() as work:
            who = await officer(request).person(work)
            await worklist.seen_by_eye(work, row_id(request, "turn"), who)
        return self._shell.to("cakupan/tugas?selesai=seen")


_DONE = ("planned", "asked", "done", "seen")


def _rows(words: Words, area: Area, parts: Sequence[tuple[Area, Figures]]) -> list[dict[str, Any]]:
    """The table, what sees least first."""
    return [
        {
            "name": each.name,
            "code": each.code if each.code != area.code else "",
            "length": words.distance(figures.length_m),
            "seen": _percent(words, figures.seen_m, figures.length_m),
            "twice": _percent(words, figures.twice_m, figures.length_m),
            "night": _percent(words, figures.night_m, figures.length_m),
            "cameras": words.number(round(figures.cameras)),
        }
        for each, figures in sorted(parts, key=lambda part: _share(part[1].seen_m, part[1]))
    ]


def _share(part_m: float, figures: Figures) -> float:
    return part_m / max(1.0, figures.length_m)


def _areas_plot(words: Words, parts: Sequence[tuple[Area, Figures]]) -> str:
    bars = [
        (
            each.name,
            [
                ("consented", 100 * _share(figures.seen_m, figures)),
                ("approved", 100 * _share(figures.night_m, figures)),
            ],
        )
        for each, figures in parts
    ]
    return bar_plot(words.bare("console.coverage.by_area"), bars)


def _percent(words: Words, part: float, whole: float) -> str:
    return f"{words.number(round(100 * part / whole, 1) if whole else 0)} %"


def _tiles(words: Words, figures: Figures) -> list[tuple[str, str]]:
    """(name, value) of what is seen of the roads."""
    shown = (
        ("seen", figures.seen_m, figures.length_m),
        ("worth", figures.seen_worth, figures.worth),
        ("twice", figures.twice_m, figures.length_m),
        ("night", figures.night_m, figures.length_m),
    )
    return [
        (words.bare(f"console.coverage.{name}"), _percent(words, part, whole))
        for name, part, whole in shown
    ]


def _history_plot(words: Words, history: Mapping[date, Figures]) -> str:
    lines = (
        Line("consented", "", [100 * _share(each.seen_m, each) for each in history.values()]),
        Line("approved", "", [100 * _share(each.night_m, each) for each in history.values()]),
    )
    labels = [f"{day:%d/%m/%y}" for day in history]
    return line_plot(words.bare("console.coverage.history"), labels, lines)
