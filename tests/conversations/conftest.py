"""A running installation for each conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nobs_bot.sandbox import SandboxServer
from tests.installation import Installation, installation


@pytest.fixture
async def here(sandbox: SandboxServer, tmp_path: Path) -> AsyncIterator[Installation]:
    """The app on SQLite, polling, with the officers of the cast in their roles."""
    async with installation(sandbox, tmp_path) as running:
        yield running
