"""What can be seen from a point on the ground between the walls of buildings."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi, radians

import numpy as np

from nobs_bot.coverage.plane import Bools, Floats, Ints

_FULL = 2 * pi
_LEAST_M = 1e-6  # a wall nearer to the line of sight than this is seen from its end
_ROUNDING = 1e-9
_BEHIND = 1e-9  # how far behind a wall, in parts of its distance, a point still lies on it
_SAME_RAD = 1e-12
OPEN = np.empty((0, 4))


class Sweep:
    """
    The ground seen all round from a point, walls regarded: an exact angular sweep.

    A straight wall's inverse distance in direction u is w · u, with w its normal over its
    distance. Sorting the ends of all walls by direction cuts the horizon into slices in which
    walls neither begin nor end; in each the nearest is the one with the greatest w · u. Two
    walls that cross do so once in a slice, so a wall that is nearest in its middle and at both
    of its ends is nearest throughout; a slice for which that fails is cut at the crossing.

    A wall that leads straight away from the point, or through it (within a micrometre), hides
    nothing. Heights are not known: every wall hides all behind it.

    Args:
        x, y: The point, metres.
        range_m: How far is seen.
        edges: Walls from (x1, y1) to (x2, y2), metres, shape (m, 4).

    Source: de Berg et al., Computational Geometry (2008), chapter 15, for the sweep.
    """

    __slots__ = ("_from", "_wall", "range_m", "x", "y")

    def __init__(self, x: float, y: float, range_m: float, edges: Floats = OPEN) -> None:
        self.x, self.y, self.range_m = x, y, range_m
        spans = _spans(edges, x, y, range_m)
        # slice i reaches from direction _from[i] to _from[i + 1]; _wall[i] is its w, 0 if open
        self._from, self._wall = _nearest(spans)

    def reaches(self, points: Floats, slack_m: float = 0.0) -> Bools:
        """
        Which points are in range and not hidden; on the wall itself is not hidden.

        Args:
            points: Metres, shape (n, 2).
            slack_m: How far behind a wall a point may lie and still count as seen, for things
                that hang on walls.
        """
        off = np.asarray(points, dtype=float) - (self.x, self.y)
        away = np.hypot(off[:, 0], off[:, 1])
        inside: Bools = away <= self.range_m
        if len(self._wall) == 1 and not self._wall.any():
            return inside
        bearings = np.arctan2(off[:, 0], off[:, 1])
        slices = np.searchsorted(self._from[1:-1], bearings, side="right")
        wall = self._wall[slices]
        # distance over the wall's distance: at most 1 before the wall
        over = wall[:, 0] * off[:, 0] + wall[:, 1] * off[:, 1]
        inside &= away * (over - 1 - _BEHIND) <= slack_m * over
        return inside

    def outline(self, start_deg: float, width_deg: float, step_deg: float = 5.0) -> Floats:
        """
        Outline what is seen within an angle, as a closed ring.

        Args:
            start_deg: Where the angle begins, degrees clockwise from north.
            width_deg: Clockwise from there; 360 or more is all round.
            step_deg: Arc resolution in degrees; chords lie inside of the arc by 0.1 % of the
                range at 5 degrees.

        Returns:
            Metres, shape (k, 2); first equals last; the point itself is the first unless all
            round is asked for.

        Raises:
            ValueError: *step_deg* is not positive.
        """
        if step_deg <= 0:
            raise ValueError("step_deg must be positive")
        width = min(_FULL, radians(max(0.0, width_deg)))
        start = (radians(start_deg) + pi) % _FULL - pi
        angles, metres = self._profile(start, width, max(1, ceil(width / radians(step_deg))))
        arc = np.column_stack([np.sin(angles), np.cos(angles)]) * metres[:, None]
        apex = np.zeros((1, 2))
        ring = np.concatenate([arc, arc[:1]] if width == _FULL else [apex, arc, apex])
        distinct = np.abs(np.diff(ring, axis=0)).max(axis=1) > _ROUNDING
        distinct[-1] = True
        placed: Floats = ring[np.concatenate([[True], distinct])] + (self.x, self.y)
        return placed

    def _profile(self, start: float, width: float, steps: int) -> tuple[Floats, Floats]:
        """Directions, rising, and how far is seen in each; two of one direction are a jump."""
        begins = np.concatenate([self._from[:-1], self._from[:-1] + _FULL])
        ends = np.concatenate([self._from[1:], self._from[1:] + _FULL])
        within = np.flatnonzero((ends > start) & (begins < start + width))
        low = np.maximum(begins[within], start)
        high = np.minimum(ends[within], start + width)
        wall = self._wall[within % len(self._wall)]
        # a wall is nearer than the range round its normal only
        steepness = np.hypot(wall[:, 0], wall[:, 1])
        half = np.arccos(np.minimum(1.0, 1 / np.maximum(steepness * self.range_m, 1)))
        normal = np.arctan2(wall[:, 0], wall[:, 1])
        middle = (low + high) / 2
        normal += np.round((middle - normal) / _FULL) * _FULL
        corners = np.column_stack(
            [low, np.clip(normal - half, low, high), np.clip(normal + half, low, high), high]
        ).ravel()
        of = np.repeat(np.arange(len(low)), 4)
        arc = start + width * np.arange(1, steps) / steps
        arc_of = np.searchsorted(low, arc, side="right") - 1
        bare = (arc < corners[1::4][arc_of]) | (arc > corners[2::4][arc_of])
        at = np.maximum(np.searchsorted(corners, arc[bare]), 4 * arc_of[bare] + 1)
        angles = np.insert(corners, at, arc[bare])
        walls = wall[np.insert(of, at, arc_of[bare])]
        inverse = walls[:, 0] * np.sin(angles) + walls[:, 1] * np.cos(angles)
        return angles, 1 / np.maximum(inverse, 1 / self.range_m)


@dataclass(frozen=True)
class _Spans:
    """Walls by the directions they fill, none of them across the south, and their w."""

    begin: Floats
    end: Floats
    wall: Floats


def _spans(edges: Floats, x: float, y: float, range_m: float) -> _Spans:
    """The walls in range as seen from the point."""
    x1, y1, x2, y2 = (np.asarray(edges, dtype=float) - (x, y, x, y)).T
    dx, dy = x2 - x1, y2 - y1
    length2 = dx * dx + dy * dy
    cross = x1 * dy - y1 * dx
    along = -(x1 * dx + y1 * dy) / np.maximum(length2, 1e-300)
    along = np.minimum(np.maximum(along, 0.0), 1.0)
    nearest2 = (x1 + along * dx) ** 2 + (y1 + along * dy) ** 2
    broad = np.abs(cross) > _LEAST_M * np.sqrt(length2)
    kept = broad & (nearest2 <= range_m * range_m)
    x1, y1, x2, y2, dx, dy, cross = (each[kept] for each in (x1, y1, x2, y2, dx, dy, cross))
    wall = np.column_stack([dy, -dx]) / cross[:, None]
    one, other = np.arctan2(x1, y1), np.arctan2(x2, y2)
    clockwise = cross < 0
    begin, end = np.where(clockwise, one, other), np.where(clockwise, other, one)
    across = np.flatnonzero(begin > end)
    south = np.full(len(across), pi)
    begin = np.concatenate([begin, -south])
    end = np.concatenate([end, end[across]])
    end[across] = pi
    return _Spans(begin, end, np.concatenate([wall, wall[across]]))


@dataclass(frozen=True)
class _Slices:
    """Slices of the horizon, none bare, and the walls that fill each: pairs, sorted by slice."""

    low: Floats
    high: Floats
    slice: Ints
    wall: Ints


def _nearest(spans: _Spans) -> tuple[Floats, Floats]:
    """The slices' borders from -π to π, shape (k + 1,), and the wall of each, shape (k, 2)."""
    if not len(spans.wall):
        return np.array([-pi, pi]), np.zeros((1, 2))
    slices, bare = _sliced(spans)
    begins, walls = [bare], [np.zeros((len(bare), 2))]
    while len(slices.low):
        nearest, cut = _contest(spans, slices)
        whole = np.isnan(cut)
        begins.append(slices.low[whole])
        walls.append(spans.wall[nearest[whole]])
        slices = _split(slices, cut)
    begin, wall = np.concatenate(begins), np.concatenate(walls)
    order = np.argsort(begin)
    begin, wall = begin[order], wall[order]
    changes = np.concatenate([[True], (wall[1:] != wall[:-1]).any(axis=1)])
    return np.concatenate([begin[changes], [pi]]), wall[changes]


