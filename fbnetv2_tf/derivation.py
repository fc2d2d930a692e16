"""From probabilities to an architecture that keeps a limit, by exact integer costs (law 4).

A space is a chain: what a block costs depends on its own choices and on the width that it reads.
So the networks of a space are paths through stages (block, width), and "the most probable network
that uses 95 to 100 % of the limit" is a longest path with a window on its cost. A table over
rounded costs bounds what the rest of a path can still be worth; best-first search (A*) guided by
that bound, with exact costs on the path itself, ends at the optimum and nothing else. The same
table with sums in place of maxima draws random networks from inside the window.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .architecture import Architecture, Block
from .choices_layout import choice_name
from .cost_tables import BlockTables, space_tables
from .counting import count
from .errors import BudgetError
from .space import Space

CELLS = 4096
"""Into how many cells of cost a limit is divided for the bound."""

SHARES = (0.95, 0.9, 0.8, 0.6, 0.0)
"""Where nothing fills a limit to the first share, the next is tried: the space is too coarse."""

MAXIMUM_EXPANSIONS = 200_000
DIGITS = 9
"""To which scores are compared, so that rounding does not tell equal paths apart."""

INNER = ("expansion", "kernel", "se", "activation")

Probabilities = Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """The costs that a network may have, both ends included."""

    low: int
    high: int


@dataclass(frozen=True)
class Stage:
    """One block of the chain with all its options.

    Attributes:
        index: position of the block in the text.
        tables: its exact costs.
        options: what may be chosen beside the output width: (kind, field -> alternative).
        costs: int64 (input widths, output widths, options).
        passes_width: whether the block has no width of its own, so that the output has the input's.
    """

    index: int
    tables: BlockTables
    options: tuple[tuple[str, dict[str, int]], ...]
    costs: np.ndarray
    passes_width: bool

    @property
    def outputs(self) -> int:
        """The number of widths that may leave the block."""
        return self.costs.shape[1]

    def transitions(self, width: int) -> range:
        """The output widths that may follow an input width."""
        return range(width, width + 1) if self.passes_width else range(self.outputs)

    def block(self, output: int, option: int) -> Block:
        """The block of an option."""
        kind, places = self.options[option]
        space_block = self.tables.block
        values = {field: getattr(space_block, field)[place] for field, place in places.items()}
        if space_block.channels:
            values["channels"] = space_block.channels[output]
        return space_block.block(kind, **values)


class Landscape:
    """The exact costs of all architectures of a space, and the ways to choose among them.

    Args:
        space: the space.
        side: the input resolution, pixels; the space's first by default.
        resource: what the costs are: `macs` or `weights`.
    """

    def __init__(self, space: Space, side: int | None = None, resource: str = "macs") -> None:
        self.space = space
        self.side = side or space.sides[0]
        self.resource = resource
        self.stages = [_stage(tables) for tables in space_tables(space, self.side, resource)]

    def extreme(self, largest: bool) -> Architecture:
        """The architecture of the least or the greatest cost; ties take the first alternative."""
        sign = -1 if largest else 1
        best = np.zeros(_last_width(self.stages), np.int64)
        plans = []
        for stage in reversed(self.stages):
            costs = sign * stage.costs + _following(stage, best)[..., None]
            flat = costs.reshape(len(costs), -1)
            plans.append(flat.argmin(axis=1))
            best = flat.min(axis=1)
        width, blocks = 0, []
        for stage, plan in zip(self.stages, reversed(plans), strict=True):
            output, option = divmod(int(plan[width]), len(stage.options))
            blocks.append(stage.block(output, option))
            width = output
        return self._architecture(blocks)

    def cost(self, architecture: Architecture) -> int:
        """The exact cost of an architecture, an int."""
        return int(getattr(count(architecture), self.resource))

    def most_probable(
        self, probabilities: Probabilities, limit: float | None = None
    ) -> Architecture:
        """The most probable architecture that fills the limit and does not exceed it.

        Choices inside a skipped block count at their most probable alternative, so that skipping
        is not favoured for having fewer choices to make.

        Args:
            probabilities: choice name -> (alternatives,); a missing one has one alternative.
            limit: the greatest cost; None for no limit.

        Raises:
            BudgetError: where even the cheapest architecture costs more, naming its cost.
        """
        scores = [_log_scores(stage, probabilities) for stage in self.stages]
        if limit is None:
            return self._search(scores, Window(0, self._largest()))
        for window in self.windows(limit):
            found = self._search(scores, window)
            if found is not None:
                return found
        raise BudgetError(self._impossible(limit))

    def filled_window(self, probabilities: Probabilities, limit: float | None) -> Window:
        """The fullest window of a limit that has an architecture in it."""
        if limit is None:
            return Window(0, self._largest())
        cost = self.cost(self.most_probable(probabilities, limit))
        return next(window for window in self.windows(limit) if window.low <= cost)

    def windows(self, limit: float) -> list[Window]:
        """The windows of cost to try for a limit, the fullest first.

        Raises:
            BudgetError: where even the cheapest architecture costs more, naming its cost.
        """
        high = math.floor(limit)
        smallest, largest = self.cost(self.extreme(False)), self._largest()
        if smallest > high:
            raise BudgetError(self._impossible(limit))
        if largest <= high:
            return [Window(0, largest)]
        return [Window(math.ceil(share * high), high) for share in SHARES]

    def draw(
        self, probabilities: Probabilities, window: Window, number: int, seed: int
    ) -> list[Architecture]:
        """Different random architectures from the distribution, given that they are in the window.

        Args:
            probabilities: as in `most_probable`.
            window: of cost.
            number: how many are wanted; fewer are returned where there are not so many.
            seed: the same seed gives the same architectures.
        """
        masses = [np.exp(_log_scores(stage, probabilities, sums=True)) for stage in self.stages]
        table = _Table(self.stages, masses, window, use_sums=True)
        random = np.random.default_rng(seed)
        found: dict[Architecture, None] = {}
        for _ in range(20 * number):
            path = self._draw_path(table, masses, random)
            if path is not None:
                found[path] = None
            if len(found) == number:
                break
        return list(found)

    def _draw_path(
        self, table: _Table, masses: list[np.ndarray], random: np.random.Generator
    ) -> Architecture | None:
        width, cost, blocks = 0, 0, []
        for place, stage in enumerate(self.stages):
            totals = cost + stage.costs[width]
            mass = masses[place][: stage.outputs] * table.rest(place + 1, totals)
            if stage.passes_width:
                mass = mass * (np.arange(stage.outputs) == width)[:, None]
            flat = mass.ravel()
            if not flat.sum() > 0:
                return None
            pick = int(random.choice(flat.size, p=flat / flat.sum()))
            output, option = divmod(pick, len(stage.options))
            cost += int(stage.costs[width, output, option])
            width = output
            blocks.append(stage.block(output, option))
        inside = table.window.low <= cost <= table.window.high
        return self._architecture(blocks) if inside else None

    def _search(self, scores: list[np.ndarray], window: Window) -> Any:
        """A*: the best path whose exact cost is in the window, or None."""
        table = _Table(self.stages, scores, window, use_sums=False)
        order = itertools.count()
        start = (-table.rest(0, np.zeros((1, 1), np.int64)).max(), 0, 0, 0, 0, 0.0, ())
        queue: list[tuple[Any, ...]] = [start]
        for _ in range(MAXIMUM_EXPANSIONS):
            if not queue:
                return None
            bound, depth, _, width, cost, score, path = heapq.heappop(queue)
            place = -depth
            if bound == math.inf:
                return None
            if place == len(self.stages):
                return self._path(path)
            stage = self.stages[place]
            for output in stage.transitions(width):
                totals = cost + stage.costs[width, output]
                gains = score + scores[place][output]
                bounds = gains + table.rest(place + 1, totals[None], [output])[0]
                for option in np.flatnonzero(bounds > -np.inf):
                    total = int(totals[option])
                    entry = (-round(float(bounds[option]), DIGITS), depth - 1, next(order), output, total)
                    heapq.heappush(queue, (*entry, float(gains[option]), (*path, (output, option))))
        return None

    def _path(self, path: tuple[tuple[int, int], ...]) -> Architecture:
        steps = zip(self.stages, path, strict=True)
        return self._architecture([stage.block(*step) for stage, step in steps])

    def _architecture(self, blocks: list[Block]) -> Architecture:
        first = Block("in", side=self.side, channels=self.space.input_channels)
        return Architecture((first, *blocks))

    def _largest(self) -> int:
        return self.cost(self.extreme(True))

    def _impossible(self, limit: float) -> str:
        smallest = self.extreme(False)
        return (
            f"The limit on {self.resource} must be at least {self.cost(smallest):,}, the cost of "
            f"the smallest architecture of the space. Received: {limit:,.0f}."
        )


class _Table:
    """What the rest of a path is worth, by stage, width and cost so far.

    `worth[place][width, cell]` is the best score (or total mass) of the stages from `place` on
    whose rounded costs add up to `cell`. Each stage's cost is rounded down, so the exact rest lies
    up to one cell a stage above the sum; windows are widened by that.
    """

    def __init__(
        self, stages: list[Stage], scores: list[np.ndarray], window: Window, use_sums: bool
    ) -> None:
        self.window = window
        self.stages = stages
        self.cell = max(1, -(-window.high // CELLS))
        self.empty = 0.0 if use_sums else -np.inf
        cells = window.high // self.cell + 1
        last = np.full((_last_width(stages), cells), self.empty)
        last[:, 0] = 1.0 if use_sums else 0.0
        worth = [last]
        for stage, score in zip(reversed(stages), reversed(scores), strict=True):
            worth.append(self._stage_worth(stage, score, worth[-1], use_sums))
        span = (window.high - window.low) // self.cell + 1
        slack = range(len(stages), -1, -1)
        self.windowed = [
            _window_sums(w, span + n) if use_sums else _window_maxima(w, span + n)
            for w, n in zip(reversed(worth), slack, strict=True)
        ]

    def rest(self, place: int, totals: np.ndarray, widths: Any = None) -> np.ndarray:
        """The worth of the rest after exact costs `totals` (output widths, options)."""
        table = self.windowed[place]
        cells = (self.window.high - totals) // self.cell
        rows = np.arange(len(totals)) if widths is None else np.array(widths)
        values = table[rows[:, None], np.clip(cells, 0, table.shape[1] - 1)]
        return np.where(totals <= self.window.high, values, self.empty)

    def _stage_worth(
        self, stage: Stage, score: np.ndarray, following: np.ndarray, use_sums: bool
    ) -> np.ndarray:
        cells = following.shape[1]
        worth = np.full((len(stage.costs), cells), self.empty)
        rounded = stage.costs // self.cell
        for width in range(len(stage.costs)):
            for output in stage.transitions(width):
                steps, values = _by_cost(rounded[width, output], score[output], use_sums)
                for step, value in zip(steps[steps < cells], values[steps < cells], strict=True):
                    shifted = following[output, : cells - step]
                    target = worth[width, step:]
                    if use_sums:
                        target += value * shifted
                    else:
                        np.maximum(target, value + shifted, out=target)
        return worth


def _stage(tables: BlockTables) -> Stage:
    block = tables.block
    present = tables.joint(block.kind)
    extents = {field: max(1, len(getattr(block, field))) for field in INNER}
    options: list[tuple[str, dict[str, int]]] = []
    for places in itertools.product(*(range(n) for n in extents.values())):
        named = dict(zip(INNER, places, strict=True))
        options.append((block.kind, {f: p for f, p in named.items() if getattr(block, f)}))
    # joint: (input, expansion, kernel, se, channels) -> (input, channels, option)
    moved = np.moveaxis(present, 4, 1)[..., None]
    shape = (*moved.shape[:-1], extents["activation"])
    costs = np.broadcast_to(moved, shape).reshape(*moved.shape[:2], -1)
    if block.skippable:
        options.append(("sk", {}))
        skipped = tables.joint("sk")[:, 0, 0, 0, :, None]
        skipped = np.broadcast_to(skipped, (*costs.shape[:2], 1))
        costs = np.concatenate([costs, skipped], axis=2)
    passes = not block.channels
    if passes:
        costs = np.broadcast_to(costs, (costs.shape[0], costs.shape[0], costs.shape[2]))
    return Stage(tables.index, tables, tuple(options), np.ascontiguousarray(costs), passes)


def _log_scores(
    stage: Stage, probabilities: Probabilities, sums: bool = False
) -> np.ndarray:
    """The log-probability of each (output width, option); see `most_probable` on skips."""
    logs = {field: _logs(stage, field, probabilities) for field in (*INNER, "channels", "kind")}
    inner_best = 0.0 if sums else sum(float(logs[field].max()) for field in INNER)
    scores = np.zeros(len(stage.options))
    for place, (kind, fields) in enumerate(stage.options):
        is_skip = kind == "sk" and stage.tables.block.skippable
        scores[place] = logs["kind"][int(is_skip)] if stage.tables.block.skippable else 0.0
        scores[place] += (
            inner_best if is_skip else sum(float(logs[f][p]) for f, p in fields.items())
        )
    return logs["channels"][:, None] + scores[None, :] + np.zeros((stage.outputs, 1))


def _logs(stage: Stage, field: str, probabilities: Probabilities) -> np.ndarray:
    p = probabilities.get(choice_name(stage.index, field))
    if p is None:
        return np.zeros(1)
    return np.log(np.maximum(np.asarray(p, np.float64), 1e-300))


def _by_cost(
    costs: np.ndarray, scores: np.ndarray, use_sums: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Each different cost once, with the sum or the best of its scores."""
    steps, places = np.unique(costs, return_inverse=True)
    values = np.full(len(steps), 0.0 if use_sums else -np.inf)
    (np.add if use_sums else np.maximum).at(values, places, scores)
    return steps, values


def _window_maxima(table: np.ndarray, width: int) -> np.ndarray:
    """`max(table[:, q - width + 1 : q + 1])` for every q, by doubling."""
    result, covered = table.copy(), 1
    while covered < width:
        shift = min(covered, width - covered)
        result[:, shift:] = np.maximum(result[:, shift:], result[:, :-shift].copy())
        covered += shift
    return result


def _window_sums(table: np.ndarray, width: int) -> np.ndarray:
    sums = np.cumsum(table, axis=1)
    result = sums.copy()
    result[:, width:] -= sums[:, :-width]
    return np.maximum(result, 0.0)


def _following(stage: Stage, best: np.ndarray) -> np.ndarray:
    """The cost of the rest, by (input width, output width); unreachable pairs are excluded."""
    after = np.broadcast_to(best[None, :], stage.costs.shape[:2])
    if not stage.passes_width:
        return after
    far = np.iinfo(np.int64).max // 4
    return np.where(np.eye(len(best), dtype=bool), after, far)


def _last_width(stages: list[Stage]) -> int:
    return stages[-1].outputs
