"""The masks of all blocks of a network in a few dozen operations, however many blocks there are.

Block by block they were some ninety operations more each, every one longer to start than to run.
What differs between blocks are only integers, known when the graph is built: which weights to
multiply, which products to add up, how many channels each step of a staircase covers. They become
index arrays, and all blocks are computed together:

1. products of pairs of weights, added up by the hidden width they lead to (or where widths agree);
2. the same with the ratios of squeeze-and-excite;
3. sums from the widest alternative down to each: the heights of the steps;
4. heights laid out over channels and taps, and cut into the masks of the blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from .choice_weights import ChoiceWeights
from .masks import BlockMasks, kernel_steps
from .outside_graph import outside_graph
from .placed_blocks import FieldWeights, PlacedBlock
from .rounding import hidden_channels, se_channels

WITH_HIDDEN = ("ir", "ds", "ip")
"""The kinds whose projection reads a width of its own."""

WITH_IDENTITY = ("ir", "ds", "sk")
"""The kinds that are, or add, their input where the width stays."""


def masks_of(
    blocks: Sequence[PlacedBlock], weights: Mapping[str, Any], fixed: bool = False
) -> list[BlockMasks]:
    """The masks of blocks.

    Args:
        blocks: in any order.
        weights: name of a choice -> weights of its alternatives, float32 (alternatives,).
        fixed: whether the masks, and the weights in them, are to be constants for gradients.

    Example:
        >>> from fbnetv2_tf.space import SpaceBlock
        >>> sizes = {"kernel": (3,), "stride": (1,), "channels": (1, 3), "activation": ("re",)}
        >>> placed = PlacedBlock(SpaceBlock(("cn",), **sizes), (8,), 28, {"channels": "b01_c"})
        >>> masks_of([placed], {"b01_c": [0.5, 0.5]})[0].output.numpy()
        array([1. , 0.5, 0.5], dtype=float32)
    """
    weights = _constant(weights) if fixed else weights
    if isinstance(weights, ChoiceWeights):
        flat, places = tf.reshape(weights.rows, [-1]), weights.places
    else:
        names = dict.fromkeys(n for block in blocks for n in block.names.values() if n in weights)
        vectors = [tf.convert_to_tensor(weights[name], tf.float32) for name in names]
        ends = np.cumsum([0, *(vector.shape[0] for vector in vectors)])
        flat = tf.concat([tf.zeros([0]), *vectors], axis=0)
        places = {
            name: np.arange(begin, end)
            for name, begin, end in zip(names, ends, ends[1:], strict=False)
        }
    found = _Plan(blocks, places, flat.shape[0]).run(flat)
    return [
        replace(masks, weights=FieldWeights(block.names, weights), fixed=fixed)
        for block, masks in zip(blocks, found, strict=True)
    ]


def _constant(weights: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(weights, ChoiceWeights):
        return ChoiceWeights(tf.stop_gradient(weights.rows), weights.sizes)
    return {name: tf.stop_gradient(each) for name, each in weights.items()}


@dataclass
class _Sums:
    """Sums of products of pairs, appended to a vector that the pairs are taken from."""

    start: int
    first: list[np.ndarray] = field(default_factory=list)
    second: list[np.ndarray] = field(default_factory=list)
    sums: list[np.ndarray] = field(default_factory=list)
    size: int = 0

    def add(self, first: Any, second: Any, sums: Any, size: int) -> np.ndarray:
        """Adds `size` sums: of products of the entries at `first` and `second`, each into one.

        Returns:
            Where the sums will be.
        """
        self.first.append(np.ravel(first))
        self.second.append(np.ravel(second))
        self.sums.append(np.ravel(sums) + self.size)
        self.size += size
        return self.start + np.arange(self.size - size, self.size)

    @property
    def end(self) -> int:
        """Behind the last of the sums."""
        return self.start + self.size

    def appended(self, vector: tf.Tensor) -> tf.Tensor:
        if not self.size:
            return vector
        first, second = (_at(vector, np.concatenate(at)) for at in (self.first, self.second))
        into = outside_graph(np.concatenate(self.sums).astype(np.int32))
        sums = tf.math.unsorted_segment_sum(first * second, into, self.size)
        return tf.concat([vector, sums], axis=0)


@dataclass(frozen=True)
class _Width:
    """The values that a width may have, ascending, and where their probabilities are."""

    values: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class _Stair:
    """A mask before it is laid out.

    Attributes:
        at: where the probabilities of its alternatives are, from the smallest on.
        steps: for each entry of the mask, in its shape, the place of the smallest alternative that
            reaches it.
        times, given: where a probability is that multiplies it, and one that divides it.
    """

    at: np.ndarray
    steps: np.ndarray
    times: int
    given: int


class _Plan:
    """What is to be computed for some blocks.

    Everything is taken from one vector, which begins with the weights, 1 and 0.
    """

    def __init__(
        self, blocks: Sequence[PlacedBlock], places: Mapping[str, np.ndarray], size: int
    ) -> None:
        self.blocks, self.places = blocks, places
        self.one, self.zero = size, size + 1
        self.pairs = _Sums(size + 2)
        widths = [self._widths(block) for block in blocks]
        self.same = [self._same(b, *w[:2]) for b, w in zip(blocks, widths, strict=True)]
        self.excited = [self._excited(block) for block in blocks]
        self.ratios = _Sums(self.pairs.end)
        self.stairs = [
            self._stairs(block, output, hidden, excited)
            for block, (_, output, hidden), excited in zip(
                blocks, widths, self.excited, strict=True
            )
        ]

    def run(self, weights: tf.Tensor) -> list[BlockMasks]:
        """The masks at the weights of all choices, (size,)."""
        known = tf.concat([weights, [1.0, 0.0]], axis=0)
        known = self.ratios.appended(self.pairs.appended(known))
        vectors, scalars = self._vectors(known), self._scalars(known)
        found = []
        for place, same in enumerate(self.same):
            masks = {"same": same, **vectors[place], **scalars[place]}
            found.append(BlockMasks(**{"scale": masks.get("output"), **masks}))
        return found

    # Which probabilities there are -----------------------------------------------------------

    def _at(self, block: PlacedBlock, name: str) -> np.ndarray:
        """Where the weights of a field are: at 1 where it has one alternative."""
        if len(block.alternatives(name)) == 1:
            return np.array([self.one])
        return self.places[block.names[name]]

    def _widths(self, block: PlacedBlock) -> tuple[_Width, _Width, _Width]:
        """Of the input, the output, and after the expansion."""
        width = self._width(block, "input", block.input_channels)
        channels, expansions = block.block.channels, block.block.expansion
        output = self._width(block, "channels", channels) if channels else width
        if not expansions:
            return width, output, width
        table = hidden_channels(width.values[:, None], np.array(expansions)[None, :])
        return width, output, self._joint(self.pairs, table, width, self._at(block, "expansion"))

    def _width(self, block: PlacedBlock, name: str, channels: Sequence[int]) -> _Width:
        order = np.argsort(channels)
        return _Width(np.array(channels)[order], self._at(block, name)[order])

    def _joint(self, sums: _Sums, table: np.ndarray, width: _Width, at: np.ndarray) -> _Width:
        """The distribution of `table[i, j]` for independent i and j; equal entries are merged."""
        values, merged = np.unique(table, return_inverse=True)
        if len(values) == 1:
            return _Width(values, np.array([self.one]))
        first, second = np.broadcast_arrays(width.at[:, None], at[None, :])
        return _Width(values, sums.add(first, second, merged, len(values)))

    def _same(self, block: PlacedBlock, width: _Width, output: _Width) -> Any:
        """Where P(C_in == C_out) is; the number 0.0 or 1.0 where there is no doubt."""
        if block.block.kind not in WITH_IDENTITY or block.block.stride[0] > 1:
            return 0.0
        equal = np.argwhere(np.equal.outer(width.values, output.values))
        if not len(equal):
            return 0.0
        if len(width.values) == len(output.values) == 1:
            return 1.0
        return self._sum(width.at[equal[:, 0]], output.at[equal[:, 1]])

    def _excited(self, block: PlacedBlock) -> int:
        """Where P(there is squeeze-and-excite) is."""
        on = np.flatnonzero(np.array(block.block.se) > 0)
        if len(on) in (0, len(block.block.se)):
            return self.one
        at = self._at(block, "se")[on]
        return int(at[0]) if len(on) == 1 else self._sum(at, np.full(len(on), self.one))

    def _sum(self, first: np.ndarray, second: np.ndarray) -> int:
        return int(self.pairs.add(first, second, np.zeros(len(first), int), 1)[0])

    def _stairs(
        self, block: PlacedBlock, output: _Width, hidden: _Width, excited: int
    ) -> dict[str, _Stair]:
        """The masks of a block by name."""
        widths = {}
        if block.block.channels:
            widths["output"] = output
        if block.block.kind in WITH_HIDDEN:
            widths["hidden"] = hidden
        ratios = np.array(block.block.se)
        on = np.flatnonzero(ratios > 0)
        if len(on):
            table = se_channels(hidden.values[:, None], ratios[None, on])
            at = self._at(block, "se")[on] if len(on) > 1 else np.array([self.one])
            widths["squeezed"] = self._joint(self.ratios, table, hidden, at)
        found = {
            name: _Stair(width.at, _steps(width.values), self.one, self.one)
            for name, width in widths.items()
            if len(width.values) > 1
        }
        if "hidden" in found:  # multiplies the rows of a matrix
            found["hidden"] = replace(found["hidden"], steps=found["hidden"].steps[:, None])
        if "squeezed" in found and len(on) > 1:
            found["squeezed"] = replace(found["squeezed"], given=excited)
        if "output" in found and block.block.skippable:
            found["scale"] = replace(found["output"], times=int(self._at(block, "kind")[0]))
        if len(block.block.kernel) > 1:
            kernels, stride = block.block.kernel, block.block.stride[0]
            steps = kernel_steps(kernels, block.side, stride)[:, :, None, None]
            at = self._at(block, "kernel")[np.argsort(kernels)]
            found["kernel"] = _Stair(at, steps, self.one, self.one)
        return found

    # What they make --------------------------------------------------------------------------

    def _vectors(self, known: tf.Tensor) -> list[dict[str, tf.Tensor]]:
        """The masks and the weights of the activations, by name, for each block."""
        stairs = [stair for of_block in self.stairs for stair in of_block.values()]
        most = max((len(stair.at) for stair in stairs), default=0)
        laid_out, entries, rows = self._with_heights(known, stairs, most), [], 0
        for block, of_block in zip(self.blocks, self.stairs, strict=True):
            parts = {}
            for name, stair in of_block.items():
                parts[name] = self.ratios.end + rows * most + stair.steps
                rows += 1
            if len(block.block.activation) > 1:
                parts["activation"] = self._at(block, "activation")
            entries.append(parts)
        found: list[dict[str, tf.Tensor]] = [{} for _ in self.blocks]
        alike: dict[tuple[int, ...], list[Any]] = defaultdict(list)
        for of_block, parts in zip(found, entries, strict=True):
            for name, part in parts.items():
                alike[part.shape[1:]].append((of_block, name, part))
        for chosen in alike.values():
            values = _at(laid_out, np.concatenate([part for *_, part in chosen]))
            cut = tf.split(values, [len(part) for *_, part in chosen])
            for (of_block, name, _), value in zip(chosen, cut, strict=True):
                of_block[name] = value
        return found

    def _with_heights(self, known: tf.Tensor, stairs: Sequence[_Stair], most: int) -> tf.Tensor:
        """What is known, and behind it the height of every step of the stairs, a row for each."""
        if not stairs:
            return known
        at = np.full((len(stairs), most), self.zero)
        for row, stair in zip(at, stairs, strict=True):
            row[: len(stair.at)] = stair.at
        heights = tf.cumsum(_at(known, at), axis=1, reverse=True)
        if any(stair.times != self.one for stair in stairs):
            heights *= _at(known, [[stair.times] for stair in stairs])
        if any(stair.given != self.one for stair in stairs):
            given = _at(known, [[stair.given] for stair in stairs])
            heights = tf.math.divide_no_nan(heights, given)
        return tf.concat([known, tf.reshape(heights, [-1])], axis=0)

    def _scalars(self, known: tf.Tensor) -> list[dict[str, Any]]:
        """The probabilities that are no masks, by name, for each block."""
        at: list[dict[str, int]] = []
        changed: list[dict[str, tuple[int, int]]] = []
        for block, same, excited in zip(self.blocks, self.same, self.excited, strict=True):
            is_known = isinstance(same, float)
            kinds = self._at(block, "kind")
            at.append({} if is_known else {"same": same})
            if excited != self.one:
                at[-1]["excitation"] = excited
            if block.block.skippable and len(block.block.channels) == 1:
                at[-1]["scale"] = int(kinds[0])
            changed.append({})
            if not is_known or (block.block.skippable and same == 0):
                absent = int(kinds[1]) if block.block.skippable else self.one
                changed[-1]["gain"] = (absent, self.zero if is_known else same)
        first = [place for places in at for place in places.values()]
        pairs = [pair for places in changed for pair in places.values()]
        if not first and not pairs:
            return [{} for _ in self.blocks]
        absent_at, same_at = np.array(pairs, int).reshape(-1, 2).T
        gains = _at(known, absent_at) * (1 - _at(known, same_at))
        values = tf.concat([_at(known, first), gains], axis=0)
        cut = iter(tf.unstack(values, num=len(first) + len(pairs)))
        found = [{name: next(cut) for name in places} for places in at]
        for of_block, places in zip(found, changed, strict=True):
            of_block.update({name: next(cut) for name in places})
        return found


def _steps(values: np.ndarray) -> np.ndarray:
    """For each channel up to the largest value the place of the smallest one beyond it."""
    return np.searchsorted(values, np.arange(values[-1]), side="right")


def _at(vector: tf.Tensor, places: Any) -> tf.Tensor:
    return tf.gather(vector, outside_graph(np.asarray(places, np.int32)))
