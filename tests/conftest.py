"""Fixtures for everyone: a Telegram of our own, and a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.async_api import Browser, async_playwright, expect

import handlers  # noqa: F401 - as in production before aiogram, which it imports unbuilt
from nobs_bot.sandbox import SandboxServer, the_cast
from tests.cast import (
    any_house,
    areas,
    house,
    migrated,
    office,
    seated,
    seated_template,
    seated_url,
)
from tests.databases import database_url, migrated_url, postgres, template
from tests.leftout import pytest_sessionfinish, pytest_terminal_summary
from tests.scenes import encoded_scenes, scenes
from tests.sharing import pytest_collection_finish, share_what_is_dear

share_what_is_dear()

TOKEN = "4242:sandbox-token-of-the-tests"
CHROMIUM = Path("/usr/bin/chromium")
# Playwright's five seconds are little where two cores run other tests beside the browser
expect.set_options(timeout=15_000)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxServer]:
    """A sandbox in this process on a free port, with the seven of the cast; token `TOKEN`."""
    server = SandboxServer(TOKEN, cast=the_cast())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, under Playwright."""
    if not CHROMIUM.exists():
        pytest.skip("left out: no Chromium here; `apt-get install chromium` brings it")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield chromium
        await chromium.close()


@pytest.fixture
def paces_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No caller is given anything back for waiting, however slow this machine is."""
    monkeypatch.setattr("nobs_bot.pace.time", SimpleNamespace(monotonic=lambda: 0.0))


__all__ = [
    "any_house",
    "areas",
    "browser",
    "database_url",
    "encoded_scenes",
    "house",
    "migrated",
    "migrated_url",
    "office",
    "paces_stand_still",
    "postgres",
    "pytest_collection_finish",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "sandbox",
    "scenes",
    "seated",
    "seated_template",
    "seated_url",
    "template",
]
