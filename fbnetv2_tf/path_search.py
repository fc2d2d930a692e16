"""The best path of a chain whose costs keep several limits, proved to be the best.

Best-first search (A*) with exact costs on the path. What the rest can be worth at most comes from a
table over one cost, the one whose window is to be filled. A further cost enters by a multiplier
(Lagrange): a path within the limit gains `multiplier * (1 - cost / limit) >= 0`, so the best
`score - multiplier * (cost / limit - 1)` bounds the best score, and the smallest such bound guides
the search. A path is given up where even the cheapest rest exceeds a limit.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .chain import FAR, Chain, Path
from .cost_tables import PEAK
from .worth_table import CELLS, Window, WorthTable

MAXIMUM_EXPANSIONS = 50_000
MULTIPLIER_STEPS = 12
COARSE = 512
"""Cells of the table by which multipliers are set."""

DIGITS = 9
"""To which scores are compared, so that rounding does not tell equal paths apart."""


@dataclass(frozen=True)
class Found:
    """A path and its score."""

    path: Path
    score: float


class _Branch:
    """The next steps of one path, the most promising first."""

    def __init__(
        self,
        place: int,
        path: Path,
        bounds: np.ndarray,
        gains: np.ndarray,
        totals: dict[str, np.ndarray],
    ) -> None:
        self.place, self.path, self.options = place, path, bounds.shape[1]
        flat = np.round(bounds.ravel(), DIGITS)
        self.order = np.argsort(-flat, kind="stable")[: int(np.isfinite(flat).sum())]
        self.bounds = flat[self.order]
        self.gains = gains.ravel()[self.order]
        self.totals = {name: total.ravel()[self.order] for name, total in totals.items()}


class PathSearch:
    """Searches one chain.

    Args:
        chain: the chain.
        scores: of each stage, (output widths, options).
        limits: resource -> limit, all of them.
    """

    def __init__(self, chain: Chain, scores: list[np.ndarray], limits: Mapping[str, float]) -> None:
        self.chain = chain
        self.limits = dict(limits)
        self.plain = scores
        self._allow(chain.allowed(limits))

    def best(self, window: Window, cells: int = CELLS) -> Found | None:
        """The best path whose cost is in the window and that keeps the other limits, or None.

        Args:
            window: of the cost of one resource that is a sum.
            cells: of the table of the bound; 1 where the window excludes nothing.

        Where the proof takes more than `MAXIMUM_EXPANSIONS` steps it is the best that was seen.
        """
        others = [r for r in self.limits if r not in (window.resource, PEAK)]
        if not self._possible(window, others):
            return None
        multipliers, seen = self._multipliers(window, others) if others else ({}, None)
        if multipliers is None:
            return None
        return self._search(window, multipliers, seen, strict=True, cells=cells)

    def best_at_peak(self, window: Window) -> Found | None:
        """The best path whose peak is in the window: one of its steps must be."""
        peaks, allowed = self.chain.costs(PEAK), list(self.allowed)
        found = []
        everything = Window(0, self.chain.extreme("macs", True)[0])
        for place, may in enumerate(allowed):
            inside = may & (peaks[place] >= window.low) & (peaks[place] <= window.high)
            if not inside.any():
                continue
            self._allow([*allowed[:place], inside, *allowed[place + 1 :]])
            best = self.best(everything, cells=1)
            found += [best] if best is not None else []
        self._allow(allowed)
        return max(found, key=lambda each: each.score, default=None)

    def _allow(self, allowed: list[np.ndarray]) -> None:
        self.allowed = allowed
        self.scores = [
            np.where(may, score[None], -np.inf)
            for may, score in zip(allowed, self.plain, strict=True)
        ]

    def _possible(self, window: Window, others: list[str]) -> bool:
        least = {r: self.chain.extreme(r, False, self.allowed)[0] for r in (*others, "macs")}
        if least["macs"] >= FAR or any(least[r] > self.limits[r] for r in others):
            return False
        low = self.chain.extreme(window.resource, False, self.allowed)[0]
        return (
            low <= window.high
            and self.chain.extreme(window.resource, True, self.allowed)[0] >= window.low
        )

    def _multipliers(
        self, window: Window, others: list[str]
    ) -> tuple[dict[str, float] | None, Found | None]:
        """Multipliers of the least bound, by subgradients, and the best path met on the way.

        Returns:
            None for the multipliers where the bound proves that there is no path.
        """
        current = dict.fromkeys(others, 0.0)
        best, least, seen = dict(current), math.inf, None
        floor = sum(float(s[np.isfinite(s)].min()) for s in self.scores)
        for _ in range(MULTIPLIER_STEPS):
            found = self._search(window, current, None, strict=False, cells=COARSE)
            if found is None:
                return None, seen
            costs = {r: self.chain.cost(r, found.path) for r in others}
            excess = {r: costs[r] / self.limits[r] - 1 for r in others}
            bound = found.score - sum(current[r] * excess[r] for r in others)
            if bound < floor - 1e-6:
                return None, seen
            if all(costs[r] <= self.limits[r] for r in others) and (
                seen is None or found.score > seen.score
            ):
                seen = found
            if bound < least:
                best, least = dict(current), bound
            if seen is not None and least <= seen.score + 1e-9:
                break
            norm = sum(e * e for e in excess.values())
            target = seen.score if seen is not None else bound - 5.0
            step = max(bound - target, 1e-3) / max(norm, 1e-12)
            current = {r: max(0.0, current[r] + step * excess[r]) for r in others}
        return best, seen

    def _search(
        self,
        window: Window,
        multipliers: dict[str, float],
        seen: Found | None,
        strict: bool,
        cells: int,
    ) -> Found | None:
        """The search itself; without `strict` the other limits count by their multipliers only."""
        resources = [window.resource, *multipliers]
        costs = {r: self.chain.costs(r) for r in resources}
        scores = self._priced(multipliers)
        table = WorthTable(costs[window.resource], scores, window, use_sums=False, cells=cells)
        rests = {r: self.chain.least_rest(r, self.allowed) for r in multipliers} if strict else {}
        constant = sum(multipliers.values())
        last, order = len(self.chain.stages), itertools.count()

        def branch(
            place: int, path: Path, width: int, gain: float, used: dict[str, int]
        ) -> _Branch:
            totals = {r: used[r] + costs[r][place][width] for r in resources}
            gains = gain + scores[place][width]
            bounds = gains + table.rest(place + 1, totals[window.resource])
            for r, rest in rests.items():
                over = totals[r] + rest[place + 1][:, None] > self.limits[r]
                bounds = np.where(over, -np.inf, bounds)
            return _Branch(place, path, bounds, gains, totals)

        def push(steps: _Branch, at: int) -> None:
            if at < len(steps.order):
                entry = (-(steps.bounds[at] + constant), -steps.place, next(order), steps, at)
                heapq.heappush(queue, entry)

        queue: list[tuple[float, int, int, _Branch, int]] = []
        push(branch(0, (), 0, 0.0, dict.fromkeys(resources, 0)), 0)
        for _ in range(MAXIMUM_EXPANSIONS):
            if not queue:
                break
            bound, _, _, steps, at = heapq.heappop(queue)
            if seen is not None and -bound <= seen.score + 10**-DIGITS:
                return seen
            push(steps, at + 1)
            step = divmod(int(steps.order[at]), steps.options)
            path = (*steps.path, step)
            if len(path) == last and int(steps.totals[window.resource][at]) < window.low:
                continue
            if len(path) == last:
                score = self._score(path)
                if not any(multipliers.values()) or not strict:
                    return Found(path, score)
                if seen is None or score > seen.score:
                    seen = Found(path, score)
                continue
            used = {r: int(total[at]) for r, total in steps.totals.items()}
            push(branch(len(path), path, step[0], float(steps.gains[at]), used), 0)
        return seen

    def _priced(self, multipliers: dict[str, float]) -> list[np.ndarray]:
        priced = []
        for place, score in enumerate(self.scores):
            for resource, multiplier in multipliers.items():
                if multiplier:
                    costs = self.chain.costs(resource)[place]
                    score = score - multiplier / self.limits[resource] * costs
            priced.append(score)
        return priced

    def _score(self, path: Path) -> float:
        width, score = 0, 0.0
        for scores, (output, option) in zip(self.scores, path, strict=True):
            score += float(scores[width, output, option])
            width = output
        return score
