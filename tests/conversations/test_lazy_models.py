"""aiogram's models, built late, once, and the same."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref

import pytest
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import Response
from aiogram.types import User

from handlers.session import Session
from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN

SHAPES = """
import json, re
import {first}
import aiogram.types
from aiogram.methods import SendMessage
from pydantic import BaseModel

models = [getattr(aiogram.types, name) for name in aiogram.types.__all__]
models = [each for each in models if isinstance(each, type) and issubclass(each, BaseModel)]
unbuilt = [each.__name__ for each in (*models, SendMessage) if not each.__pydantic_complete__]
for each in models:
    each.model_rebuild()
fields = {{
    # without the addresses of functions, which are others in each process
    each.__name__: re.sub(" at 0x[0-9a-f]+", "", str(each.model_fields))
    for each in models
}}
print(json.dumps([unbuilt, fields]))
"""


def shapes(first: str) -> tuple[set[str], dict[str, str]]:
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
def late() -> tuple[set[str], dict[str, str]]:
    return shapes("handlers")


def test_what_is_not_used_is_not_built(late: tuple[set[str], object]) -> None:
    assert {"Update", "Message", "StarTransaction", "SendMessage"} <= late[0]


def test_built_late_they_are_the_same(late: tuple[set[str], dict[str, str]]) -> None:
    unbuilt, fields = shapes("aiogram")
    assert "Message" not in unbuilt
    assert len(fields) > 300
    assert late[1] == fields


async def test_what_reads_answers_is_built_once(sandbox: SandboxServer) -> None:
    server = TelegramAPIServer.from_base(sandbox.api_url)
    async with Bot(TOKEN, session=Session(api=server)) as bot:
        await bot.get_me()
        known = weakref.ref(Response[User])
        gc.collect()
        assert known() is Response[User]
