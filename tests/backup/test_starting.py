"""A backup is good if the bot starts from it: real commands, a real process, a person goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.processes import APP, environment, running
from nobs_bot.sandbox import SandboxServer
from nobs_bot.settings import Settings
from tests.conftest import TOKEN
from tests.conversations.enrolling import consent
from tests.messaging.updates import SARI
from tests.phone import Phone

START_S = 60.0


class Patient(Phone):
    """Waits for a process that has just begun."""

    async def expect(self, text_part: str, timeout_s: float = START_S) -> dict[str, object]:
        return await super().expect(text_part, timeout_s)


async def command(env: dict[str, str], folder: Path, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *APP,
        *words,
        cwd=folder,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said


async def test_the_bot_starts_from_a_backup_and_goes_on_where_it_was(
    sandbox: SandboxServer,
    tmp_path: Path,
    database_url: str | None,
    elsewhere: Callable[..., Settings],
) -> None:
    def env_in(name: str, url: str | None) -> dict[str, str]:
        more = {"database_url": url} if url else {}
        return environment(sandbox.api_url, tmp_path / name, **more) | {
            "BOT_TOKEN": TOKEN,
            "PATH": os.environ["PATH"],
        }

    before = env_in("before", database_url)
    (tmp_path / "before").mkdir()
    sari = Patient(sandbox.api_url, SARI)
    async with running(APP, before, tmp_path / "before" / "log"):
        await consent(sari)
        await sari.tap("Toko")
        await sari.expect("Siapa yang dapat kami hubungi")
        # while it runs, and then the machine is gone
        said = await command(before, tmp_path, "backup", "nobs.tar")
        assert "the installation's keys, which are not in it" in said
        await command(before, tmp_path, "backup-keys", "nobs.keys")

    after = env_in("after", elsewhere().database_url)
    data = tmp_path / "after" / "data"
    data.mkdir(parents=True)
    (tmp_path / "nobs.keys").rename(data / "keys")
    assert "The keys open it" in await command(after, tmp_path, "restore", "nobs.tar")
    async with running(APP, after, tmp_path / "after" / "log"):
        await sari.send("Ibu Sari")
        await sari.expect("Nomor telepon")


@pytest.fixture
def seated_url(database_url: str | None) -> str | None:
    """So that `elsewhere` is of the same engine."""
    return database_url
