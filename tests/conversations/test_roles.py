"""Every command and every button tried by everybody: what is not somebody's is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from aiogram import Router
from aiogram.filters import Command

import bot as composition
from handlers.filters import At, Tap
from handlers.gate import DIALOGUES, ONES, open_to
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import meet, set_name
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.work import Work
from tests.cast import DISTRICT
from tests.installation import Installation

F, R, I, S, A = Role  # noqa: E741 - one letter a column of the table
ON_MAPS, OFFICERS, ANYBODY = {F, R, I, S}, {F, R, I, S, A}, None
FIRST_ACCOUNT = 720_000_000

COMMANDS: dict[str, set[Role] | None] = {
    "start": ANYBODY,
    "bantuan": ANYBODY,
    "bahasa": ANYBODY,
    "batal": ANYBODY,
    "daftar": ANYBODY,
    "kamera": ANYBODY,
    "riwayat": ANYBODY,
    "privasi": ANYBODY,
    "antrean": {R},
    "minta": {I},
    "permintaan": {I, S},
    "catat": {F},
    "stiker": {F, S},
    "tugas": {F, S},
    "kesehatan": ON_MAPS,
    "cakupan": ON_MAPS,
    "rawan": ON_MAPS,
    "titik": ON_MAPS,
    "kemajuan": OFFICERS,
    "konsol": OFFICERS,
    "laporan": {S},
    "petugas": {A},
    "undang": {A},
}
# buttons by what comes before the dot, and those that differ from their like
BUTTONS: dict[str, set[Role] | None] = {
    "home": ANYBODY,
    "help": ANYBODY,
    "language": ANYBODY,
    "consent": ANYBODY,
    "enrol": ANYBODY,
    "stream": ANYBODY,
    "cam": ANYBODY,
    "live": ANYBODY,
    "ans": ANYBODY,
    "upl": ANYBODY,
    "clm": ANYBODY,
    "log": ANYBODY,
    "prv": ANYBODY,
    "rev": {R},
    "req": {I, S},
    "agr": {S},
    "emr": {S},
    "evd": {I, S},
    "evd.receipt": ANYBODY,
    "fld": {F},
    "rec": {F},
    "stk": {F, S},
    "stk.photo": ANYBODY,
    "stk.cancel": ANYBODY,
    "turn": {F, S},
    "turn.yes": ANYBODY,
    "turn.no": ANYBODY,
    "turn.fixed": ANYBODY,
    "turn.done": ANYBODY,
    "hlt": ON_MAPS,
    "cov": ON_MAPS,
    "spot": ON_MAPS,
    "pnt": ON_MAPS,
    "prg": OFFICERS,
    "prg.aims": {S},
    "con": OFFICERS,
    "con.list": ANYBODY,
    "con.end": ANYBODY,
    "con.end_all": ANYBODY,
    "rep": {S},
    "adm": {A},
    # the questions of a request are an investigator's; what supervisors do with one is theirs
    "req.start": {I},
    "req.back": {I},
    "req.cancel": ANYBODY,
    "req.at": {I},
    "req.spot": {I},
    "req.radius": {I},
    "req.purpose": {I},
    "req.forbidden": {I},
    "req.nonote": {I},
    "req.nopictures": {I},
    "req.send": {I},
    "req.preserve": {I},
    "req.emergency": {I},
    "req.hold": {S},
    "req.unhold": {S},
}
NONSENSE = ((), ("1",), ("31.73.04",), ("x", "y", "z"), ("9" * 25, "1"), ("-1", "0"), ("1", "1"))


def routers(router: Router) -> Iterator[Router]:
    yield router
    for each in router.sub_routers:
        yield from routers(each)


def filters_of(kind: type) -> Iterator[tuple[str, Any]]:
    """Each filter of a kind, with the name of the router where it stands."""
    for router in routers(composition._dispatcher()):
        for observer in (router.message, router.callback_query):
            for handler in observer.handlers:
                for each in handler.filters or ():
                    if isinstance(each.callback, kind):
                        yield router.name, each.callback


def actions() -> list[tuple[str, str]]:
    return [(name, action) for name, tap in filters_of(Tap) for action in tap.actions]


def wanted(action: str) -> set[Role] | None:
    return BUTTONS[action] if action in BUTTONS else BUTTONS[action.partition(".")[0]]


def test_every_dialogue_says_whose_it_is() -> None:
    with_handlers = {
        router.name
        for router in routers(composition._dispatcher())
        if router.message.handlers or router.callback_query.handlers
    }
    assert with_handlers == set(DIALOGUES)
    states = {state for _, at in filters_of(At) for state in at.states}
    assert set(ONES) <= states | {action for _, action in actions()}
    assert open_to("a dialogue that nobody has thought of", None) == frozenset()


def test_the_gate_says_of_each_button_what_the_table_says() -> None:
    said = {action: open_to(name, action) for name, action in actions()}
    assert len(said) > 190
    assert said == {
        action: None if wanted(action) is None else frozenset(wanted(action) or ())
        for action in said
    }


def tap(account: int, action: str, arguments: tuple[str, ...] = ("1",)) -> dict[str, Any]:
    who = {"id": account, "is_bot": False, "first_name": "Uji"}
    message = {
        "message_id": 7,
        "date": 1,
        "text": "…",
        "chat": {"id": account, "type": "private"},
        "from": {"id": 4242, "is_bot": True, "first_name": "Bot"},
    }
    data = ":".join((action, *arguments))
    query = {"id": "1", "from": who, "message": message, "chat_instance": "1", "data": data}
    return {"update_id": 1, "callback_query": query}


def typed(account: int, text: str) -> dict[str, Any]:
    who = {"id": account, "is_bot": False, "first_name": "Uji"}
    chat = {"id": account, "type": "private"}
    message = {"message_id": 8, "date": 1, "from": who, "chat": chat, "text": text}
    return {"update_id": 2, "message": message}


class _Undone(Exception):  # noqa: N818 - it is none of the product's
    """Nothing of a try is kept."""


class Everybody:
    """One with each role and no other (None: with no role), and one with all of them."""

    def __init__(self, here: Installation) -> None:
        self._office = here.foundation.office
        self._conversation = here.app.pump._conversation
        self.accounts: dict[Role | None, int] = {}
        self.all_of_them = FIRST_ACCOUNT + 99

    async def enter(self) -> None:
        async with self._office.work() as work:
            for number, role in enumerate([None, *Role]):
                self.accounts[role] = FIRST_ACCOUNT + number
                await self._seat(work, FIRST_ACCOUNT + number, [role] if role else [])
            await self._seat(work, self.all_of_them, list(Role))

    async def _seat(self, work: Work, account: int, roles: list[Role]) -> None:
        who = meet(work, account, None)
        set_name(work, who, "Uji")
        await work.session.flush()
        for role in roles:
            await grant(work, who, role, DISTRICT, granted_by=None)

    async def outcome(self, raw: dict[str, Any]) -> str | None:
        """The key of what somebody is refused with, if so; whatever was done is undone."""
        refusal = None
        with suppress(_Undone):
            async with self._office.work() as work:
                try:
                    await self._conversation.apply(work, raw)
                except Refusal as exc:
                    refusal = exc.text_key
                raise _Undone
        return refusal


@pytest.fixture
async def everybody(here: Installation) -> Everybody:
    made = Everybody(here)
    await made.enter()
    return made


async def test_commands_are_refused_to_all_others(everybody: Everybody) -> None:
    known = [command.commands for _, command in filters_of(Command)]
    assert {names[0] for names in known} <= set(COMMANDS)
    for names in known:
        roles = COMMANDS[names[0]]
        for name in names:
            for role, account in everybody.accounts.items():
                refused = await everybody.outcome(typed(account, f"/{name}")) == "roles.needed"
                assert refused == (roles is not None and role not in roles), (name, role)


async def test_buttons_are_refused_to_all_others(everybody: Everybody) -> None:
    of_a_question = set(with_a_question())
    tried = 0
    for _, action in actions():
        roles = wanted(action)
        for role, account in everybody.accounts.items():
            if roles is None or role in roles:
                continue
            told = await everybody.outcome(tap(account, action))
            # while its question is not open, it is an old button to everybody
            assert told == "roles.needed" or action in of_a_question, (action, role, told)
            tried += told == "roles.needed"
    assert tried > 250


def with_a_question() -> Iterator[str]:
    """The buttons that do something only while a question is open."""
    for router in routers(composition._dispatcher()):
        for handler in router.callback_query.handlers:
            callbacks = [each.callback for each in handler.filters or ()]
            if any(isinstance(each, At) for each in callbacks):
                for each in callbacks:
                    yield from each.actions if isinstance(each, Tap) else ()


@pytest.mark.parametrize("arguments", NONSENSE, ids=lambda each: ",".join(each)[:9] or "none")
async def test_no_made_up_number_breaks_a_button(
    everybody: Everybody, arguments: tuple[str, ...]
) -> None:
    for _, action in actions():
        # anything but a refusal is raised
        await everybody.outcome(tap(everybody.all_of_them, action, arguments))
