"""The yearly report that anybody may read: what was asked for and what came of it, in counts."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from nobs_bot.console import safety
from nobs_bot.console.rendering import safe, template
from nobs_bot.footage.figures import Figures, as_csv, figures, rows, year_of
from nobs_bot.storage.work import Office
from nobs_bot.texts import LANGUAGES, Words

PATH = "/laporan"
FIRST_YEAR = 2020
_ASSETS = Path(__file__).parent / "assets"
# counting reads every request of a year, and anybody may ask
_GOOD_FOR = timedelta(minutes=10)


class FiguresPage:
    """
    Serves the report of each year as a page and as CSV.

    Args:
        office: Counts are taken from here, and kept for ten minutes.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._counted: dict[int, tuple[datetime, Figures]] = {}
        self._counting = asyncio.Lock()

    def site(self) -> web.Application:
        """An application of its own, to be mounted under `PATH`."""
        site = web.Application()
        site.add_routes(
            [
                web.get(r"/{year:\d{4}}", self._page),
                web.get(r"/{year:\d{4}}.csv", self._csv),
                web.static("/aset", _ASSETS),
            ]
        )
        site.on_response_prepare.append(safety.add_headers)
        return site

    async def _page(self, request: web.Request) -> web.Response:
        found, words = await self._figures(request), self._language(request)
        year, this_year = found.start.year, self._this_year()
        settings = self._office.settings
        other = next(each for each in LANGUAGES if each != words.language)
        values = {
            "title": words("figures.title", year=str(year)),
            "about": words("figures.about"),
            "what": words("figures.what"),
            "count": words("figures.count"),
            "download": words("figures.download"),
            "other_years": words("figures.other_years"),
            "contact": words("upload.page.contact", contact=settings.district_contact),
        }
        shown = {name: safe(value) for name, value in values.items()}
        html = template("figures.html").render(
            **shown,
            district=settings.district_name,
            language=words.language,
            other_language=other,
            other_language_name=words(f"language.{other}"),
            rows=rows(words, found),
            year=year,
            years=range(max(FIRST_YEAR, this_year - 4), this_year + 1),
        )
        return web.Response(text=html, content_type="text/html")

    async def _csv(self, request: web.Request) -> web.Response:
        found, words = await self._figures(request), self._language(request)
        name = f"{words('figures.file_name')}-{found.start.year}.csv"
        return web.Response(
            body=as_csv(words, found),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _figures(self, request: web.Request) -> Figures:
        year = int(request.match_info["year"])
        if not FIRST_YEAR <= year <= self._this_year():
            raise web.HTTPNotFound
        async with self._counting:
            now = self._office.clock.now()
            counted = self._counted.get(year)
            if counted is None or now - counted[0] > _GOOD_FOR:
                async with self._office.look() as work:
                    counted = now, await figures(work, *year_of(work, year))
                self._counted[year] = counted
        return counted[1]

    def _this_year(self) -> int:
        return self._office.clock.now().astimezone(self._office.settings.zone).year

    def _language(self, request: web.Request) -> Words:
        return self._office.texts.of(request.query.get("lang"))
