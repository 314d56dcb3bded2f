"""The demo's scenes for tests: drawn and encoded once for all processes of a run."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from nobs_bot.sandbox.cameras import DemoCameras


@pytest.fixture(scope="session")
def encoded_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all processes; for those who read."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / "scenes"
    with (root / "scenes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(_encode(folder))
    return folder


async def _encode(folder: Path) -> None:
    cameras = DemoCameras()
    await cameras.start(cache_dir=folder)
    await cameras.stop()


@pytest.fixture
def scenes(encoded_scenes: Path, tmp_path: Path) -> Path:
    """A copy of one's own: a camera that is turned puts something there."""
    return shutil.copytree(encoded_scenes, tmp_path / "scenes")
