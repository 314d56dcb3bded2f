"""People and their roles, for administrators: who has what where, an end to it, and invitations."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from nobs_bot.console.gate import Officer, allow, officer
from nobs_bot.console.safety import page_number, row_id
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.people.discharging import MenuFor, discharge
from nobs_bot.people.invitations import invite
from nobs_bot.people.persons import officer_name, read_name
from nobs_bot.people.renaming import rename
from nobs_bot.people.roles import (
    Grant,
    Held,
    Role,
    grant_under,
    grants_in,
    held_by,
    require_at,
)
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import plain

_A_PAGE = 50
_GRANT = r"/petugas/{grant:\d{1,19}}"


class _Row(NamedTuple):
    """A role that somebody has, as the table shows it."""

    id: int
    name: str
    role: str
    area: str
    since: str
    may_end: bool


class PeoplePage:
    """
    Serves the list of officers.

    Args:
        bot_name: The bot's username, for invitations.
        menu_for: What somebody with some roles is shown in the chat.
    """

    def __init__(
        self, office: Office, shell: Shell, areas: Areas, *, bot_name: str, menu_for: MenuFor
    ) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas
        self._bot_name = bot_name
        self._menu_for = menu_for

    def routes(self) -> list[web.RouteDef]:
        """The list, an invitation, another name, and a role's end, asked about once more."""
        return [
            web.get("/petugas", self._list),
            web.post("/petugas/undang", self._invite),
            web.get(_GRANT, self._one),
            web.post(_GRANT + "/nama", self._rename),
            web.post(_GRANT + "/akhiri", self._end),
        ]

    @allow(Role.ADMINISTRATOR)
    async def _list(self, request: web.Request) -> web.Response:
        async with self._office.look() as work:
            return await self._page(request, work)

    async def _page(
        self, request: web.Request, work: Work, *, link: str = "", told: str = ""
    ) -> web.Response:
        me = officer(request)
        areas = me.areas(Role.ADMINISTRATOR)
        role, name = request.query.get("peran", ""), request.query.get("nama", "").strip()[:60]
        roles = {Role(role)} if role in tuple(Role) else set(Role)
        found_roles = [each for each in await grants_in(work, areas) if each.role in roles]
        names = {
            each.person_id: _shown_name(me, held_by(work, each))
            for each in {each.person_id: each for each in found_roles}.values()
        }
        found = [
            (names[each.person_id], each)
            for each in found_roles
            if name.casefold() in names[each.person_id].casefold()
        ]
        found.sort(key=lambda each: (each[0].casefold(), each[1].area_code, each[1].role))
        page = page_number(request)
        shown = found[page * _A_PAGE : (page + 1) * _A_PAGE]
        return self._shell.page(
            request,
            "people.html",
            people=[self._row(me, held, whose) for whose, held in shown],
            count=len(found),
            wanted={"peran": role, "nama": name},
            before=_page_at(role, name, page - 1) if page else "",
            after=_page_at(role, name, page + 1) if len(found) > (page + 1) * _A_PAGE else "",
            roles=[each.value for each in Role],
            areas=self._choices(areas),
            link=link,
            told=told,
            done="akhir" in request.query,
            named="nama_baru" in request.query,
        )

    def _row(self, me: Officer, held: Held | Grant, name: str) -> _Row:
        return _Row(
            held.id,
            name,
            me.words.bare(f"role.{held.role}"),
            self._areas.name(held.area_code),
            me.words.date(held.granted_at),
            may_end=not (held.person_id == me.person_id and held.role is Role.ADMINISTRATOR),
        )

    def _choices(self, codes: list[str]) -> list[tuple[str, str]]:
        """The areas for which this administrator may invite, the larger ones first."""
        return [(area.code, str(area)) for area in self._areas.within(codes)]

    @allow(Role.ADMINISTRATOR)
    async def _invite(self, request: web.Request) -> web.Response:
        """A link for one use; it is shown once, and nobody can read it again."""
        me, form = officer(request), await request.post()
        role, code = str(form.get("peran", "")), str(form.get("wilayah", ""))
        area = self._areas.get(code)
        if role not in tuple(Role) or area is None:
            raise Refusal("invite.no_area")
        name = read_name(str(form.get("nama", "")))
        async with self._office.work() as work:
            await require_at(work, me.person_id, Role.ADMINISTRATOR, area.code)
            start = invite(work, Role(role), area.code, created_by=me.person_id, name=name)
            words = me.words
            told = words(
                "console.invited",
                name=name,
                role=words(f"role.{role}"),
                area=str(area),
                hours=work.settings.invitation_hours,
            )
            link = f"https://t.me/{self._bot_name}?start={start}"
            return await self._page(request, work, link=link, told=plain(told))

    @allow(Role.ADMINISTRATOR)
    async def _one(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            held, who = await grant_under(work, row_id(request, "grant"), await me.person(work))
            about = self._row(me, held, _shown_name(me, officer_name(work, who)))
        return self._shell.page(request, "person.html", about=about)

    @allow(Role.ADMINISTRATOR)
    async def _rename(self, request: web.Request) -> web.Response:
        me, form = officer(request), await request.post()
        async with self._office.work() as work:
            name, administrator = str(form.get("nama", "")), await me.person(work)
            await rename(work, row_id(request, "grant"), administrator, name)
        return self._shell.to("petugas?nama_baru")

    @allow(Role.ADMINISTRATOR)
    async def _end(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            await discharge(
                work,
                row_id(request, "grant"),
                await me.person(work),
                self._areas,
                self._menu_for,
            )
        return self._shell.to("petugas?akhir")


def _page_at(role: str, name: str, page: int) -> str:
    return urlencode({"peran": role, "nama": name, "halaman": page + 1})


def _shown_name(me: Officer, name: str) -> str:
    return name or me.words.bare("log.an_officer")
