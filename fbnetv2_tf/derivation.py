"""From probabilities to an architecture that keeps its limits, by exact integer costs (law 4).

The networks of a space are paths through a chain for each input resolution (`chain`). "The most
probable network that keeps every limit and fills the tightest of them" is a best path with a window
on its cost (`path_search`). The table that bounds the search gives, with sums in place of maxima,
random networks from inside the window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from .architecture import Architecture
from .block_memory import peak_activation_bytes
from .chain import FAR, Chain, Probabilities
from .cost_tables import LATENCY, PEAK
from .counting import count
from .errors import BudgetError
from .latency_table import LatencyTable
from .limits import LIMITS
from .path_draw import PathDraw
from .path_search import PathSearch
from .space import Space
from .worth_table import Window

SHARES = (0.99, 0.97, 0.95, 0.9, 0.8, 0.6, 0.0)
"""Where nothing fills a limit to the first share, the next is tried: the space is too coarse."""

TRIES = 50
"""Draws for each architecture that is wanted, before fewer are returned."""

Limits = float | Mapping[str, float] | None
"""One limit on the landscape's resource, several by resource (in its own units), or none."""


@dataclass(frozen=True)
class Derived:
    """An architecture and the window of cost that it was found in."""

    architecture: Architecture
    window: Window
    score: float


