"""The audit log, for supervisors and administrators: filtered, page by page, and as a table."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.shell import Shell
from nobs_bot.footage.trail import MOST_EXPORTED, Sought, as_csv, trail
from nobs_bot.people.roles import Role, grants_in, held_by
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import LARGEST_ID
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import plain

READERS = (Role.SUPERVISOR, Role.ADMINISTRATOR)
_A_PAGE = 50
_FIELDS = ("tindakan", "petugas", "kamera", "permintaan", "dari", "sampai")


class AuditPage:
    """Serves the log; that it was read, and what was sought, is a line of it as well."""

    def __init__(self, office: Office, shell: Shell, areas: Areas) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas

    def routes(self) -> list[web.RouteDef]:
        """The log and its export."""
        return [web.get("/catatan", self._read), web.post("/catatan/unduh", self._export)]

    @allow(*READERS)
    async def _read(self, request: web.Request) -> web.Response:
        me, sought = officer(request), sought_in(request.query)
        before = _whole(request.query.get("sebelum", ""))
        codes = me.areas(*READERS)
        async with self._office.work() as work:
            lines = await trail(
                work, me.words, self._areas, codes, sought, before=before, limit=_A_PAGE + 1
            )
            _note(work, Act.AUDIT_READ, me, sought)
            officers = await self._officers(work, me, codes)
        shown, filters = lines[:_A_PAGE], _filters(request.query)
        older = ""
        if len(lines) > _A_PAGE:
            older = "?" + urlencode(filters | {"sebelum": str(shown[-1].line_id)})
        return self._shell.page(
            request,
            "audit.html",
            lines=shown,
            filters={name: filters.get(name, "") for name in _FIELDS},
            acts=self._acts(me),
            officers=officers,
            older=older,
            most=MOST_EXPORTED,
        )

    def _acts(self, me: Officer) -> list[tuple[str, str]]:
        said = [
            (each.value, plain(me.words(f"act.{each}", camera="K-…", request="R-…")))
            for each in Act
        ]
        return sorted(said, key=lambda each: each[1].casefold())

    async def _officers(self, work: Work, me: Officer, codes: list[str]) -> list[tuple[str, str]]:
        """Those whose lines may be asked for by name: officers of the reader's areas."""
        found = {
            str(held.person_id): held_by(work, held) or me.words.bare("log.an_officer")
            for held in await grants_in(work, codes)
        }
        return sorted(found.items(), key=lambda each: each[1].casefold())

    @allow(*READERS)
    async def _export(self, request: web.Request) -> web.Response:
        me, sought = officer(request), sought_in(await request.post())
        async with self._office.work() as work:
            lines = await trail(
                work, me.words, self._areas, me.areas(*READERS), sought, limit=MOST_EXPORTED
            )
            _note(work, Act.AUDIT_EXPORTED, me, sought, lines=len(lines))
            day = f"{work.now.astimezone(work.settings.zone):%Y-%m-%d}"
        body = await asyncio.to_thread(as_csv, me.words, lines)
        name = f"{plain(me.words('console.audit.file_name'))}-{day}.csv"
        return web.Response(
            body=body,
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def sought_in(form: Mapping[str, Any]) -> Sought:
    """What a form or an address asks for; what makes no sense is left out."""
    act = str(form.get("tindakan", ""))
    return Sought(
        act=Act(act) if act in tuple(Act) else None,
        actor_id=_whole(form.get("petugas", "")),
        camera_number=_number(form.get("kamera", ""), "K"),
        request_number=_number(form.get("permintaan", ""), "R"),
        first_day=_day(form.get("dari", "")),
        last_day=_day(form.get("sampai", "")),
    )


def _filters(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query[name][:40] for name in _FIELDS if query.get(name)}


def _whole(given: object) -> int | None:
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    return int(text) if int(text) <= LARGEST_ID else None


def _number(given: object, letter: str) -> int | None:
    text = str(given).strip().upper().removeprefix(letter).lstrip("- ")
    # a number that no camera has finds none, which is what was asked for
    number = _whole(text)
    return number if number is None or number < 2**31 else -1


def _day(given: object) -> date | None:
    try:
        day = date.fromisoformat(str(given))
    except ValueError:
        return None
    # the calendar's own edges have no day before or after
    return day if 2000 <= day.year <= 2200 else None


def _note(work: Work, act: Act, me: Officer, sought: Sought, **more: object) -> None:
    role = next(role for role in READERS if me.has(role))
    details: dict[str, Any] = sought.about() | more
    record(work, act, actor_id=me.person_id, actor_role=role, **details)
