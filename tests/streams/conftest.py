"""A checker that may reach loopback, and clips for servers to send."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator

import numpy as np
import pytest

from nobs_bot.sandbox.cameras import scenes
from nobs_bot.sandbox.cameras.clip import Clip, encode
from nobs_bot.streams import children
from nobs_bot.streams.check import StreamChecker
from tests.forkservers import started_alone

LOOPBACK = ipaddress.ip_network("127.0.0.1/32")


@pytest.fixture(autouse=True)
def _forkservers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here is what they are tested by."""
    monkeypatch.setattr(children, "_start_process", started_alone)


@pytest.fixture
async def checker() -> AsyncIterator[StreamChecker]:
    """Allowed to 127.0.0.1 and nowhere else; impatient, to keep the tests short."""
    checker = StreamChecker(
        allowed_networks=[LOOPBACK], connect_timeout_s=1.5, deadline_s=12, watch_s=0.8
    )
    await checker.start()
    yield checker
    await checker.close()


@pytest.fixture(scope="session")
def street() -> Clip:
    """Two seconds of the demo's street."""
    pictures = (picture for picture, _ in zip(scenes.good(), range(30), strict=False))
    return encode(pictures, fps=15)


@pytest.fixture(scope="session")
def huge() -> Clip:
    """Two pictures of 8192 by 4320."""
    picture = np.zeros((4320, 8192, 3), np.uint8)
    picture[::64] = 255
    return encode(iter([picture, picture]), fps=15)
