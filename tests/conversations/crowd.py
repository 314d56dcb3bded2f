"""A town for people who do anything: whose secrets there are, and what each of them ever saw."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.record import Contact, set_contact
from nobs_bot.footage import asking
from nobs_bot.footage.question import Question
from nobs_bot.footage.request import Purpose
from nobs_bot.footage.times import Window
from nobs_bot.messaging.inbox import Progress, Received
from nobs_bot.pace import Pace
from nobs_bot.people.roles import Role, grant
from nobs_bot.sandbox import SandboxServer, the_cast
from nobs_bot.streams.address import parse_address
from tests.conftest import TOKEN
from tests.conversations.enrolling import SHOP
from tests.conversations.standing import approved_camera, camera, the_person
from tests.installation import Installation, installation
from tests.phone import Phone, as_text

ELSEWHERE = "31.73.01"
KELURAHAN = "31.73.04.1006"
NAME, PHONE, PASSWORD = "Zulaikha Mentari", "081299017734", "melati-tujuh-puluh"
PURPOSE = "Motor bebek merah marun pelat palsu"
# an owner, a stranger, an officer of another area, an officer of this one with every role
PEOPLE = ("Sari", "Citra", "Budi", "Dewi")
OUTSIDERS = ("Citra", "Budi")
_OPEN = (Progress.WAITING, Progress.APPLIED)
_SETTLE_S = 20.0


class Broken(AssertionError):  # noqa: N818 - what it says
    """Something happened that must never happen."""


@dataclass
class Town:
    """
    A running installation with a camera, its owner, and officers here and elsewhere.

    Attributes:
        seen: Every button that somebody was ever shown, as (message id, callback data), the
            oldest first.
    """

    here: Installation
    ids: dict[str, int]
    seen: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _revision: int = 0
    _toasts: int = 0
    _logged: int = 0

    def phone(self, name: str) -> Phone:
        """The phone of one of the people."""
        return self.here.phone(name)

    async def settle(self, *acted: str) -> None:
        """
        Wait until every update is done, and look whether all is as it must be.

        Args:
            acted: Who did something, and so is owed an answer.

        Raises:
            Broken: It is not; says what and to whom.
        """
        await self._until_done(acted)
        await self._nothing_failed()
        for name, words in self._told_since():
            self._look_for_secrets(name, words)

    async def _until_done(self, acted: tuple[str, ...]) -> None:
        deadline = asyncio.get_running_loop().time() + _SETTLE_S
        while True:
            owed = [name for name in acted if not self._was_answered(name)]
            if not self.here.sandbox.inbox.pending and not await self._open() and not owed:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise Broken(f"no answer to {owed}; {await self._open()} updates are open")
            await asyncio.sleep(0.02)

    def mark(self) -> None:
        """What comes from here on is an answer to what is done next."""
        calls = self.here.sandbox.api.calls
        self._called = calls[-1].number if calls else 0

    def _was_answered(self, name: str) -> bool:
        """Whether the chat got a message or a change of one, or a tap was answered."""
        person_id = self.ids[name]
        for call in reversed(self.here.sandbox.api.calls):
            if call.number <= self._called:
                return False
            if call.answer and str(call.params.get("chat_id")) == str(person_id):
                return True
            if call.answer and call.method.lower() == "answercallbackquery":
                query = self.here.sandbox.queries.open.get(str(call.params["callback_query_id"]))
                if query is None or query.person_id == person_id:
                    return True
        return False

    async def _open(self) -> int:
        async with self.here.foundation.office.look() as work:
            query = select(func.count()).where(Received.state.in_(_OPEN))
            return int((await work.session.execute(query)).scalar_one())

    async def _nothing_failed(self) -> None:
        text = self.here.logged.getvalue()
        fresh, self._logged = text[self._logged :], len(text)
        if "ERROR " in fresh or "Traceback" in fresh:
            at = max(fresh.find("ERROR "), 0)
            raise Broken(f"logged: {fresh[at : at + 6000]}")

    def _told_since(self) -> list[tuple[str, str]]:
        """Whom the bot told what since the last call; buttons are noted on the way."""
        told = []
        world = self.here.sandbox.world
        for name, person_id in self.ids.items():
            chat = world.messages.get(person_id, {}).values()
            for stored in sorted(chat, key=lambda each: each.revision):
                if not stored.from_bot or stored.revision <= self._revision:
                    continue
                for body in (*stored.versions, stored.body):
                    told.append((name, json.dumps(body, ensure_ascii=False)))
                    self._note_buttons(name, stored.message_id, body)
        told += [
            (name, toast.text)
            for toast in world.toasts[self._toasts :]
            for name, person_id in self.ids.items()
            if toast.person_id == person_id
        ]
        self._toasts, self._revision = len(world.toasts), world.events.revision
        return told

    def _note_buttons(self, name: str, message_id: int, body: dict[str, Any]) -> None:
        mine = self.seen.setdefault(name, [])
        for row in body.get("reply_markup", {}).get("inline_keyboard", []):
            for each in row:
                pair = (message_id, str(each.get("callback_data", "")))
                if pair[1] and pair not in mine:
                    mine.append(pair)

    def _look_for_secrets(self, name: str, words: str) -> None:
        secrets = [PASSWORD]
        if name in OUTSIDERS:
            secrets += [NAME, PHONE, PHONE[1:], PURPOSE, self.number]
        digits = words.replace(" ", "").replace("-", "")
        for secret in secrets:
            if secret in words or (secret.isdigit() and secret in digits):
                raise Broken(f"{name} was told {secret!r}: {words[:1500]}")

    async def chat(self, name: str) -> str:
        """Somebody's chat, for a report."""
        return as_text(await self.phone(name)._view())


