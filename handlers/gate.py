"""
Who may use which dialogue: a table by router, and nobody may use what is not in it.

It is the outer of two doors. The use cases behind it look whether somebody has the role for the
very area, request or camera; this one keeps everybody else from reaching them at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Router
from aiogram.types import Message, TelegramObject

from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, grants_of

from .desk import Desk
from .filters import is_command
from .states import Sticking

Roles = frozenset[Role] | None

ANYBODY: Roles = None
NOBODY: frozenset[Role] = frozenset()
OFFICERS = frozenset(Role)
ON_MAPS = OFFICERS - {Role.ADMINISTRATOR}

DIALOGUES: dict[str, Roles] = {
    # everybody's own: each of them asks whose camera, request or row it is
    "start": ANYBODY,
    "cameras": ANYBODY,
    "live": ANYBODY,
    "uploads": ANYBODY,
    "answers": ANYBODY,
    "claiming": ANYBODY,
    "privacy": ANYBODY,
    "enrol.begin": ANYBODY,
    "enrol.place": ANYBODY,
    "enrol.view": ANYBODY,
    "enrol.stream": ANYBODY,
    "enrol.review": ANYBODY,
    "fallback": ANYBODY,
    # officers'
    "review": frozenset({Role.REVIEWER}),
    "footage": frozenset({Role.INVESTIGATOR}),
    "requests": frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}),
    "agreement": frozenset({Role.SUPERVISOR}),
    "evidence": frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}),
    "field": frozenset({Role.FIELD_OFFICER}),
    "recording": frozenset({Role.FIELD_OFFICER}),
    "stickers": frozenset({Role.FIELD_OFFICER, Role.SUPERVISOR}),
    "worklist": frozenset({Role.FIELD_OFFICER, Role.SUPERVISOR}),
    "health": ON_MAPS,
    "coverage": ON_MAPS,
    "hotspots": ON_MAPS,
    "points": ON_MAPS,
    "progress": OFFICERS,
    "console": OFFICERS,
    "report": frozenset({Role.SUPERVISOR}),
    "admin": frozenset({Role.ADMINISTRATOR}),
}
# single buttons and questions that are somebody else's than their dialogue
ONES: dict[str, Roles] = {
    # an owner answers, and looks at what became of it
    "evd.receipt": ANYBODY,
    "turn.yes": ANYBODY,
    "turn.no": ANYBODY,
    "turn.fixed": ANYBODY,
    "turn.done": ANYBODY,
    # an owner may photograph the sticker on the wall
    "stk.photo": ANYBODY,
    "stk.cancel": ANYBODY,
    Sticking.PHOTO.value: ANYBODY,
    # the way out of questions of several dialogues
    "req.cancel": ANYBODY,
    # whoever has no role any more ends what is left
    "con.list": ANYBODY,
    "con.end": ANYBODY,
    "con.end_all": ANYBODY,
    "prg.aims": frozenset({Role.SUPERVISOR}),
}


def open_to(dialogue: str, one: str | None) -> Roles:
    """The roles of which somebody needs one; None for no role at all, nobody where nothing says."""
    if one in ONES:
        return ONES[one]
    return DIALOGUES.get(dialogue, NOBODY)


def _answered(event: TelegramObject, desk: Desk) -> str | None:
    """The question to which a message is the answer; a command is none."""
    return None if isinstance(event, Message) and is_command(event) else desk.dialogue.state


class Gate(BaseMiddleware):
    """Stands before every handler, once it is known which one it will be."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """
        Let the handler run.

        Raises:
            Refusal: it is not for whoever asks.
        """
        router: Router = data["event_router"]
        desk: Desk = data["desk"]
        allowed = open_to(router.name, data.get("action") or _answered(event, desk))
        if allowed is not None:
            held = {grant.role for grant in await grants_of(desk.work, desk.who.id)}
            if not held & allowed:
                raise Refusal("roles.needed")
        return await handler(event, data)
