"""Which way to turn which cameras, so that together they see the most."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nobs_bot.coverage import optimum
from nobs_bot.coverage.choices import Choice, Choices
from nobs_bot.coverage.plane import Bools, Floats
from nobs_bot.coverage.prices import bound
from nobs_bot.coverage.survey import Survey

# enough for a bound within about 3 % where an answer is wanted at once
_DESCENTS = 40


@dataclass(frozen=True)
class Move:
    """
    A camera to turn.

    Args:
        from_deg: Its present heading; None where unknown.
        to_deg: Clockwise from true north.
        gain_alone: What is won if this one is turned and all others stay as they are now.
        gain_in_plan: What is lost if all of the plan is done but this. Neither sort of gain
            adds up to the plan's.
    """

    camera_id: int
    from_deg: float | None
    to_deg: float
    gain_alone: float
    gain_in_plan: float


@dataclass(frozen=True)
class Plan:
    """
    Directions for many cameras.

    All values are in weighted metres, as `choices` counts them, over all points of the ground.

    Args:
        moves: Those that change something, the most `gain_in_plan` first.
        value: With all moves done.
        bound: No directions of these cameras are worth more; proven.
        before: With the present directions.
        method: How the directions were found.
    """

    moves: tuple[Move, ...]
    value: float
    bound: float
    before: float
    method: Literal["highs", "greedy"]

    @property
    def gap(self) -> float:
        """How much of the bound is missing at the most, 0 to 1."""
        return (self.bound - self.value) / self.bound if self.bound > 0 else 0.0


def aim(
    survey: Survey,
    turnable: Collection[int],
    weights: Floats,
    *,
    directions: int = 8,
    backup_share: float = 0.2,
    seconds: float = 10.0,
) -> Plan:
    """
    Choose a compass direction, or the present one, for each camera that may be turned.

    First by lazy greedy and local search, within a second for 2,500 cameras; then, for what is
    left of the time, by HiGHS for each group of cameras that see common ground, until the rest
    is proven to be small. Where highspy is missing, or *seconds* is 0, the first answer stands,
    with a bound of its own.

    The worth of a point grows with the sum of its cameras' chances, not with the probability
    that one of them sees it, which `Survey.seen` tells: so it is linear enough to prove a bound.
    It takes cameras for better than they are where several see a point badly.

    Args:
        turnable: Ids of the cameras that may be turned; those that look all round stay.
        weights: What each point of the ground counts: its length times its importance.
        directions: How many compass directions to choose from. Eight are enough: finer ones
            are lost in the error with which a camera is turned.
        backup_share: What a second camera on a point counts against the first, 0 to 1.

    Raises:
        KeyError: One of *turnable* is not in the survey.
    """
    started = time.monotonic()
    choices, rest = choices_of(
        survey, turnable, weights, directions=directions, backup_share=backup_share
    )
    present = [0] * len(choices.choices)
    chosen = choices.improved(choices.greedy())
    if choices.value(chosen) < choices.value(present):
        chosen = choices.improved(present)
    best = optimum.search(choices, chosen, started + seconds) if seconds > 0 else None
    if best is not None:
        chosen = choices.improved(best.chosen)
    value = choices.value(chosen)
    most = best.bound if best is not None else bound(choices, value, _DESCENTS)
    return Plan(
        moves=_moves(choices, chosen),
        value=value + rest,
        bound=max(most, value) + rest,
        before=choices.value(present) + rest,
        method="highs" if best is not None else "greedy",
    )


def choices_of(
    survey: Survey,
    turnable: Collection[int],
    weights: Floats,
    *,
    directions: int = 8,
    backup_share: float = 0.2,
) -> tuple[Choices, float]:
    """The choice over the points that a turnable camera may hold; the worth of all others."""
    compass = [360 * at / directions for at in range(directions)]
    counted = weights > 0
    found = [_choice(survey, camera_id, compass, counted) for camera_id in sorted(turnable)]
    able = [choice for choice in found if choice is not None]
    seen = np.zeros(len(weights))
    stay = {view.camera_id for view in survey.views} - {choice.camera_id for choice in able}
    for camera_id in stay:
        index, chance = survey.held_by(camera_id)
        seen[index] += chance
    whole = Choices(able, weights, seen, backup_share)
    part = whole.part(range(len(able)))
    return part, whole.worth_without_choices - part.worth_without_choices


def _choice(
    survey: Survey, camera_id: int, compass: Sequence[float], counted: Bools
) -> Choice | None:
    """What a camera may hold of the points that count; None where that is nothing."""
    view = survey.view(camera_id)
    if view.is_all_round:
        return None
    known = [] if view.heading_deg is None else [view.heading_deg]
    others = [deg for deg in compass if deg not in known]
    points, chance = survey.by_heading(camera_id, [*known, *others], counted)
    if not len(points):
        return None
    # the first row is that of an unknown direction
    return Choice(camera_id, (view.heading_deg, *others), points, chance[len(known) :])


def _moves(choices: Choices, chosen: Sequence[int]) -> tuple[Move, ...]:
    """The cameras that look elsewhere than now, the most missed first."""
    now, then = choices.seen([0] * len(chosen)), choices.seen(chosen)
    moves = []
    for at, (choice, to) in enumerate(zip(choices.choices, chosen, strict=True)):
        heading = choice.headings_deg[to]
        if to == 0 or heading is None:
            continue
        alone = choices.values_of(at, now[choice.points] - choice.chance[0])
        planned = choices.values_of(at, then[choice.points] - choice.chance[to])
        gains = (float(values[to] - values[0]) for values in (alone, planned))
        moves.append(Move(choice.camera_id, choice.headings_deg[0], heading, *gains))
    return tuple(sorted(moves, key=lambda move: -move.gain_in_plan))