def _sliced(spans: _Spans) -> tuple[_Slices, Floats]:
    """The horizon, cut wherever a wall begins or ends; and where the bare slices begin."""
    borders = np.sort(np.concatenate([[-pi, pi], spans.begin, spans.end]))
    fresh = np.diff(borders) > _SAME_RAD
    borders = np.concatenate([[-pi], borders[:-1][fresh][1:], [pi]])
    low, high = borders[:-1], borders[1:]
    middle = (low + high) / 2
    first = np.searchsorted(middle, spans.begin)
    counts = np.maximum(np.searchsorted(middle, spans.end, side="right") - first, 0)
    wall = np.repeat(np.arange(len(counts)), counts)
    filled = np.arange(len(wall)) + np.repeat(first - np.cumsum(counts) + counts, counts)
    order = np.argsort(filled, kind="stable")
    walls_in = np.bincount(filled, minlength=len(low))
    some = walls_in > 0
    number = np.cumsum(some) - 1
    slices = _Slices(low[some], high[some], number[filled[order]], wall[order])
    return slices, low[~some]


def _contest(spans: _Spans, slices: _Slices) -> tuple[Ints, Floats]:
    """
    The wall that is nearest in the middle of each slice.

    Returns:
        Its index; the direction in which to cut the slice where it is not nearest throughout,
        else NaN.
    """
    middle = (slices.low + slices.high) / 2
    at = np.stack([middle, slices.low, slices.high])
    sine, cosine = np.sin(at), np.cos(at)
    east, north = spans.wall.T
    inverse = sine.take(slices.slice, axis=1) * east.take(slices.wall)
    inverse += cosine.take(slices.slice, axis=1) * north.take(slices.wall)
    nearest = slices.wall[_greatest(inverse[0], slices.slice)]
    own = sine[1:] * east[nearest] + cosine[1:] * north[nearest]
    # also where both are out of range: before they cross, the other may come into it
    own *= 1 + _ROUNDING
    lead = (inverse[1:] - own.take(slices.slice, axis=1)).max(axis=0)
    cut = np.full(len(nearest), np.nan)
    if lead.max() > 0:
        first = _greatest(lead, slices.slice)
        across = spans.wall[nearest] - spans.wall[slices.wall[first]]
        # where w · u is the same for both
        found = np.arctan2(-across[:, 1], across[:, 0])
        found += np.round((middle - found) / pi) * pi
        inner = (found > slices.low + _SAME_RAD) & (found < slices.high - _SAME_RAD)
        cut = np.where(inner & (lead[first] > 0), found, np.nan)
    return nearest, cut


def _greatest(values: Floats, groups: Ints) -> Ints:
    """The index of the greatest value of each group; groups are sorted and none is empty."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    best = np.maximum.reduceat(values, first)
    at = np.flatnonzero(values == best[groups])
    return at[np.flatnonzero(np.diff(groups[at], prepend=-1))]


def _split(slices: _Slices, cut: Floats) -> _Slices:
    """The two halves of those slices that are to be cut."""
    kept = ~np.isnan(cut)
    low, high, middle = slices.low[kept], slices.high[kept], cut[kept]
    number = np.cumsum(kept) - 1
    pairs = kept[slices.slice]
    of, wall = number[slices.slice[pairs]], slices.wall[pairs]
    return _Slices(
        np.concatenate([low, middle]),
        np.concatenate([middle, high]),
        np.concatenate([of, of + len(low)]),
        np.concatenate([wall, wall]),
    )
