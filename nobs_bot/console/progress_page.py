"""How far the programme has come: numbers, plots, the table, and what is aimed at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from nobs_bot.cameras import progress
from nobs_bot.cameras.atlas import newest_change
from nobs_bot.cameras.growth import Week, growth
from nobs_bot.cameras.progress import Count
from nobs_bot.console.gate import allow, officer
from nobs_bot.console.keeping import Kept
from nobs_bot.console.plots import Line, bar_plot, line_plot
from nobs_bot.console.rendering import safe
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, covers
from nobs_bot.places.areas import Area, Areas
from nobs_bot.storage.work import Office
from nobs_bot.texts import Markup, Words, plain

_SHOWN = ("recorded", "consented", "approved", "connected", "healthy")


class ProgressPage:
    """Serves the numbers of the officer's areas, as deep as a kecamatan's kelurahan."""

    def __init__(self, office: Office, shell: Shell, areas: Areas) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas
        self._counts: Kept[dict[str, Count]] = Kept()
        self._weeks: Kept[list[Week]] = Kept()

    def routes(self) -> list[web.RouteDef]:
        """The page, the table of all kelurahan, and the aims."""
        return [
            web.get("/kemajuan", self._page),
            web.get("/kemajuan/tabel.csv", self._table),
            web.post("/kemajuan/target", self._aim),
        ]

    @allow(*Role)
    async def _page(self, request: web.Request) -> web.Response:
        me = officer(request)
        codes = me.widest()
        code = _asked(request.query.get("wilayah"), codes)
        counts, weeks, as_of = await self._numbers((code,) if code else tuple(codes))
        below = self._areas.below(code) if code else [self._areas.get(each) for each in codes]
        parts = [area for area in below if area is not None]
        shown = [code] if code else codes
        whole = sum((counts.get(each, Count()) for each in shown), Count())
        rows = [(area, counts.get(area.code, Count())) for area in parts]
        words = me.words
        return self._shell.page(
            request,
            "progress.html",
            area=self._areas.name(code) if code else plain(words("progress.own_areas")),
            code=code or "",
            up=_above(codes, code),
            tiles=_tiles(words, whole),
            as_of=as_of,
            target=_target(words, whole),
            rates=_rates(words, whole),
            growth_plot=safe(Markup(_growth_plot(words, weeks))),
            areas_plot=safe(Markup(_areas_plot(words, rows))) if rows else "",
            weeks=[
                (words.date(each.monday), words.number(each.consented), words.number(each.approved))
                for each in weeks[-8:]
            ],
            rows=[self._row(words, area, count) for area, count in rows],
            columns=_SHOWN,
            may_aim=me.has(Role.SUPERVISOR),
            aimed=_whole(request.query.get("disimpan", "")),
        )

    async def _numbers(
        self, codes: tuple[str, ...]
    ) -> tuple[dict[str, Count], list[Week], datetime | None]:
        """The numbers of every area, how some have grown, and as of when (None: this minute)."""
        async with self._office.look() as work:
            as_of = await progress.COUNTING.as_of(work)
            key = await newest_change(work), f"{work.now:%Y%m%d%H%M}", as_of
        counts = await self._counts.get(key, self._count)
        weeks = await self._weeks.get((key, codes), lambda: self._grown(codes))
        return counts, weeks, as_of

    async def _count(self) -> dict[str, Count]:
        async with self._office.look() as work:
            return progress.by_area(await progress.progress(work, self._areas), self._areas)

    async def _grown(self, codes: tuple[str, ...]) -> list[Week]:
        async with self._office.look() as work:
            return await growth(work, codes)

    def _row(self, words: Words, area: Area, count: Count) -> dict[str, Any]:
        return {
            "name": area.name,
            "code": area.code if self._areas.below(area.code) else "",
            "numbers": [words.number(getattr(count, name)) for name in _SHOWN],
            "share": f"{round(100 * count.share)} %" if count.share is not None else "–",
        }

    @allow(*Role)
    async def _table(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            codes = await progress.areas_seen(work, await me.person(work))
            counts = await progress.progress(work, self._areas)
            day = f"{work.now.astimezone(work.settings.zone):%Y-%m-%d}"
        text = progress.as_csv(me.words, self._areas, counts, codes)
        name = f"{plain(me.words('progress.file_name'))}-{day}.csv"
        return web.Response(
            text=text,
            content_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @allow(Role.SUPERVISOR)
    async def _aim(self, request: web.Request) -> web.Response:
        me, form = officer(request), await request.post()
        async with self._office.work() as work:
            who = await me.person(work)
            count = await progress.set_aims(work, who, self._areas, str(form.get("tabel", "")))
        self._counts.forget()
        return self._shell.to(f"kemajuan?disimpan={count}")


def _asked(code: str | None, codes: list[str]) -> str | None:
    """
    The area that is asked for; the officer's only one where none is; None for all of theirs.

    Raises:
        Refusal: it is not theirs.
    """
    if not code:
        return codes[0] if len(codes) == 1 else None
    if not any(covers(each, code) for each in codes):
        raise Refusal("roles.not_here")
    return code


def _above(codes: list[str], code: str | None) -> str | None:
    if code is None:
        return None
    above = code.rpartition(".")[0]
    if any(covers(each, above) for each in codes):
        return above
    return "" if len(codes) > 1 else None


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _tiles(words: Words, count: Count) -> list[tuple[str, str, str]]:
    """(style, name, number) of the chain from recorded to healthy."""
    return [
        (name, plain(words(f"progress.column.{name}")), words.number(getattr(count, name)))
        for name in _SHOWN
    ]


def _target(words: Words, count: Count) -> dict[str, Any] | None:
    if not count.target or count.share is None:
        return None
    return {
        "share": min(100, round(100 * count.share)),
        "text": plain(
            words(
                "console.progress.target",
                target=words.number(count.target),
                percent=words.number(round(100 * count.share)),
            )
        ),
    }


def _rates(words: Words, count: Count) -> list[str]:
    rates = []
    if count.per_thousand is not None:
        rate = words.number(round(count.per_thousand, 1))
        rates.append(words("progress.residents", rate=rate))
    if count.officers:
        each = words.number(round(count.recorded / count.officers, 1))
        rates.append(words("progress.officers", count=words.number(count.officers), each=each))
    if count.points or count.points_named:
        key = "progress.points_target" if count.points else "progress.points_named"
        told = {"watched": count.points_watched, "named": count.points_named}
        rates.append(words(key, **told, target=count.points or 0))
    if count.stickered:
        rates.append(words("progress.stickered", count=count.stickered))
    return [plain(each) for each in rates]


def _growth_plot(words: Words, weeks: list[Week]) -> str:
    lines = (
        Line("consented", "", [each.consented for each in weeks]),
        Line("approved", "", [each.approved for each in weeks]),
    )
    labels = [f"{each.monday:%d/%m/%y}" for each in weeks]
    return line_plot(plain(words("console.progress.growth")), labels, lines)


def _areas_plot(words: Words, rows: list[tuple[Area, Count]]) -> str:
    title = plain(words("console.progress.by_area"))
    bars = [
        (area.name, [(name, float(getattr(count, name))) for name in _SHOWN])
        for area, count in rows
    ]
    return bar_plot(title, bars)
