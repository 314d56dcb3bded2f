"""What no choice of directions can be worth more than, by prices of the points."""

from __future__ import annotations

import numpy as np

from nobs_bot.coverage.choices import Choices
from nobs_bot.coverage.plane import Floats

_PATIENCE = 5
_CLOSE = 1e-6
_LEVELS = np.array([0.0, 1.0, 2.0])


def bound(choices: Choices, reached: float, descents: int = 100) -> float:
    """
    No choice is worth more than this.

    Any prices of the points give a bound: the most that each point wins over its price, and for
    each camera the direction of most price. They start between the slopes of the worth and
    follow the subgradient, by Polyak's step towards *reached*; the least bound is kept.

    Args:
        reached: The worth of some choice.
        descents: How often to better the prices, at most.

    Source: Held and Karp (1971) for the relaxation; Polyak (1969) for the step.
    """
    if not choices.choices:
        return choices.worth_without_choices
    table = _Table(choices)
    price = table.weights * (1 + choices.share) / 2
    least, scale, stale = np.inf, 1.0, 0
    for _ in range(descents):
        found, slope = table.at(price)
        stale = 0 if found < least - 1e-4 * abs(least - reached) else stale + 1
        least = min(least, found)
        steepness = float(slope @ slope)
        if steepness == 0 or least - reached <= _CLOSE * abs(reached):
            break
        if stale >= _PATIENCE:
            scale, stale = scale / 2, 0
        step = scale * (found - reached) / steepness
        price = np.clip(price - step * slope, 0.0, table.weights)
    return float(max(least, reached))


class _Table:
    """The chances that crowded points have, a row for each direction of each camera."""

    def __init__(self, choices: Choices) -> None:
        crowded, all_of = choices.crowded, choices.choices
        self.weights, self._fixed = choices.weights[crowded], choices.fixed[crowded]
        self._worth = self.weights[:, None] * choices.worth(_LEVELS)
        self._elsewhere = np.concatenate(choices.gains_elsewhere)
        rest = choices.weights * choices.worth(choices.fixed)
        self._rest = float(rest[~crowded].sum())
        rows = np.array([len(choice.chance) for choice in all_of])
        self._first, self._camera = np.cumsum(rows) - rows, np.repeat(np.arange(len(rows)), rows)
        number = np.cumsum(crowded) - 1
        held = [np.nonzero(choice.chance * crowded[choice.points]) for choice in all_of]
        self._row = np.concatenate(
            [at + row for at, (row, _) in zip(self._first.tolist(), held, strict=True)]
        )
        parts = list(zip(all_of, held, strict=True))
        self._points = np.concatenate([number[each.points[point]] for each, (_, point) in parts])
        self._chance = np.concatenate([each.chance[where] for each, where in parts])

    def at(self, price: Floats) -> tuple[float, Floats]:
        """The bound of these prices of the crowded points and, for each, its slope."""
        over = self._worth - price[:, None] * _LEVELS
        level = over.argmax(axis=1)
        won = over[np.arange(len(price)), level]
        priced = price[self._points] * self._chance
        score = self._elsewhere + np.bincount(self._row, priced, minlength=len(self._camera))
        best = np.maximum.reduceat(score, self._first)
        rows = np.flatnonzero(score == best[self._camera])
        _, first = np.unique(self._camera[rows], return_index=True)
        chosen = np.zeros(len(score))
        chosen[rows[first]] = 1.0
        shown = self._chance * chosen[self._row]
        seen = np.bincount(self._points, shown, minlength=len(price))
        found = self._rest + won.sum() + price @ self._fixed + best.sum()
        return float(found), self._fixed + seen - _LEVELS[level]
