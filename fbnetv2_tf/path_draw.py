"""Random paths of a chain from its distribution, given that they keep a window and limits.

A path is drawn step by step, each step in proportion to its own mass times what the rest is worth.
The table of that worth counts rounded costs, so a node is worth at most what was expected of it;
the path is kept with the ratio of the two, and what is kept follows the distribution exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .chain import Chain, Path, Probabilities
from .cost_tables import PEAK
from .worth_table import Window, WorthTable


class PathDraw:
    """Random paths of one chain.

    Args:
        chain: the chain.
        probabilities: choice name -> (alternatives,).
        window: of cost, which every path is in.
        limits: resource -> limit, which every path keeps.

    Attributes:
        mass: how often `path` should be asked in comparison with that of other chains.
    """

    def __init__(
        self,
        chain: Chain,
        probabilities: Probabilities,
        window: Window,
        limits: Mapping[str, float],
    ) -> None:
        self.chain, self.window, self.limits = chain, window, limits
        resource = "macs" if window.resource == PEAK else window.resource
        bounds = window
        if window.resource == PEAK:
            bounds = Window(0, chain.extreme("macs", True)[0])
        peak = {PEAK: window.high} if window.resource == PEAK else {}
        allowed = chain.allowed({**limits, **peak})
        scores = chain.scores(probabilities, sums=True)
        self.masses = [np.exp(s)[None] * may for s, may in zip(scores, allowed, strict=True)]
        self.costs = chain.costs(resource)
        self.table = WorthTable(self.costs, self.masses, bounds, use_sums=True)
        self.mass = math.exp(chain.side_score(probabilities)) * self.table.whole

    def path(self, random: np.random.Generator) -> Path | None:
        """A path, or None where this draw is not kept."""
        width, cost, steps = 0, 0, []
        expected, kept = self.table.whole, 1.0
        for place, (masses, costs) in enumerate(zip(self.masses, self.costs, strict=True)):
            rest = self.table.rest(place + 1, cost + costs[width])
            shares = (masses[width] * rest).ravel()
            total = shares.sum()
            if not total > 0:
                return None
            kept *= total / expected
            pick = int(random.choice(shares.size, p=shares / total))
            output, option = divmod(pick, costs.shape[2])
            expected = rest[output, option]
            cost += int(costs[width, output, option])
            width = output
            steps.append((output, option))
        path = tuple(steps)
        return path if self._keeps(path) and random.uniform() <= kept else None

    def _keeps(self, path: Path) -> bool:
        own = self.chain.cost(self.window.resource, path)
        keeps = all(self.chain.cost(r, path) <= limit for r, limit in self.limits.items())
        return keeps and self.window.low <= own <= self.window.high