async def open_town(stack: AsyncExitStack, migrated: Path) -> Town:
    """Start everything; it ends with *stack*."""
    folder = Path(tempfile.mkdtemp(prefix="town-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    sandbox = SandboxServer(TOKEN, cast=the_cast())
    await sandbox.start()
    stack.push_async_callback(sandbox.stop)
    shutil.copyfile(migrated, folder / "nobs.sqlite3")
    here = await stack.enter_async_context(installation(sandbox, folder))
    # hypothesis is quicker than anybody's fingers
    here.app._outside.conversation._pace = Pace(burst=1e9, per_second=1e9)  # type: ignore[attr-defined]
    people = {each.name: each.person_id for each in the_cast() if each.name in PEOPLE}
    town = Town(here, people)
    await _furnish(town)
    town.mark()
    await town.settle()
    return town


async def _furnish(town: Town) -> None:
    here = town.here
    for name in PEOPLE:
        await here.phone(name).start()
        await here.phone(name).expect("Selamat datang")
    camera_id = await approved_camera(here)
    async with here.foundation.office.work() as work:
        for name, roles, area in (
            ("Budi", set(Role) - {Role.ADMINISTRATOR}, ELSEWHERE),
            ("Dewi", set(Role) - {Role.ADMINISTRATOR, Role.REVIEWER}, "31.73.04"),
        ):
            for role in sorted(roles):
                await grant(work, await the_person(work, name), role, area, granted_by=None)
        owned = await work.session.get(type(await camera(here, camera_id)), camera_id)
        assert owned is not None
        set_contact(work, owned, Contact(NAME, f"+62{PHONE[1:]}", False))
        set_stream(work, owned, parse_address(f"rtsp://warga:{PASSWORD}@127.0.0.1:9/1"))
        owned.number = 7391  # texts name K-1001 as an example
        town.number = owned.name
        noon = work.now.replace(hour=5, minute=0) - timedelta(days=1)
        question = Question(
            *SHOP, KELURAHAN, "Jl. Duri Selatan", 100,
            (Window(noon, noon + timedelta(hours=1)),),
            "LP/B/1042/XI/2026/SPKT", Purpose.ROBBERY, PURPOSE,
        )  # fmt: skip
        await asking.send(work, await the_person(work, "Dewi"), question)
    await here.phone("Sari").expect("rekaman")
