"""The best directions, and the proof, by mixed-integer programming."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nobs_bot.coverage.choices import Choices
from nobs_bot.coverage.plane import Bools, Floats, Ints
from nobs_bot.coverage.prices import bound

if TYPE_CHECKING:
    import highspy

_GAP = 5e-4
# of the time, what bounding the groups that it does not suffice for may take
_RESERVE = 0.1


@dataclass(frozen=True)
class Best:
    """The index of a direction for each camera, and what no other choice is worth more than."""

    chosen: list[int]
    bound: float


def search(choices: Choices, start: Sequence[int], deadline: float) -> Best | None:
    """
    Choose for each group of cameras that may hold common points, the smallest groups first.

    A group ends when it is proven to be within 0.05 % of the best, or when its share of the time
    (by the square of its size) is over; its bound is then what HiGHS has proven so far.

    Args:
        start: What to begin with, and to be at least as good as.
        deadline: In `time.monotonic` seconds.

    Returns:
        None where highspy is not installed.
    """
    try:
        # 15 MB that only this needs
        import highspy  # noqa: F401
    except ImportError:
        return None
    chosen = list(start)
    groups = sorted(choices.components(), key=len)
    work = np.cumsum([len(group) ** 2 for group in groups][::-1])[::-1]
    free = choices.worth_without_choices
    most = free
    end = deadline - _RESERVE * (deadline - time.monotonic())
    for group, left in zip(groups, work.tolist(), strict=True):
        part = choices.part(group)
        limit_s = (end - time.monotonic()) * len(group) ** 2 / left
        best = _solved(part, [chosen[at] for at in group], limit_s)
        for at, index in zip(group, best.chosen, strict=True):
            chosen[at] = index
        most += best.bound - part.worth_without_choices
    return Best(chosen, most)


def _solved(part: Choices, start: list[int], limit_s: float) -> Best:
    """The best directions of a group, or as good as the time allows."""
    reached = part.value(start)
    if len(start) == 1:
        at = int(part.values_of(0, part.fixed).argmax())
        return Best([at], part.value([at]))
    if limit_s <= 0:
        return Best(start, bound(part, reached))
    model = _Model(part)
    chosen, proven = model.run(start, limit_s)
    value = part.value(chosen)
    if value < reached:
        chosen, value = start, reached
    return Best(chosen, max(value, bound(part, value) if proven is None else proven))


class _Model:
    """
    The program: a column, 0 or 1, for each direction of each camera, one of which is 1.

    The worth of a point that only one camera may hold, or that all together hold no more than
    once, goes into the columns of the directions. All others have a row: what is counted once
    and what is counted as backup, two more columns, are together at most how often it is seen.
    """

    def __init__(self, part: Choices) -> None:
        self._part = part
        self._sizes = np.array([len(choice.chance) for choice in part.choices])
        self._first = np.cumsum(self._sizes) - self._sizes
        self._crowded = self._where_it_matters()
        self._points = np.flatnonzero(self._crowded)

    def run(self, start: Sequence[int], limit_s: float) -> tuple[list[int], float | None]:
        """The directions found, and the bound proven; None where there is none."""
        import highspy

        highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("time_limit", limit_s),
            ("mip_rel_gap", _GAP),
        ):
            highs.setOptionValue(option, value)
        highs.passModel(self._program())
        known = highspy.HighsSolution()
        known.col_value = self._columns(start).tolist()
        highs.setSolution(known)
        highs.run()
        found = np.asarray(highs.getSolution().col_value)
        proven = highs.getInfo().mip_dual_bound
        if len(found) == 0:
            return list(start), proven if np.isfinite(proven) else None
        split = np.split(found[: self._sizes.sum()], self._first[1:])
        chosen = [int(each.argmax()) for each in split]
        return chosen, proven if np.isfinite(proven) else None

    def _where_it_matters(self) -> Bools:
        """Which points several cameras may hold, and together more than once."""
        part = self._part
        holders, most = np.zeros(len(part.weights)), part.fixed.copy()
        for choice in part.choices:
            holders[choice.points] += 1
            most[choice.points] += choice.chance.max(axis=0)
        return (holders > 1) & (most > 1)

    def _program(self) -> highspy.HighsLp:
        """What HiGHS is given, to be maximised."""
        import highspy

        part, rows, columns = self._part, len(self._points), int(self._sizes.sum())
        weights = part.weights[self._points]
        free = part.worth(part.fixed)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = columns + 2 * rows, len(self._sizes) + rows
        program.sense_ = highspy.ObjSense.kMaximize
        program.offset_ = float((part.weights * free)[~self._crowded].sum())
        program.col_cost_ = np.concatenate([self._gains(), weights, part.share * weights])
        program.col_lower_ = np.zeros(program.num_col_)
        program.col_upper_ = np.ones(program.num_col_)
        kinds = highspy.HighsVarType
        program.integrality_ = [kinds.kInteger] * columns + [kinds.kContinuous] * (2 * rows)
        ones = np.ones(len(self._sizes))
        program.row_lower_ = np.concatenate([ones, np.full(rows, -np.inf)])
        program.row_upper_ = np.concatenate([ones, part.fixed[self._points]])
        start, index, value = self._matrix(columns)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_, program.a_matrix_.index_ = start, index
        program.a_matrix_.value_ = value
        return program

    def _gains(self) -> Floats:
        """What each direction adds to the worth of the points without a row."""
        part, gains = self._part, []
        for choice in part.choices:
            alone = ~self._crowded[choice.points]
            fixed = part.fixed[choice.points[alone]]
            added = part.worth(fixed + choice.chance[:, alone]) - part.worth(fixed)
            gains.append(added @ part.weights[choice.points[alone]])
        return np.concatenate(gains)

    def _matrix(self, columns: int) -> tuple[Ints, Ints, Floats]:
        """The coefficients, column by column: where each begins, their rows, their values."""
        cameras, rows = len(self._sizes), len(self._points)
        row_of = np.cumsum(self._crowded) - 1 + cameras
        column, row, value = [np.arange(columns)], [np.repeat(np.arange(cameras), self._sizes)], []
        value.append(np.ones(columns))
        for choice, first in zip(self._part.choices, self._first.tolist(), strict=True):
            crowded = self._crowded[choice.points]
            direction, point = np.nonzero(choice.chance * crowded)
            column.append(first + direction)
            row.append(row_of[choice.points[point]])
            value.append(-choice.chance[direction, point])
        column.append(columns + np.arange(2 * rows))
        row.append(cameras + np.tile(np.arange(rows), 2))
        value.append(np.ones(2 * rows))
        of = np.concatenate(column)
        order = np.argsort(of, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=columns + 2 * rows))])
        return start, np.concatenate(row)[order], np.concatenate(value)[order]

    def _columns(self, chosen: Sequence[int]) -> Floats:
        """The columns' values for these directions."""
        direction = np.zeros(int(self._sizes.sum()))
        direction[self._first + np.asarray(chosen)] = 1
        seen = self._part.seen(chosen)[self._points]
        return np.concatenate([direction, np.minimum(seen, 1), np.clip(seen - 1, 0, 1)])