class Landscape:
    """The exact costs of all architectures of a space, and the ways to choose among them.

    Args:
        space: the space.
        side: one of its input resolutions, pixels; all of them by default.
        resource: what a single limit is on: `macs`, `weights`, `activation_bytes`, `latency_ns`.
        latency: the latency table, where latency is limited.
    """

    def __init__(
        self,
        space: Space,
        side: int | None = None,
        resource: str = "macs",
        latency: LatencyTable | None = None,
    ) -> None:
        self.space = space
        self.resource = resource
        self.latency = latency
        self.chains = [Chain(space, s, latency) for s in ((side,) if side else space.sides)]

    def extreme(self, largest: bool) -> Architecture:
        """The architecture of the least or the greatest cost; ties take the first alternative."""
        ends = [(*chain.extreme(self.resource, largest), chain) for chain in self.chains]
        sign = -1 if largest else 1
        _, path, chain = min(ends, key=lambda end: sign * end[0])
        return chain.architecture(path)

    def cost(self, architecture: Architecture, resource: str | None = None) -> int:
        """The exact cost of an architecture, an int."""
        resource = resource or self.resource
        if resource == PEAK:
            return peak_activation_bytes(architecture)
        if resource == LATENCY:
            if self.latency is None:
                raise BudgetError("A latency needs a latency table. Received: None.")
            return self.latency.cost_ns(architecture)
        return int(getattr(count(architecture), resource))

    def range(self, resource: str) -> tuple[int, int]:
        """The least and the greatest cost of the space."""
        ends = [[c.extreme(resource, largest)[0] for c in self.chains] for largest in (False, True)]
        return min(ends[0]), max(ends[1])

    def reach(self, resource: str, largest: bool, limits: Mapping[str, float]) -> int:
        """About the least or the greatest cost in one resource under limits on others.

        Exact for limits on memory. A limit on another sum scales the greatest cost down as if both
        grew alike.
        """
        ends = []
        for chain in self.chains:
            allowed = chain.allowed(limits)
            cost, path = chain.extreme(resource, largest, allowed)
            if cost < FAR and largest:
                shares = [chain.cost(r, path) / most for r, most in limits.items() if r != PEAK]
                cost = math.floor(cost / max([1.0, *shares]))
            ends += [cost] if cost < FAR else []
        if not ends:
            raise BudgetError(self._impossible(limits))
        return max(ends) if largest else min(ends)

    def most_probable(self, probabilities: Probabilities, limit: Limits = None) -> Architecture:
        """The most probable architecture that keeps the limits and fills the tightest of them.

        Choices inside a skipped block count at their most probable alternative, so that skipping
        is not favoured for having fewer choices to make.

        Args:
            probabilities: choice name -> (alternatives,); a missing one is undecided.
            limit: the greatest cost, or resource -> greatest cost; None for no limit.

        Raises:
            BudgetError: where no architecture keeps the limits, naming the least costs.
        """
        return self.fill(probabilities, limit).architecture

    def filled_window(self, probabilities: Probabilities, limit: Limits) -> Window:
        """The fullest window of the limits that has an architecture in it."""
        return self.fill(probabilities, limit).window

    def fill(self, probabilities: Probabilities, limit: Limits = None) -> Derived:
        """`most_probable` with the window that it was found in.

        The fullest share of `SHARES` wins to which one of the limits can be filled while all of
        them are kept; within it the most probable architecture.
        """
        limits = self._limits(limit)
        self.check(limits)
        for windows in self._window_groups(limits):
            found = [d for w in windows for d in self._best(probabilities, limits, w)]
            if found:
                return max(found, key=lambda derived: derived.score)
        # A search that was given up has proved nothing; `check` has seen a network that keeps all.
        kept = self._within(limits)
        if kept is None:
            raise BudgetError(self._impossible(limits))
        resource = next(iter(limits))
        return Derived(kept, Window(0, math.floor(limits[resource]), resource), -math.inf)

    def check(self, limit: Limits) -> None:
        """Refuses limits that no architecture keeps.

        Raises:
            BudgetError: naming the least cost under each limit.
        """
        limits = self._limits(limit)
        for resource, most in limits.items():
            if self.range(resource)[0] > most:
                raise BudgetError(self._impossible({resource: most}))
        if len(limits) > 1 and self._within(limits) is None:
            raise BudgetError(self._impossible(limits))

    def windows(self, limit: Limits) -> list[Window]:
        """The windows of cost to try, the fullest first.

        Raises:
            BudgetError: where no architecture keeps the limits, naming the least costs.
        """
        limits = self._limits(limit)
        self.check(limits)
        return [window for group in self._window_groups(limits) for window in group]

    def binds(self, resource: str, limit: float) -> bool:
        """Whether some architecture is above a limit."""
        return self.range(resource)[1] > limit

    def draw(
        self,
        probabilities: Probabilities,
        window: Window,
        number: int,
        seed: int,
        limit: Limits = None,
    ) -> list[Architecture]:
        """Different random architectures from the distribution, given that they keep the limits.

        Args:
            probabilities: as in `most_probable`.
            window: of cost.
            number: how many are wanted; fewer are returned where there are not so many.
            seed: the same seed gives the same architectures.
            limit: as in `most_probable`, beside the window.
        """
        limits = self._limits(limit)
        draws = [PathDraw(chain, probabilities, window, limits) for chain in self.chains]
        masses = np.array([draw.mass for draw in draws])
        if not masses.sum() > 0:
            return []
        random = np.random.default_rng(seed)
        found: dict[Architecture, None] = {}
        for _ in range(TRIES * number):
            place = int(random.choice(len(draws), p=masses / masses.sum())) if draws[1:] else 0
            path = draws[place].path(random)
            if path is not None:
                found[self.chains[place].architecture(path)] = None
            if len(found) == number:
                break
        return list(found)

    def _limits(self, limit: Limits) -> dict[str, float]:
        if limit is None:
            return {}
        return dict(limit) if isinstance(limit, Mapping) else {self.resource: limit}

    def _window_groups(self, limits: Mapping[str, float]) -> Iterator[list[Window]]:
        """For each share the windows of the limits that bind; memory's where it is alone."""
        binding = {r: math.floor(limit) for r, limit in limits.items() if self.binds(r, limit)}
        if not binding:
            resource = next(iter(limits), self.resource)
            yield [Window(0, self.range(resource)[1], resource)]
            return
        sums = [resource for resource in binding if resource != PEAK] or [PEAK]
        for share in SHARES:
            yield [Window(math.ceil(share * binding[r]), binding[r], r) for r in sums]

    def _best(
        self, probabilities: Probabilities, limits: Mapping[str, float], window: Window
    ) -> Iterator[Derived]:
        """The best of each resolution."""
        binding = {r: limit for r, limit in limits.items() if self.binds(r, limit)}
        for chain in self.chains:
            search = PathSearch(chain, chain.scores(probabilities), binding)
            if window.resource == PEAK:
                found = search.best_at_peak(window)
            else:
                found = search.best(window, **({} if binding else {"cells": 1}))
            if found is not None:
                score = found.score + chain.side_score(probabilities)
                yield Derived(chain.architecture(found.path), window, score)

    def _within(self, limits: Mapping[str, float]) -> Architecture | None:
        """A network that keeps all limits: the cheapest in one of them, or one that is searched."""
        for chain in self.chains:
            allowed = chain.allowed(limits)
            for resource in limits:
                least, path = chain.extreme(resource, False, allowed)
                if least < FAR and all(chain.cost(r, path) <= m for r, m in limits.items()):
                    return chain.architecture(path)
        for chain in self.chains:
            guides = [r for r in limits if r != PEAK]
            if not guides:
                continue
            window = Window(0, math.floor(limits[guides[0]]), guides[0])
            found = PathSearch(chain, chain.scores({}), limits).best(window)
            if found is not None:
                return chain.architecture(found.path)
        return None

    def _impossible(self, limits: Mapping[str, float]) -> str:
        least = {resource: self.range(resource)[0] for resource in limits}
        if len(limits) > 1:
            each = ", ".join(
                f"{LIMITS[r].noun} {LIMITS[r].text(limits[r])} (least alone: "
                f"{LIMITS[r].text(least[r])})"
                for r in limits
            )
            return (
                "No architecture of the space keeps all limits together, though each can be kept "
                f"alone. Received: {each}."
            )
        resource, limit = next(iter(limits.items()))
        words = LIMITS.get(resource)
        is_count = words is None or words.scale == 1
        noun = resource if words is None or is_count else words.noun
        at_least, received = (
            (f"{least[resource]:,}", f"{limit:,.0f}")
            if words is None or is_count
            else (words.text(least[resource]), words.text(limit))
        )
        return (
            f"The limit on {noun} must be at least {at_least}, the cost of the smallest "
            f"architecture of the space. Received: {received}."
        )
