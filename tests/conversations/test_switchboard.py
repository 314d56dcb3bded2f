"""Dialogues are passed by only where none of their handlers could take what came."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiogram import Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Chat, Message, User

import bot as composition
from handlers.filters import At, Brings, Tap
from handlers.gate import DIALOGUES
from handlers.states import Enrol, Stream
from handlers.switchboard import Switchboard

SARI = User(id=1, is_bot=False, first_name="Sari")
DEFAULT: dict[str, Any] = {
    "message_id": 1,
    "date": datetime(2026, 1, 1, tzinfo=UTC),
    "chat": Chat(id=1, type="private"),
}


def message(**brought: Any) -> Message:
    return Message(from_user=SARI, **DEFAULT, **brought)


def tap(data: str) -> CallbackQuery:
    return CallbackQuery(id="1", from_user=SARI, chat_instance="1", data=data)


class Board:
    """A switchboard, and which of its dialogues were asked and which answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.root = Switchboard(name="root")

    def dialogue(self, name: str, kind: str, *filters: Any, within: Router | None = None) -> None:
        router = Router(name=name)

        async def asked(*_: Any) -> bool:
            self.asked.append(name)
            return True

        async def answer(*_: Any) -> str:
            return name

        observer = router.observers[kind]
        observer.filter(asked)
        observer.register(answer, *filters)
        (within or self.root).include_router(router)

    async def answer(self, event: Message | CallbackQuery, state: str | None = None) -> Any:
        self.asked.clear()
        desk = SimpleNamespace(dialogue=SimpleNamespace(state=state))
        kind = "message" if isinstance(event, Message) else "callback_query"
        return await self.root.propagate_event(kind, event, desk=desk, bot=None)


@pytest.fixture
def board() -> Board:
    board = Board()
    board.dialogue("names", "message", At(Enrol.NAME), Brings("text"))
    board.dialogue("phones", "message", At(Enrol.PHONE))
    board.dialogue("photos", "message", At(Enrol.NAME), Brings("photo"))
    board.dialogue("cameras", "callback_query", Tap("cam", "cam.show"))
    board.dialogue("live", "callback_query", Tap("live"))
    whole = Router(name="whole")
    board.dialogue("within", "message", At(Stream.URL), within=whole)
    board.root.include_router(whole)
    board.dialogue("anything", "message")
    return board


async def test_only_dialogues_of_the_open_question_are_asked_in_their_order(board: Board) -> None:
    assert await board.answer(message(text="Sari"), Enrol.NAME.value) == "names"
    assert board.asked == ["names"]
    assert await board.answer(message(location=None), Enrol.NAME.value) == "anything"
    assert board.asked == ["names", "photos", "anything"]
    assert await board.answer(message(text="x"), Stream.URL.value) == "within"
    assert board.asked == ["within"]
    assert await board.answer(message(text="x")) == "anything"
    assert board.asked == ["anything"]


async def test_only_the_dialogues_of_a_button_are_asked(board: Board) -> None:
    assert await board.answer(tap("cam.show:7")) == "cameras"
    assert board.asked == ["cameras"]
    assert await board.answer(tap("gone:7")) is UNHANDLED
    assert board.asked == []


@pytest.mark.parametrize("brought", [{"text": "/kamera"}, {"caption": "/kamera"}])
async def test_a_command_reaches_dialogues_with_commands(brought: dict[str, str]) -> None:
    board = Board()
    board.dialogue("names", "message", At(Enrol.NAME))
    board.dialogue("cameras", "message", Command("kamera"))
    assert await board.answer(message(**brought)) == "cameras"
    assert board.asked == ["cameras"]
    assert await board.answer(message(text="kamera")) is UNHANDLED
    assert board.asked == []


async def test_a_handler_that_says_nothing_of_itself_is_always_asked(board: Board) -> None:
    board.dialogue("by hand", "callback_query", lambda query: query.data == "odd")
    assert await board.answer(tap("odd")) == "by hand"


async def test_a_router_that_holds_others_has_nothing_of_its_own(board: Board) -> None:
    whole = Router(name="whole")
    board.dialogue("below", "message", within=whole)
    board.dialogue("beside", "message")
    board.root.include_router(whole)

    @whole.message()
    async def lost(_: Message) -> None:
        """Would be passed by."""

    with pytest.raises(ValueError, match="whole"):
        await board.answer(message(text="x"))


def test_all_real_dialogues_are_known_by_what_they_take() -> None:
    dispatcher = composition._dispatcher()
    [root] = dispatcher.sub_routers
    asked = [each for dialogues in root._dialogues.values() for each in dialogues]
    assert {each.router.name for each in asked} == set(DIALOGUES)
    assert {each.router.name for each in asked if each.keys is None} == {"fallback", "start"}
