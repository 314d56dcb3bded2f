"""What no choice of directions can be worth more than, by prices of the points."""

from __future__ import annotations

import numpy as np

from nobs_bot.coverage.choices import Choices
from nobs_bot.coverage.plane import Floats

_DESCENTS = 150
_PATIENCE = 5
_CLOSE = 1e-6
_LEVELS = np.array([0.0, 1.0, 2.0])


def bound(choices: Choices, reached: float) -> float:
    """
    No choice is worth more than this.

    Any prices of the points give a bound: the most that each point wins over its price, and for
    each camera the direction of most price. They start between the slopes of the worth and
    follow the subgradient, by Polyak's step towards *reached*; the least bound is kept.

    Args:
        reached: The worth of some choice.

    Source: Held and Karp (1971) for the relaxation; Polyak (1969) for the step.
    """
    if not choices.choices:
        return choices.worth_without_choices
    table = _Table(choices)
    price = choices.weights * (1 + choices.share) / 2
    least, scale, stale = np.inf, 1.0, 0
    for _ in range(_DESCENTS):
        found, slope = table.at(price)
        stale = 0 if found < least - 1e-4 * abs(least - reached) else stale + 1
        least = min(least, found)
        steepness = float(slope @ slope)
        if steepness == 0 or least - reached <= _CLOSE * abs(reached):
            break
        if stale >= _PATIENCE:
            scale, stale = scale / 2, 0
        step = scale * (found - reached) / steepness
        price = np.clip(price - step * slope, 0.0, choices.weights)
    return float(max(least, reached))


class _Table:
    """The chances of all cameras and directions, one row after the other."""

    def __init__(self, choices: Choices) -> None:
        self._fixed = choices.fixed
        self._worth = choices.weights[:, None] * choices.worth(_LEVELS)
        all_of = choices.choices
        self._points = np.concatenate([np.tile(c.points, len(c.chance)) for c in all_of])
        self._chance = np.concatenate([c.chance.ravel() for c in all_of])
        self._lengths = np.repeat([len(c.points) for c in all_of], [len(c.chance) for c in all_of])
        self._row_at = np.cumsum(self._lengths) - self._lengths
        rows = np.array([len(c.chance) for c in all_of])
        self._camera_at, self._camera = (
            np.cumsum(rows) - rows,
            np.repeat(np.arange(len(rows)), rows),
        )

    def at(self, price: Floats) -> tuple[float, Floats]:
        """The bound of these prices and, for each point, its slope."""
        over = self._worth - price[:, None] * _LEVELS
        level = over.argmax(axis=1)
        score = np.add.reduceat(price[self._points] * self._chance, self._row_at)
        best = np.maximum.reduceat(score, self._camera_at)
        rows = np.flatnonzero(score == best[self._camera])
        _, first = np.unique(self._camera[rows], return_index=True)
        chosen = np.zeros(len(score), dtype=bool)
        chosen[rows[first]] = True
        held = np.repeat(chosen, self._lengths)
        seen = np.bincount(self._points[held], self._chance[held], minlength=len(price))
        found = over.max(axis=1).sum() + price @ self._fixed + best.sum()
        return float(found), self._fixed + seen - _LEVELS[level]
