"""What the rest of a path through a chain is worth, by where it stands and what it has cost.

The table knows costs rounded to cells, so what it says is a bound; the search that it guides adds
up exact costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CELLS = 4096
"""Into how many cells of cost a limit is divided for the bound."""


@dataclass(frozen=True)
class Window:
    """The costs that a network may have, both ends included.

    Attributes:
        low, high: in the units of the resource.
        resource: whose cost it is.
    """

    low: int
    high: int
    resource: str = "macs"


class WorthTable:
    """The best score, or the total mass, of the rest of a path whose whole cost is in a window.

    `worth[place][width, cell]` is that of the stages from `place` on whose rounded costs add up to
    `cell`. Each stage's cost is rounded down, so the exact rest lies up to one cell a stage above
    the sum; windows are widened by that.

    Args:
        costs: of each stage, int64 (input widths, output widths, options).
        scores: alike: log-probabilities, -inf where there is no step; or with `use_sums` masses.
        window: of cost.
        use_sums: whether to add masses up instead of taking the best score.
        cells: of cost.
    """

    def __init__(
        self,
        costs: Sequence[np.ndarray],
        scores: Sequence[np.ndarray],
        window: Window,
        use_sums: bool,
        cells: int = CELLS,
    ) -> None:
        self.window = window
        self.cell = max(1, -(-window.high // cells))
        self.use_sums = use_sums
        self.empty = 0.0 if use_sums else -np.inf
        width = window.high // self.cell + 1
        last = np.full((costs[-1].shape[1], width), self.empty)
        last[:, 0] = 1.0 if use_sums else 0.0
        worth = [last]
        for cost, score in zip(reversed(costs), reversed(scores), strict=True):
            worth.append(self._stage_worth(cost, score, worth[-1]))
        span = (window.high - window.low) // self.cell + 1
        reduce = _window_sums if use_sums else _window_maxima
        slack = range(len(costs), -1, -1)
        self.windowed = [reduce(w, span + n) for w, n in zip(reversed(worth), slack, strict=True)]

    def rest(self, place: int, totals: np.ndarray) -> np.ndarray:
        """The worth of the rest after exact costs `totals` (output widths, options)."""
        table = self.windowed[place]
        cells = (self.window.high - totals) // self.cell
        rows = np.arange(len(totals))[:, None]
        values = table[rows, np.clip(cells, 0, table.shape[1] - 1)]
        return np.where(totals <= self.window.high, values, self.empty)

    @property
    def whole(self) -> float:
        """The worth of all paths from the start."""
        return float(self.windowed[0][0, -1])

    def _stage_worth(
        self, costs: np.ndarray, scores: np.ndarray, following: np.ndarray
    ) -> np.ndarray:
        cells = following.shape[1]
        worth = np.full((len(costs), cells), self.empty)
        rounded = costs // self.cell
        for width, output in np.argwhere((scores != self.empty).any(axis=2)):
            steps, values = self._by_cost(rounded[width, output], scores[width, output])
            for step, value in zip(steps[steps < cells], values[steps < cells], strict=True):
                shifted = following[output, : cells - step]
                target = worth[width, step:]
                if self.use_sums:
                    target += value * shifted
                else:
                    np.maximum(target, value + shifted, out=target)
        return worth

    def _by_cost(self, costs: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each different cost once, with the sum or the best of its scores."""
        steps, places = np.unique(costs, return_inverse=True)
        values = np.full(len(steps), self.empty)
        (np.add if self.use_sums else np.maximum).at(values, places, scores)
        kept = values != self.empty
        return steps[kept], values[kept]


def _window_maxima(table: np.ndarray, width: int) -> np.ndarray:
    """`max(table[:, q - width + 1 : q + 1])` for every q, by doubling."""
    result, covered = table.copy(), 1
    while covered < width:
        shift = min(covered, width - covered)
        result[:, shift:] = np.maximum(result[:, shift:], result[:, :-shift].copy())
        covered += shift
    return result


def _window_sums(table: np.ndarray, width: int) -> np.ndarray:
    """`sum(table[:, q - width + 1 : q + 1])` for every q, from sums of powers of two.

    Differences of running sums would lose masses that are tiny beside those before them.
    """
    result, block = np.zeros_like(table), table.copy()
    covered, size, columns = 0, 1, table.shape[1]
    while covered < min(width, columns):
        if width & size:
            result[:, covered:] += block[:, : columns - covered]
            covered += size
        block[:, size:] += block[:, :-size].copy()
        size *= 2
    return result
