"""The best directions, and the proof, by mixed-integer programming."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nobs_bot.coverage.choices import Choices
from nobs_bot.coverage.plane import Floats, Ints
from nobs_bot.coverage.prices import bound

if TYPE_CHECKING:
    import highspy

_GAP = 5e-3
# of the time, what bounding the groups that it does not suffice for may take
_RESERVE = 0.15
# a group may take this many times its share of the time, but never more than half of the rest
_LENIENCE, _MOST = 4.0, 0.5


@dataclass(frozen=True)
class Best:
    """The index of a direction for each camera, and what no other choice is worth more than."""

    chosen: list[int]
    bound: float


def search(choices: Choices, start: Sequence[int], deadline: float) -> Best | None:
    """
    Choose for each group of cameras that may hold common points, the largest groups first.

    A group ends when it is proven to be within 0.5 % of the best, or when its share of the time
    is over; its bound is then what HiGHS has proven so far, or that of `prices`. All cores are
    used, one a group.

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
    chosen, most = list(start), choices.worth_without_choices
    models = [(group, _Model(choices.part(group))) for group in choices.components()]
    models.sort(key=lambda each: -each[1].size)
    left = np.cumsum([model.size for _, model in models][::-1])[::-1]
    end = deadline - _RESERVE * (deadline - time.monotonic())
    workers = os.cpu_count() or 1
    # HiGHS lets go of the interpreter while it solves, so threads do work side by side
    with ThreadPoolExecutor(workers) as pool:
        tasks = [
            pool.submit(_solved, model, [chosen[at] for at in group], end, share)
            for (group, model), rest in zip(models, left.tolist(), strict=True)
            for share in [min(workers * _LENIENCE * model.size / max(rest, 1), _MOST)]
        ]
    for (group, model), task in zip(models, tasks, strict=True):
        best = task.result()
        for at, index in zip(group, best.chosen, strict=True):
            chosen[at] = index
        most += best.bound - model.part.worth_without_choices
    return Best(chosen, most)


def _solved(model: _Model, start: list[int], end: float, share: float) -> Best:
    """The best directions of a group, or as good as its share of the time until *end* allows."""
    part, proven, chosen = model.part, None, start
    if model.size == 0:
        # no two cameras get in each other's way
        chosen = model.best_alone()
        return Best(chosen, part.value(chosen))
    limit_s = share * (end - time.monotonic())
    if limit_s > 0:
        found, proven = model.run(start, limit_s)
        chosen = max(start, part.improved(found), key=part.value)
    value = part.value(chosen)
    if proven is None or proven > value * (1 + 2 * _GAP):
        # not done: prices often know better than a program that was cut short
        proven = min(bound(part, value), np.inf if proven is None else proven)
    return Best(chosen, max(proven, value))


class _Model:
    """
    The program: a column, 0 or 1, for each direction of each camera, one of which is 1.

    The worth of a point that only one camera may hold, or that all together hold no more than
    once, goes into the columns of the directions. All others have a row: what is counted once
    and what is counted as backup, two more columns, are together at most how often it is seen.
    """

    def __init__(self, part: Choices) -> None:
        self.part = part
        self._sizes = np.array([len(choice.chance) for choice in part.choices])
        self._first = np.cumsum(self._sizes) - self._sizes
        self._crowded = part.crowded
        self._points = np.flatnonzero(self._crowded)
        self.size = len(self._points)

    def run(self, start: Sequence[int], limit_s: float) -> tuple[list[int], float | None]:
        """The directions found, and the bound proven; None where there is none."""
        import highspy

        # what highspy's own Highs is built on; that one prints a banner when it is made
        highs = highspy._Highs()  # type: ignore[attr-defined]
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("time_limit", limit_s),
            ("mip_rel_gap", _GAP),
            # measured: presolving such small programs takes longer than solving them, and there
            # is a good start already
            ("presolve", "off"),
            ("mip_heuristic_effort", 0.0),
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

    def best_alone(self) -> list[int]:
        """For each camera the direction that adds most by itself."""
        return [int(gains.argmax()) for gains in self.part.gains_elsewhere]

    def _program(self) -> highspy.HighsLp:
        """What HiGHS is given, to be maximised."""
        import highspy

        part, rows, columns = self.part, len(self._points), int(self._sizes.sum())
        weights = part.weights[self._points]
        free = part.worth(part.fixed)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = columns + 2 * rows, len(self._sizes) + rows
        program.sense_ = highspy.ObjSense.kMaximize
        program.offset_ = float((part.weights * free)[~self._crowded].sum())
        program.col_cost_ = np.concatenate([*part.gains_elsewhere, weights, part.share * weights])
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

    def _matrix(self, columns: int) -> tuple[Ints, Ints, Floats]:
        """The coefficients, column by column: where each begins, their rows, their values."""
        cameras, rows = len(self._sizes), len(self._points)
        row_of = np.cumsum(self._crowded) - 1 + cameras
        column, row, value = [np.arange(columns)], [np.repeat(np.arange(cameras), self._sizes)], []
        value.append(np.ones(columns))
        for choice, first in zip(self.part.choices, self._first.tolist(), strict=True):
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
        seen = self.part.seen(chosen)[self._points]
        return np.concatenate([direction, np.minimum(seen, 1), np.clip(seen - 1, 0, 1)])
