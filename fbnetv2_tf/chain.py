"""A space at one resolution as a chain of stages, with the exact costs of every step along it.

What a block costs depends on its own choices and on the width that it reads, so the networks of a
space are the paths through stages (block, width).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .architecture import Architecture, Block
from .choices_layout import choice_name
from .cost_tables import PEAK, BlockTables, space_tables
from .errors import BudgetError
from .space import Space, SpaceBlock

INNER = ("expansion", "kernel", "se", "activation")

FAR = np.iinfo(np.int64).max // 4
"""The cost of a step that does not exist."""

Path = tuple[tuple[int, int], ...]
"""For each stage the places of its output width and of its option."""

Probabilities = Mapping[str, Any]


class Options(Sequence[tuple[str, dict[str, int]]]):
    """What may be chosen of a block beside its output width: (kind, field -> alternative).

    An option is made where it is asked for: a block of 32 alternatives in every choice has 4,096.

    Args:
        block: the alternatives.

    Example:
        >>> sizes = {"kernel": (3, 5), "stride": (1,), "channels": (8,), "activation": ("re",)}
        >>> list(Options(SpaceBlock(("cn",), **sizes)))
        [('cn', {'kernel': 0, 'activation': 0}), ('cn', {'kernel': 1, 'activation': 0})]
    """

    def __init__(self, block: SpaceBlock) -> None:
        self._block = block
        self._extents = {f: len(getattr(block, f)) for f in INNER if getattr(block, f)}
        self._present = math.prod(self._extents.values())

    def __len__(self) -> int:
        return self._present + self._block.skippable

    def __getitem__(self, option: Any) -> Any:
        if not 0 <= option < len(self):
            raise IndexError(option)
        if option == self._present:
            return "sk", {}
        places: dict[str, int] = {}
        for field, extent in reversed(self._extents.items()):
            option, places[field] = divmod(option, extent)
        return self._block.kind, dict(reversed(places.items()))


@dataclass(frozen=True)
class Stage:
    """One block of the chain with all its options.

    Attributes:
        index: position of the block in the text.
        alternatives: of the block.
        options: what may be chosen beside the output width.
        exists: bool (input widths, output widths): whether one may follow the other; a block
            without a width of its own keeps that of its input.
    """

    index: int
    alternatives: SpaceBlock
    options: Options
    exists: np.ndarray

    def block(self, output: int, option: int) -> Block:
        """The block of an option."""
        kind, places = self.options[option]
        alternatives = self.alternatives
        values = {field: getattr(alternatives, field)[place] for field, place in places.items()}
        if alternatives.channels:
            values["channels"] = alternatives.channels[output]
        return alternatives.block(kind, **values)


class Chain:
    """The stages of a space for an input of one side.

    Args:
        space: the space.
        side: of the input, pixels.
        latency: the latency table, where latency is a resource.
    """

    def __init__(self, space: Space, side: int, latency: Any = None) -> None:
        self.space = space
        self.side = side
        self.latency = latency
        self.stages = [_stage(tables) for tables in space_tables(space, side, "macs")]
        self._costs: dict[str, list[np.ndarray]] = {}
        self._extremes: dict[tuple[str, bool], list[tuple[np.ndarray, np.ndarray]]] = {}

    def costs(self, resource: str) -> list[np.ndarray]:
        """The exact costs of each stage, int64 (input widths, output widths, options)."""
        if resource not in self._costs:
            tables = space_tables(self.space, self.side, resource, self.latency)
            self._costs[resource] = [_costs(t) for t in tables]
        return self._costs[resource]

    def allowed(self, limits: Mapping[str, float]) -> list[np.ndarray]:
        """Which steps exist and are within the limit on the peak, bool like `costs`."""
        exists = [stage.exists[..., None] for stage in self.stages]
        if PEAK not in limits:
            shapes = [costs.shape for costs in self.costs("macs")]
            return [np.broadcast_to(e, shape) for e, shape in zip(exists, shapes, strict=True)]
        peaks = self.costs(PEAK)
        return [e & (peak <= limits[PEAK]) for e, peak in zip(exists, peaks, strict=True)]

    def scores(self, probabilities: Probabilities, sums: bool = False) -> list[np.ndarray]:
        """The log-probability of each (output width, option) of each stage.

        Choices inside a skipped block count at their most probable alternative, so that skipping
        is not favoured for having fewer choices to make; with `sums` they do not count.
        """
        return [_log_scores(stage, probabilities, sums) for stage in self.stages]

    def side_score(self, probabilities: Probabilities) -> float:
        """The log-probability of this chain's input resolution."""
        sides = self.space.sides
        return float(_logs(0, "side", len(sides), probabilities)[sides.index(self.side)])

    def extreme(
        self, resource: str, largest: bool, allowed: Iterable[np.ndarray] | None = None
    ) -> tuple[int, Path]:
        """The least or the greatest cost of a path, and a path that has it; `FAR` for none."""
        if resource == PEAK and largest:
            return self._largest_peak(allowed)
        if resource != PEAK and allowed is None:
            return self._unlimited(resource, largest)
        sign = -1 if largest else 1
        join = np.maximum if resource == PEAK else np.add
        best = np.zeros(self.stages[-1].exists.shape[1], np.int64)
        plans = []
        for costs, may in self._backwards(resource, allowed):
            total = np.where(may, join(sign * costs, best[None, :, None]), FAR)
            flat = np.minimum(total, FAR).reshape(len(total), -1)
            plans.append(flat.argmin(axis=1))
            best = flat.min(axis=1)
        return int(sign * best[0]) if best[0] < FAR else FAR, self._follow(plans)

    def least_rest(self, resource: str, allowed: Iterable[np.ndarray]) -> list[np.ndarray]:
        """The least cost of what is left to choose, by stage and input width; exact."""
        rest = [np.zeros(self.stages[-1].exists.shape[1], np.int64)]
        for costs, may in self._backwards(resource, allowed):
            total = np.where(may, costs + rest[-1][None, :, None], FAR)
            rest.append(np.minimum(total.reshape(len(total), -1).min(axis=1), FAR))
        return rest[::-1]

    def cost(self, resource: str, path: Path) -> int:
        """The exact cost of a path."""
        width, steps = 0, []
        for costs, (output, option) in zip(self.costs(resource), path, strict=True):
            steps.append(int(costs[width, output, option]))
            width = output
        return max(steps) if resource == PEAK else sum(steps)

    def architecture(self, path: Path) -> Architecture:
        """The network of a path."""
        first = Block("in", side=self.side, channels=self.space.input_channels)
        steps = zip(self.stages, path, strict=True)
        return Architecture((first, *(stage.block(*step) for stage, step in steps)))

    def path(self, architecture: Architecture) -> Path:
        """The path of a network of the space at this side."""
        steps, width = [], 0
        for stage, block in zip(self.stages, architecture.blocks[1:], strict=True):
            if stage.alternatives.channels:
                width = stage.alternatives.channels.index(block.channels)
            options = range(len(stage.options))
            steps.append((width, next(o for o in options if stage.block(width, o) == block)))
        return tuple(steps)

    def _backwards(
        self, resource: str, allowed: Iterable[np.ndarray] | None
    ) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        may = list(allowed) if allowed is not None else self.allowed({})
        return zip(reversed(self.costs(resource)), reversed(may), strict=True)

    def _unlimited(self, resource: str, largest: bool) -> tuple[int, Path]:
        """`extreme` of a sum over all paths, without a table of all options of a block."""
        sign = -1 if largest else 1
        if (resource, largest) not in self._extremes:
            tables = space_tables(self.space, self.side, resource, self.latency)
            self._extremes[resource, largest] = [_extreme_options(t, sign) for t in tables]
        best = np.zeros(self.stages[-1].exists.shape[1], np.int64)
        plans = []
        chosen = zip(self.stages, self._extremes[resource, largest], strict=True)
        for stage, (costs, options) in reversed(list(chosen)):
            total = np.where(stage.exists, costs + best[None], FAR)
            outputs = total.argmin(axis=1)
            best = total.min(axis=1)
            of_input = options[np.arange(len(outputs)), outputs]
            plans.append(outputs * len(stage.options) + of_input)
        return int(sign * best[0]), self._follow(plans)

    def _follow(self, plans: list[np.ndarray]) -> Path:
        width, path = 0, []
        for stage, plan in zip(self.stages, reversed(plans), strict=True):
            output, option = divmod(int(plan[width]), len(stage.options))
            path.append((output, option))
            width = output
        return tuple(path)

    def _largest_peak(self, allowed: Iterable[np.ndarray] | None) -> tuple[int, Path]:
        """The greatest peak: that of the costliest step that some path takes."""
        may = list(allowed) if allowed is not None else self.allowed({})
        best, found = -1, -1
        for place, (costs, here) in enumerate(zip(self.costs(PEAK), may, strict=True)):
            most = np.where(here, costs, -1).max()
            if most > best:
                best, found = int(most), place
        forced = list(may)
        forced[found] = forced[found] & (self.costs(PEAK)[found] == best)
        cost, path = self.extreme("macs", True, forced)
        if cost == FAR:
            raise BudgetError("No architecture of the space keeps the limits on its blocks.")
        return best, path


