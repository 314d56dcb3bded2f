"""The keys of other systems: what there is, a new one, and the end of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from nobs_bot.console.gate import allow, officer
from nobs_bot.console.safety import row_id
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, covers
from nobs_bot.people.tokens import (
    MOST_DAYS,
    MOST_NAME_CHARACTERS,
    Scope,
    end_token,
    make_token,
    tokens_under,
)
from nobs_bot.places.areas import Area, Areas
from nobs_bot.storage.work import Office

DAYS = (30, 90, 180, MOST_DAYS)


class SystemsPage:
    """For administrators, of their areas."""

    def __init__(self, office: Office, shell: Shell, areas: Areas) -> None:
        self._office = office
        self._shell = shell
        self._areas = areas

    def routes(self) -> list[web.RouteDef]:
        """The list, and the two things that can be done."""
        return [
            web.get("/sistem", self._list),
            web.post("/sistem", self._make),
            web.post(r"/sistem/{key:\d{1,19}}/akhiri", self._end),
        ]

    @allow(Role.ADMINISTRATOR)
    async def _list(self, request: web.Request) -> web.Response:
        return await self._page(request, {})

    async def _page(
        self,
        request: web.Request,
        given: Mapping[str, Any],
        *,
        told: Refusal | None = None,
        made: str = "",
    ) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            tokens = [
                {
                    "id": each.id,
                    "name": each.name,
                    "area": self._areas.name(each.area_code),
                    "scopes": each.scopes,
                    "until": me.words.moment(each.expires_at),
                    "used": me.words.moment(each.used_at) if each.used_at else "",
                    "is_good": each.is_good(work.now),
                }
                for each in await tokens_under(work, await me.person(work))
            ]
        return self._shell.page(
            request,
            "systems.html",
            status=409 if told else 200,
            tokens=tokens,
            given=given,
            told=(told.text_key, told.params) if told else None,
            made=made,
            areas=[(each.code, str(each)) for each in self._own(me.areas(Role.ADMINISTRATOR))],
            scopes=[each.value for each in Scope],
            days=DAYS,
            most_characters=MOST_NAME_CHARACTERS,
        )

    def _own(self, codes: list[str]) -> list[Area]:
        district = self._areas.district
        found = [district, *self._areas.below(district.code)]
        found += [each for above in found[1:] for each in self._areas.below(above.code)]
        return [each for each in found if any(covers(code, each.code) for code in codes)]

    @allow(Role.ADMINISTRATOR)
    async def _make(self, request: web.Request) -> web.Response:
        """The answer holds the token, once; a page that is loaded anew makes another."""
        me = officer(request)
        form = await request.post()
        given = {"nama": str(form.get("nama", "")), "wilayah": str(form.get("wilayah", ""))}
        scopes = [str(each) for each in form.getall("izin", [])]
        given_all = {**given, "izin": scopes, "hari": str(form.get("hari", ""))}
        try:
            chosen, days = _chosen(scopes, str(form.get("hari", "")))
            if self._areas.get(given["wilayah"]) is None:
                raise Refusal("buttons.stale")
            async with self._office.work() as work:
                _, token = await make_token(
                    work,
                    await me.person(work),
                    name=given["nama"],
                    area_code=given["wilayah"],
                    scopes=chosen,
                    days=days,
                )
        except Refusal as refusal:
            return await self._page(request, given_all, told=refusal)
        return await self._page(request, {}, made=token)

    @allow(Role.ADMINISTRATOR)
    async def _end(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.work() as work:
            await end_token(work, row_id(request, "key"), await me.person(work))
        return self._shell.to("sistem")


def _chosen(scopes: list[str], days: str) -> tuple[set[Scope], int]:
    try:
        return {Scope(each) for each in scopes}, int(days)
    except ValueError:
        raise Refusal("buttons.stale") from None
