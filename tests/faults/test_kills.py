"""`kill -9` at random points under load: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.siege.run import besiege


# the schedules kill too; these look more strictly, and take their time
@pytest.mark.parametrize(
    "webhook", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["polling", "webhook"]
)
async def test_a_few_kills_lose_and_double_nothing(tmp_path: Path, webhook: bool) -> None:
    outcome = await besiege(tmp_path, kills=2, seed=1 + webhook, webhook=webhook, at_once=6)
    assert outcome.violations == []
    assert outcome.updates > 50


@pytest.mark.soak
@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
async def test_fifty_kills_lose_and_double_nothing(tmp_path: Path, webhook: bool) -> None:
    outcome = await besiege(tmp_path, kills=25, seed=100 + webhook, webhook=webhook)
    assert outcome.violations == []
