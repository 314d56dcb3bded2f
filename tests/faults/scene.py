"""What is examined: the database, the sandbox's record, the logs, the processes, the pages."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from sqlalchemy import select

from benchmarks.processes import TOKEN
from nobs_bot.console.gate import PATH
from nobs_bot.settings import Settings
from nobs_bot.storage.base import Base
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office, Work
from tests.faults import canary
from tests.faults.cluster import Cluster
from tests.faults.crowd import MoreDeeds
from tests.faults.strikes import BLOCKER

# pages that show a camera, an owner or the map of blind spots to those who may see them
PAGES = (
    *("peta", "peta/kamera", "peta/butaan", "peta/rawan", "antrean", "permintaan"),
    *("cakupan", "cakupan/tugas", "catatan", "petugas", "api/v1/cameras"),
)


@dataclass
class Scene:
    """
    One moment at which nothing is under way.

    Attributes:
        deeds: What people did.
        told: The numbers told to each listener, in order.
        messages: Every message that the sandbox ever saw (`Stored`, as JSON).
        given: From the first to the last update that was ever given out, by ids.
        log: Everything that was written to logs.
        dump: Every value of the database.
        commands: Command lines of the processes and their children.
        secrets: What must stand nowhere, by what it is.
        pages: What somebody without a session was shown: path, status, body.
        touched: Who came to the canary.
        stranger: Telegram id of who must see nothing.
        blockers: Telegram ids of those who block the bot now and then.
        most_copies: How often a message may be there at most.
        folder: Of the files; None where it is not looked at.
        ends: Processes that ended by themselves.
        evidence: Digests of clips as they were seen before, by their ids.
    """

    office: Office
    files: FileStore
    deeds: MoreDeeds
    told: dict[int, list[int]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    given: range = range(0)
    log: str = ""
    dump: bytes = b""
    commands: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    pages: list[tuple[str, int, str]] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    stranger: int = 0
    blockers: frozenset[int] = frozenset()
    most_copies: int = 1
    folder: Path | None = None
    ends: list[str] = field(default_factory=list)
    evidence: dict[int, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The installation's rules."""
        return self.office.settings

    def chat(self, chat_id: int, *, by_bot: bool = True) -> list[dict[str, Any]]:
        """Messages of one chat in the order in which they came, as they are now."""
        found = [
            each
            for each in self.messages
            if each["chat_id"] == chat_id and each["from_bot"] == by_bot
        ]
        return [each["body"] for each in sorted(found, key=lambda each: each["body"]["message_id"])]


async def look_at(
    cluster: Cluster,
    deeds: MoreDeeds,
    told: dict[int, list[int]],
    *,
    given: range,
    strikes: int,
    stranger: int,
    evidence: dict[int, str],
) -> Scene:
    """Take everything down."""
    foundation = cluster.foundation
    async with foundation.office.look() as work:
        dump = await dumped(work)
    return Scene(
        office=foundation.office,
        files=foundation.files,
        deeds=deeds,
        told=told,
        messages=(await cluster.sandbox.see("messages"))["messages"],
        given=given,
        log=cluster.logs(),
        dump=dump + await asyncio.to_thread(_raw, cluster),
        commands=command_lines(cluster.pids()),
        secrets={
            "the bot's token": TOKEN,
            "the camera's password": cluster.camera_password,
            "the lure's password": canary.PASSWORD,
        },
        pages=await shown_to_nobody(cluster.site),
        touched=cluster.canary.touched,
        stranger=stranger,
        blockers=frozenset({BLOCKER}),
        most_copies=1 + strikes,
        folder=cluster.folder / "data" / "files",
        ends=[end for member in cluster.members.values() for end in member.ends],
        evidence=evidence,
    )


async def dumped(work: Work) -> bytes:
    """Every value of every table; texts as they are, bytes as they are."""
    parts: list[bytes] = []
    for table in Base.metadata.sorted_tables:
        for row in await work.session.execute(select(table)):
            parts += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    return b"\n".join(parts)


def _raw(cluster: Cluster) -> bytes:
    """SQLite's own files, where what was erased might still stand."""
    if cluster.postgres is not None:
        return b""
    files = (cluster.folder / "data").glob("nobs.sqlite3*")
    # not by ourselves, who have the database open: to close a file that one has locked gives the
    # lock up, and whoever opens the database next cuts the memory short that we share with it
    return subprocess.run(("cat", *files), stdout=subprocess.PIPE, check=False).stdout


def command_lines(pids: Iterable[int]) -> str:
    """As `ps` shows them to everybody, of the processes and all their children."""
    lines = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                lines.append(" ".join(each.cmdline()))
        except psutil.Error:
            continue
    return "\n".join(lines)


async def shown_to_nobody(site: str) -> list[tuple[str, int, str]]:
    """What somebody without a session gets to see."""
    shown = []
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as browser:
        for page in PAGES:
            path = f"{PATH}/{page}"
            async with browser.get(site + path, allow_redirects=False) as answer:
                shown.append((path, answer.status, await answer.text()))
    return shown
