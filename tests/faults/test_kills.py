"""
`kill -9` at random points under load: nothing is lost, nothing is done twice.

The schedules (`test_schedules`) kill too, within `make test`; these look more strictly, and take
their time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.siege.run import besiege

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
async def test_fifty_kills_lose_and_double_nothing(tmp_path: Path, webhook: bool) -> None:
    outcome = await besiege(tmp_path, kills=25, seed=100 + webhook, webhook=webhook)
    assert outcome.violations == []
