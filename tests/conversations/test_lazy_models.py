"""aiogram's models, imported and built late, once, and of those that the bot hears the same."""

from __future__ import annotations

import ast
import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import NamedTuple

import pytest
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import Response
from aiogram.types import Message, Update, User

import handlers
from handlers.lazy_models import HEARD
from handlers.session import Session
from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN

SHAPES = """
import json, re, sys
import {first}
import aiogram.types
from aiogram.methods import GetMe, SendMessage
from pydantic import BaseModel

files = [
    name
    for name, module in sys.modules.items()
    if name.startswith(("aiogram.types.", "aiogram.methods.")) and module.__spec__.origin
]
asked = [getattr(aiogram.types, name) for name in aiogram.types.__all__]
asked = [getattr(each, "_real", each) for each in (*asked, GetMe, SendMessage)]
asked = [each for each in asked if isinstance(each, type) and issubclass(each, BaseModel)]
unbuilt = [each.__name__ for each in asked if not each.__pydantic_complete__]
models = asked[:-2]
for each in models:
    each.model_rebuild()
fields = {{
    each.__name__: {{
        # without the addresses of functions, which are others in each process
        name: re.sub(" at 0x[0-9a-f]+", "", str(field))
        for name, field in each.model_fields.items()
    }}
    for each in models
}}
print(json.dumps([files, unbuilt, fields]))
"""


Fields = dict[str, str]
HANDLERS = Path(handlers.__file__).parent


class Shapes(NamedTuple):
    """The files that importing something needs, the models it leaves unbuilt, and their fields."""

    files: set[str]
    unbuilt: set[str]
    fields: dict[str, Fields]


def shapes(first: str) -> Shapes:
    """What there is once *first* is imported; the fields are those of the models built then."""
    ran = subprocess.run(
        (sys.executable, "-c", SHAPES.format(first=first)),
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    files, unbuilt, fields = json.loads(ran.stdout)
    return Shapes(set(files), set(unbuilt), fields)


@pytest.fixture(scope="module")
def late() -> Shapes:
    return shapes("handlers")


@pytest.fixture(scope="module")
def early() -> Shapes:
    return shapes("aiogram")


def test_what_is_not_used_is_not_built(late: Shapes, early: Shapes) -> None:
    assert {"Update", "Message", "StarTransaction", "SendMessage", "GetMe"} <= late.unbuilt
    assert "Message" not in early.unbuilt


def test_what_is_not_heard_is_not_imported(late: Shapes, early: Shapes) -> None:
    assert {"aiogram.types.message", "aiogram.methods.base"} <= late.files < early.files
    assert not late.files & {"aiogram.types.sticker", "aiogram.methods.send_message"}
    assert len(late.files) < 70 < 500 < len(early.files)


def test_built_late_they_are_the_same_but_for_what_is_not_heard(
    late: Shapes, early: Shapes
) -> None:
    ours, theirs = late.fields, early.fields
    assert len(ours) > 300
    for model in HEARD & ours.keys():
        assert list(ours[model]) == list(theirs[model]), model
        for name, field in ours[model].items():
            if field != theirs[model][name]:
                assert "Any" in field, (model, name, field)
    assert ours["Location"] == theirs["Location"]
    assert "Any" not in ours["Message"]["photo"]
    assert "Any" not in ours["Message"]["reply_markup"]
    assert "Gift" in theirs["Message"]["gift"]
    assert "Gift" not in ours["Message"]["gift"]


LATER = """
import sys
import handlers
from aiogram.methods import SendSticker
from aiogram.types import Message, ReplyParameters, Sticker

assert not isinstance(7, Sticker)
assert sys.modules["aiogram.types.sticker"].__spec__.origin is None
made = Sticker(
    file_id="a", file_unique_id="b", type="mask", width=1, height=1, is_animated=0, is_video=0
)
assert isinstance(made, Sticker) and not isinstance(7, Sticker) and made.width == 1
assert "width" in Sticker.model_fields

class Ours(Sticker):
    mood: str = "good"

assert isinstance(Ours(**made.model_dump()), Sticker)
sent = SendSticker(chat_id=7, sticker="a", reply_parameters=ReplyParameters(message_id=3))
assert sent.model_dump(exclude_none=True)["reply_parameters"]["message_id"] == 3
assert sent.__returning__ is Message
"""


def test_what_was_not_imported_is_there_when_it_is_used() -> None:
    ran = subprocess.run((sys.executable, "-c", LATER), check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


EVERYTHING = """
import handlers
from aiogram import methods, types

for name in (*types.__all__, *methods.__all__):
    found = getattr(types, name, None) or getattr(methods, name)
    found = getattr(found, "_real", found)
    if hasattr(found, "model_rebuild"):
        found.model_rebuild()
"""


def test_whatever_aiogram_has_can_still_be_built() -> None:
    ran = subprocess.run(
        (sys.executable, "-c", EVERYTHING), check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_what_nobody_hears_is_left_as_it_came() -> None:
    sari = {"id": 7, "is_bot": False, "first_name": "Sari"}
    place = {"latitude": -6.17, "longitude": 106.79}
    raw = {
        "message_id": 1,
        "date": 1_790_000_000,
        "chat": {"id": 7, "type": "private", "photo": {"new_in": "the next version"}},
        "from": sari,
        "venue": {"location": place, "title": "Warung", "address": "Jl. Tomang"},
        "gift": {"kind": "of the next version"},
        "story": "was a model until then",
    }
    message = Update.model_validate({"update_id": 1, "message": raw}).message
    assert message is not None
    assert message.venue is not None
    assert message.venue.location.latitude == -6.17
    assert message.gift == {"kind": "of the next version"}
    assert message.chat.id == 7


def test_what_the_handlers_read_is_heard() -> None:
    """Who reads something new of a message is told here to add it to HEARD."""
    built = Message.model_fields
    trees = [ast.parse(path.read_text()) for path in HANDLERS.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {
        each.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "aiogram.types"
        for each in node.names
    }
    assert imported - HEARD <= {"TelegramObject", "BufferedInputFile"}
    read = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("message", "event")
        and node.attr in built
    }
    assert {"text", "photo", "venue", "contact", "web_app_data"} <= read
    Message.model_rebuild()
    assert [name for name in read if "Any" in str(built[name])] == []


async def test_what_reads_answers_is_built_once(sandbox: SandboxServer) -> None:
    server = TelegramAPIServer.from_base(sandbox.api_url)
    async with Bot(TOKEN, session=Session(api=server)) as bot:
        await bot.get_me()
        known = weakref.ref(Response[User])
        gc.collect()
        assert known() is Response[User]
