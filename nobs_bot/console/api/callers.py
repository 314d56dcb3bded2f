"""Who calls the interface: a system with its key, or an officer's own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from nobs_bot.console.api.problems import NotAllowed, NotKnown
from nobs_bot.console.gate import Officer, signed_in
from nobs_bot.console.safety import Pace
from nobs_bot.people.roles import Role, covers
from nobs_bot.people.tokens import Scope, is_used_lately, note_used, token_of
from nobs_bot.storage.work import Office

_BEARER = "Bearer "
# what officers' pages may ask for is what their roles see in the chat
_ROLES: Mapping[Scope, tuple[Role, ...]] = {
    Scope.CAMERAS: (Role.FIELD_OFFICER, Role.REVIEWER, Role.INVESTIGATOR, Role.SUPERVISOR),
    Scope.COVERAGE: (Role.FIELD_OFFICER, Role.REVIEWER, Role.INVESTIGATOR, Role.SUPERVISOR),
    Scope.REQUESTS: (Role.SUPERVISOR,),
    Scope.PROGRESS: tuple(Role),
}


@dataclass(frozen=True)
class Caller:
    """
    Who calls, and which areas each scope opens.

    Args:
        name: Of the system, or of the officer.
        person_id: The officer's; None for a system.
        own: Areas in which an officer's own requests are open as well.
    """

    key: str
    name: str
    areas: Mapping[Scope, tuple[str, ...]]
    person_id: int | None = None
    role: str | None = None
    own: tuple[str, ...] = field(default=())

    def areas_for(self, scope: Scope) -> tuple[str, ...]:
        """
        The codes of the areas that a scope opens.

        Raises:
            NotAllowed: none.
        """
        areas = self.areas.get(scope, ())
        if not areas:
            raise NotAllowed(f"This caller has no {scope.value}.")
        return areas

    def may_read(self, scope: Scope, code: str | None) -> bool:
        """Whether a scope opens a place."""
        return bool(code) and any(covers(area, code or "") for area in self.areas.get(scope, ()))


class Callers:
    """Recognises them, and keeps each at a bearable pace."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._pace = Pace(burst=120, per_second=10)

    async def recognise(self, request: web.Request) -> Caller:
        """
        Who calls.

        Raises:
            NotKnown: nobody we know; a page's session is for reading only.
            Refusal: too often.
        """
        given = request.headers.get("Authorization", "")
        if given:
            caller = await self._system(given)
        else:
            me = signed_in(request)
            if me is None:
                raise NotKnown
            caller = _of_officer(me)
        self._pace.call(caller.key)
        return caller

    async def _system(self, given: str) -> Caller:
        if not given.startswith(_BEARER):
            raise NotKnown
        async with self._office.look() as work:
            token = await token_of(work, given.removeprefix(_BEARER).strip())
            if token is None:
                raise NotKnown
            is_to_note = not is_used_lately(work, token)
        if is_to_note:
            async with self._office.work() as work:
                await note_used(work, token.id)
        areas = {Scope(each): (token.area_code,) for each in token.scopes}
        return Caller(f"token:{token.id}", token.name, areas)


def _of_officer(me: Officer) -> Caller:
    areas = {scope: tuple(me.areas(*roles)) for scope, roles in _ROLES.items()}
    return Caller(
        f"session:{me.session_id}",
        me.name,
        {scope: codes for scope, codes in areas.items() if codes},
        person_id=me.person_id,
        role=next((role.value for role in Role if me.has(role)), None),
        own=tuple(me.areas(Role.INVESTIGATOR)) if me.has(Role.INVESTIGATOR) else (),
    )
