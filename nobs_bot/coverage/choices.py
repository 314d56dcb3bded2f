"""
Which way each of many cameras looks, as a choice: its worth, and a quick answer.

The worth of a point of weight w that is seen s times, as expected, is

    w · (min(1, s) + share · min(1, max(0, s - 1)))

with s the sum of the chances of all cameras that hold it. It counts each metre once in full, a
second camera on it for a share, and a third for nothing. The worth is concave in s, which makes
the choice a mixed-integer linear program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush

import numpy as np

from nobs_bot.coverage.plane import Bools, Floats, Ints

_ROUNDING = 1e-9
_ROUNDS = 20


@dataclass(frozen=True)
class Choice:
    """
    A camera that may be turned.

    Args:
        headings_deg: Where it may look, its present heading (None where unknown) first.
        points: Indices of the points that it would hold in any of them, shape (n,).
        chance: Its chances of each, shape (headings, n).
    """

    camera_id: int
    headings_deg: tuple[float | None, ...]
    points: Ints
    chance: Floats


class Choices:
    """
    All the cameras that may be turned, over the points that count.

    Args:
        choices: The cameras.
        weights: What each point counts, shape (n,), none below zero.
        fixed: How often each is seen by the cameras that stay, as expected, shape (n,).
        share: What a second camera on a point counts, 0 to 1.
    """

    def __init__(
        self, choices: Sequence[Choice], weights: Floats, fixed: Floats, share: float
    ) -> None:
        self.choices = list(choices)
        self.weights, self.fixed, self.share = weights, fixed, share
        self._worth_of = [weights[choice.points] for choice in choices]

    def worth(self, seen: Floats) -> Floats:
        """The worth of a point of weight 1 that is seen so often."""
        once: Floats = np.minimum(seen, 1.0)
        return once + self.share * np.clip(seen - 1.0, 0.0, 1.0)

    def seen(self, chosen: Sequence[int]) -> Floats:
        """How often each point is seen if the cameras look where *chosen* says, by index."""
        seen = self.fixed.copy()
        for choice, at in zip(self.choices, chosen, strict=True):
            seen[choice.points] += choice.chance[at]
        return seen

    def value(self, chosen: Sequence[int]) -> float:
        """The worth of all points."""
        return float(self.weights @ self.worth(self.seen(chosen)))

    @property
    def worth_without_choices(self) -> float:
        """The worth of all points if these cameras saw nothing."""
        return float(self.weights @ self.worth(self.fixed))

    def values_of(self, at: int, others: Floats) -> Floats:
        """
        The worth of a camera's points for each of its directions.

        Args:
            others: How often its points are seen by all others.
        """
        found: Floats = self.worth(others + self.choices[at].chance) @ self._worth_of[at]
        return found

    def greedy(self) -> list[int]:
        """
        Give a direction to one camera after the other, always where most is won.

        At least half of the best there is: the worth is submodular and each camera has one
        direction (a partition matroid). Gains only shrink, and only where a neighbour was given
        a direction, so few are computed anew.

        Source: Fisher, Nemhauser, Wolsey (1978) for the guarantee; Minoux (1978), lazily.
        """
        seen = self.fixed.copy()
        gains = [self._gain(at, seen) for at in range(len(self.choices))]
        chosen = [best for _, best in gains]
        heap = [(-gain, at) for at, (gain, _) in enumerate(gains)]
        heapify(heap)
        stale: set[int] = set()
        while heap:
            _, at = heappop(heap)
            if at in stale:
                stale.discard(at)
                gain, chosen[at] = self._gain(at, seen)
                heappush(heap, (-gain, at))
                continue
            seen[self.choices[at].points] += self.choices[at].chance[chosen[at]]
            stale |= self.neighbours[at]
        return chosen

    def improved(self, chosen: Sequence[int]) -> list[int]:
        """
        Turn single cameras for as long as that wins something; a tie keeps the present heading.

        Never worse than *chosen*.
        """
        better, seen = list(chosen), self.seen(chosen)
        again = set(range(len(better)))
        for _ in range(_ROUNDS):
            todo, again = sorted(again), set()
            for at in todo:
                choice = self.choices[at]
                others = seen[choice.points] - choice.chance[better[at]]
                best = _best(self.values_of(at, others), better[at])
                if best != better[at]:
                    seen[choice.points] = others + choice.chance[best]
                    better[at] = best
                    again |= self.neighbours[at]
            if not again:
                break
        return better

    @cached_property
    def neighbours(self) -> list[set[int]]:
        """For each camera those that may hold a point which it may hold."""
        found: list[set[int]] = [set() for _ in self.choices]
        for one, other in self._pairs().tolist():
            found[one].add(other)
            found[other].add(one)
        return found

    @cached_property
    def crowded(self) -> Bools:
        """Which points several cameras may hold, and all together more than once."""
        holders, most = np.zeros(len(self.weights)), self.fixed.copy()
        for choice in self.choices:
            holders[choice.points] += 1
            most[choice.points] += choice.chance.max(axis=0)
        crowded: Bools = (holders > 1) & (most > 1)
        return crowded

    @cached_property
    def gains_elsewhere(self) -> list[Floats]:
        """
        What each direction of each camera adds to the worth of the points that are not crowded.

        There it does not depend on what the others do.
        """
        gains = []
        for choice in self.choices:
            alone = ~self.crowded[choice.points]
            points = choice.points[alone]
            fixed = self.fixed[points]
            added = self.worth(fixed + choice.chance[:, alone]) - self.worth(fixed)
            gains.append(added @ self.weights[points])
        return gains

    def components(self) -> list[list[int]]:
        """The cameras in groups that have no point in common with one another."""
        groups, unmet = [], set(range(len(self.choices)))
        while unmet:
            group, edge = set(), {unmet.pop()}
            while edge:
                group |= edge
                edge = set().union(*(self.neighbours[at] for at in edge)) - group
            unmet -= group
            groups.append(sorted(group))
        return groups

    def part(self, group: Sequence[int]) -> Choices:
        """The same choice among some of the cameras, over the points that they may hold."""
        members = [self.choices[at] for at in group]
        held = [each.points for each in members]
        points = np.unique(np.concatenate(held)) if held else np.empty(0, dtype=np.int64)
        moved = [
            Choice(
                each.camera_id,
                each.headings_deg,
                np.searchsorted(points, each.points),
                each.chance,
            )
            for each in members
        ]
        return Choices(moved, self.weights[points], self.fixed[points], self.share)

    def _gain(self, at: int, seen: Floats) -> tuple[float, int]:
        """The most that a camera adds to what is seen, and in which direction."""
        choice = self.choices[at]
        already = seen[choice.points]
        values = self.values_of(at, already)
        best = _best(values, 0)
        return float(values[best] - self.worth(already) @ self._worth_of[at]), best

    def _pairs(self) -> Ints:
        """Pairs of cameras that may hold the same point, shape (m, 2), each at least once."""
        if not self.choices:
            return np.empty((0, 2), dtype=np.int64)
        points = np.concatenate([choice.points for choice in self.choices])
        camera = np.repeat(np.arange(len(self.choices)), [len(c.points) for c in self.choices])
        order = np.lexsort((camera, points))
        points, camera = points[order], camera[order]
        found = []
        for step in range(1, len(self.choices)):
            same = points[step:] == points[:-step]
            if not same.any():
                break
            found.append(np.column_stack([camera[:-step][same], camera[step:][same]]))
        return np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)


def _best(values: Floats, kept: int) -> int:
    """The index of the greatest value; the first, or else *kept*, unless another is greater."""
    best = int(values.argmax())
    for at in (0, kept):
        if values[at] >= values[best] - _ROUNDING:
            return at
    return best
