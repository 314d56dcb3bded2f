"""aiogram's models, built late, once, and of those that the bot hears the same."""

from __future__ import annotations

import ast
import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path

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
import json, re
import {first}
import aiogram.types
from aiogram.methods import GetMe, SendMessage
from pydantic import BaseModel

models = [getattr(aiogram.types, name) for name in aiogram.types.__all__]
models = [each for each in models if isinstance(each, type) and issubclass(each, BaseModel)]
asked = (*models, GetMe, SendMessage)
unbuilt = [each.__name__ for each in asked if not each.__pydantic_complete__]
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
print(json.dumps([unbuilt, fields]))
"""


Fields = dict[str, str]
HANDLERS = Path(handlers.__file__).parent


def shapes(first: str) -> tuple[set[str], dict[str, Fields]]:
    """The models that are unbuilt once *first* is imported, and the fields of each, built then."""
    ran = subprocess.run(
        (sys.executable, "-c", SHAPES.format(first=first)),
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    unbuilt, fields = json.loads(ran.stdout)
    return set(unbuilt), fields


@pytest.fixture(scope="module")
def late() -> tuple[set[str], dict[str, Fields]]:
    return shapes("handlers")


def test_what_is_not_used_is_not_built(late: tuple[set[str], object]) -> None:
    assert {"Update", "Message", "StarTransaction", "SendMessage", "GetMe"} <= late[0]


def test_built_late_they_are_the_same_but_for_what_is_not_heard(
    late: tuple[set[str], dict[str, Fields]],
) -> None:
    unbuilt, theirs = shapes("aiogram")
    assert "Message" not in unbuilt
    ours = late[1]
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
