"""Asks only those dialogues that an update can be for: there are thirty, with 300 handlers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiogram import Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.dispatcher.event.handler import HandlerObject
from aiogram.dispatcher.event.telegram import TelegramEventObserver
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message, TelegramObject

from nobs_bot.buttons import unpack

from .desk import Desk
from .filters import At, Tap

_ANY_COMMAND = "/"


@dataclass(frozen=True)
class _Dialogue:
    """A router, and by which of an event's keys it may be meant; None: it must be asked anyway."""

    router: Router
    keys: frozenset[str] | None

    def may_take(self, keys: set[str]) -> bool:
        return self.keys is None or not self.keys.isdisjoint(keys)


class Switchboard(Router):
    """
    The router of all dialogues, which has no handlers of its own.

    aiogram asks handler after handler until one's filters fit. Ours nearly all begin with the same
    three: a button's action, the question that is open, a command. By these whole dialogues are
    passed by; those that are left are asked in their order, as ever.
    """

    async def propagate_event(self, update_type: str, event: TelegramObject, **kwargs: Any) -> Any:
        """As aiogram's: what the first handler that takes the event returns, or UNHANDLED."""
        keys = _keys_of(event, kwargs["desk"])
        for dialogue in self._dialogues.get(update_type, ()):
            if dialogue.may_take(keys):
                answer = await dialogue.router.propagate_event(update_type, event, **kwargs)
                if answer is not UNHANDLED:
                    return answer
        return UNHANDLED

    @cached_property
    def _dialogues(self) -> dict[str, list[_Dialogue]]:
        """Of each kind of update the routers that have handlers for it, in their order."""
        by_kind: dict[str, list[_Dialogue]] = {}
        for router in _leaves(self):
            for kind, observer in router.observers.items():
                if observer.handlers:
                    by_kind.setdefault(kind, []).append(_Dialogue(router, _keys_to(observer)))
        return by_kind


def _leaves(router: Router) -> Iterator[Router]:
    """
    The routers that have handlers.

    Raises:
        ValueError: one has some of its own and others below it; its own would be passed by.
    """
    if not router.sub_routers:
        yield router
        return
    for observer in router.observers.values():
        if observer.handlers or len(observer.outer_middleware):
            raise ValueError(f"the router {router.name} may only hold others")
    for each in router.sub_routers:
        yield from _leaves(each)


def _keys_to(observer: TelegramEventObserver) -> frozenset[str] | None:
    keys = [_keys_to_handler(handler) for handler in observer.handlers]
    known = [each for each in keys if each is not None]
    return frozenset().union(*known) if len(known) == len(keys) else None


def _keys_to_handler(handler: HandlerObject) -> frozenset[str] | None:
    """An event without one of these does not get past the handler's filters."""
    for each in handler.filters or ():
        match each.callback:
            case Tap(actions=actions):
                return frozenset(actions)
            case At(states=states):
                return frozenset(states)
            case Command():
                return frozenset({_ANY_COMMAND})
    return None


def _keys_of(event: TelegramObject, desk: Desk) -> set[str]:
    keys = {desk.dialogue.state} if desk.dialogue.state else set()
    match event:
        case CallbackQuery():
            keys.add(unpack(event.data or "")[0])
        case Message() if (event.text or event.caption or "").lstrip().startswith(_ANY_COMMAND):
            keys.add(_ANY_COMMAND)
    return keys