def _stage(tables: BlockTables) -> Stage:
    block = tables.block
    widths = len(tables.input_channels)
    exists = np.eye(widths, dtype=bool)
    if block.channels:
        exists = np.ones((widths, len(block.channels)), bool)
    return Stage(tables.index, block, Options(block), exists)


def _costs(tables: BlockTables) -> np.ndarray:
    """(input, expansion, kernel, se, channels, activation) -> (input, channels, options)."""
    joint = np.moveaxis(tables.joint(tables.block.kind), 4, 1)
    costs = joint.reshape(*joint.shape[:2], -1)
    if tables.block.skippable:
        skipped = np.moveaxis(tables.joint("sk"), 4, 1).reshape(*joint.shape[:2], 1)
        costs = np.concatenate([costs, skipped], axis=2)
    if not tables.block.channels:
        costs = np.broadcast_to(costs, (costs.shape[0], costs.shape[0], costs.shape[2]))
    return np.ascontiguousarray(costs)


def _extreme_options(tables: BlockTables, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """The least of `sign * cost`, and the option that has it, each (input widths, output widths).

    One input width at a time: a block of 32 alternatives in every choice has a table of 32 MiB.
    """
    widths = len(tables.input_channels)
    shape = (widths, len(tables.block.channels) or widths)
    least, option = np.empty(shape, np.int64), np.empty(shape, np.int64)
    for place in range(widths):
        costs = sign * _costs(tables.at(place))[0]
        least[place], option[place] = costs.min(axis=-1), costs.argmin(axis=-1)
    return least, option


def _log_scores(stage: Stage, probabilities: Probabilities, sums: bool) -> np.ndarray:
    extents = {f: max(1, len(getattr(stage.alternatives, f))) for f in (*INNER, "channels")}
    extents["channels"] = stage.exists.shape[1] if stage.alternatives.channels else 1
    extents["kind"] = len(stage.alternatives.kinds)
    logs = {f: _logs(stage.index, f, n, probabilities) for f, n in extents.items()}
    inner_best = 0.0 if sums else sum(float(logs[field].max()) for field in INNER)
    scores = np.zeros(len(stage.options))
    for place, (kind, places) in enumerate(stage.options):
        is_skip = kind == "sk" and stage.alternatives.skippable
        scores[place] = logs["kind"][int(is_skip)] if stage.alternatives.skippable else 0.0
        scores[place] += (
            inner_best if is_skip else sum(float(logs[f][p]) for f, p in places.items())
        )
    return logs["channels"][:, None] + scores[None, :] + np.zeros((stage.exists.shape[1], 1))


def _logs(index: int, field: str, extent: int, probabilities: Probabilities) -> np.ndarray:
    """Log-probabilities of a choice; a choice that is not there is undecided."""
    p = probabilities.get(choice_name(index, field))
    if p is None:
        return np.zeros(extent)
    return np.log(np.maximum(np.asarray(p, np.float64), 1e-300))
