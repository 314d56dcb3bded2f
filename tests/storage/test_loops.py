"""Loops: when they begin, how long they rest, and that breaking off never makes them faster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from nobs_bot.storage.loops import MOST_PAUSE_S, keep_at


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept each time, which takes no time."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("nobs_bot.storage.loops.asyncio.sleep", sleep)
    return slept


async def run(answers: list[int | Exception], *, idle_s: float, first_s: float = 0.0) -> None:
    """A loop whose work answers so, one time after another, and is then cancelled."""
    given: Iterator[int | Exception] = iter(answers)

    async def work_off() -> int:
        answer = next(given, None)
        if answer is None:
            raise asyncio.CancelledError
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(asyncio.CancelledError):
        await keep_at("clips", work_off, idle_s=idle_s, first_s=first_s)


async def test_it_rests_where_there_was_nothing_to_do(rests: list[float]) -> None:
    await run([0, 3, 0], idle_s=0.5)
    assert rests == [0, 0.5, 0, 0.5]


async def test_what_can_wait_lets_others_begin(rests: list[float]) -> None:
    await run([], idle_s=600, first_s=60)
    assert rests == [60]


async def test_one_that_breaks_off_slows_down_to_a_bound(rests: list[float]) -> None:
    await run([ValueError()] * 8 + [1], idle_s=0.5)
    assert rests == [0, 1, 2, 4, 8, 16, MOST_PAUSE_S, MOST_PAUSE_S, MOST_PAUSE_S, 0]


async def test_one_that_breaks_off_is_no_faster_than_one_that_has_nothing_to_do(
    rests: list[float],
) -> None:
    await run([ValueError()] * 3, idle_s=600)
    assert rests == [0, 600, 600, 600]
