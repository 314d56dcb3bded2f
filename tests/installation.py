"""A whole installation in the test's process: app, handlers and database, against the sandbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import select

import bot as composition
from nobs_bot.app import App, Foundation
from nobs_bot.log import RedactingFormatter
from nobs_bot.messaging.inbox import Progress, Received
from nobs_bot.people.persons import meet, person_of, set_name
from nobs_bot.people.roles import Role, grant
from nobs_bot.sandbox import SandboxServer, the_cast
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from tests.conftest import TOKEN
from tests.databases import lay_migrated
from tests.phone import Phone

ROLES = {
    "Wayan": Role.FIELD_OFFICER,
    "Dewi": Role.REVIEWER,
    "Rahmat": Role.INVESTIGATOR,
    "Kartika": Role.SUPERVISOR,
}


@dataclass
class Installation:
    """A running app, the phones of the cast, and everything that was logged."""

    app: App
    foundation: Foundation
    sandbox: SandboxServer
    logged: StringIO

    def phone(self, name: str) -> Phone:
        """The phone of one of the cast."""
        member = next(each for each in the_cast() if each.name == name)
        return Phone(self.sandbox.api_url, member.person_id)

    async def settled(self) -> None:
        """Wait until no update is under way: its answer is in the chat a little before that."""
        under_way = select(Received.update_id).where(Received.state != Progress.DONE)
        async with asyncio.timeout(30):
            while True:
                async with self.foundation.office.look() as work:
                    if (await work.session.execute(under_way)).first() is None:
                        return
                await asyncio.sleep(0.05)


def settings_for(sandbox: SandboxServer, folder: Path, **more: Any) -> Settings:
    """Settings of a test's installation; nothing of the environment counts."""
    given = {
        "bot_token": TOKEN,
        "bot_api_url": sandbox.api_url,
        "data_dir": folder,
        "listen_port": 0,
        "allowed_networks": (ip_network("127.0.0.0/8"),),
        **more,
    }
    return Settings(_env_file=None, **given)


@asynccontextmanager
async def installation(
    sandbox: SandboxServer, folder: Path, *, webhook: bool = False, **more: Any
) -> AsyncIterator[Installation]:
    """Start the app with the officers of the cast in their roles; stop it in the end."""
    if webhook:
        port = free_port()
        more.update(listen_port=port, webhook_url=f"http://127.0.0.1:{port}")
    settings = settings_for(sandbox, folder, **more)
    if settings.database_url is None and not any(folder.glob("nobs.sqlite3*")):
        await lay_migrated(folder / "nobs.sqlite3")
    foundation = Foundation(settings)
    await upgrade(foundation.database)
    await _seat_officers(foundation)
    with _log() as logged:
        app, bot = await composition.compose(foundation)
        await app.start()
        try:
            yield Installation(app, foundation, sandbox, logged)
        finally:
            await app.stop()
            await bot.session.close()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _seat_officers(foundation: Foundation) -> None:
    async with foundation.office.work() as work:
        for member in the_cast():
            role = ROLES.get(member.name)
            if role is None or await person_of(work, member.person_id):
                continue
            who = meet(work, member.person_id, None)
            set_name(work, who, member.name)
            await work.session.flush()
            await grant(work, who, role, foundation.areas.district.code, granted_by=None)


class _log:  # noqa: N801 - reads as a function
    """Collects every record of the root logger, as the app would write it."""

    def __enter__(self) -> StringIO:
        stream = StringIO()
        self._handler = logging.StreamHandler(stream)
        self._handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self._handler)
        root.setLevel(logging.DEBUG)
        for chatty in ("aiosqlite", "PIL"):  # thousands of lines a second, of no words of ours
            logging.getLogger(chatty).setLevel(logging.INFO)
        return stream

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._handler)
        logging.getLogger().setLevel(self._level)
