"""Points sorted into square cells, so that those near a place lie side by side."""

from __future__ import annotations

import numpy as np

from nobs_bot.coverage.plane import Floats, Ints


class Grid:
    """
    Which of many points lie near a place.

    Args:
        points: Metres, shape (n, 2).
        cell_m: Side of a cell; best about as long as the distances asked for.
    """

    def __init__(self, points: Floats, cell_m: float) -> None:
        self._cell_m = cell_m
        self._least = points.min(axis=0) if len(points) else np.zeros(2)
        cells = ((points - self._least) // cell_m).astype(np.int64)
        self._columns = int(cells[:, 0].max()) + 1 if len(points) else 0
        self._rows = int(cells[:, 1].max()) + 1 if len(points) else 0
        keys = cells[:, 1] * self._columns + cells[:, 0]
        self.order: Ints = np.argsort(keys, kind="stable")
        self._keys: Ints = keys[self.order]

    def spans(self, x: float, y: float, away_m: float) -> list[tuple[int, int]]:
        """
        Where in `order` the points of the cells stand that touch a square round a place.

        Args:
            away_m: Half the side of the square.
        """
        west, south = x - away_m - self._least[0], y - away_m - self._least[1]
        first = max(0, int(west // self._cell_m))
        last = min(self._columns - 1, int((west + 2 * away_m) // self._cell_m))
        bottom = max(0, int(south // self._cell_m))
        top = min(self._rows - 1, int((south + 2 * away_m) // self._cell_m))
        if first > last or bottom > top:
            return []
        starts = np.arange(bottom, top + 1) * self._columns
        begin = self._keys.searchsorted(starts + first).tolist()
        end = self._keys.searchsorted(starts + last, side="right").tolist()
        return [span for span in zip(begin, end, strict=True) if span[0] < span[1]]

    def near(self, x: float, y: float, away_m: float) -> Ints:
        """Indices of the points in a square round a place, and of some that lie near it."""
        found = [self.order[begin:end] for begin, end in self.spans(x, y, away_m)]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
