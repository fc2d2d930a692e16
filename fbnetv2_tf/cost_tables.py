"""The exact cost of every alternative of a block, as integer tables over its joint choices.

Axes are always (input, expansion, kernel, se, channels, activation); an operator's table has
extent 1 along what it does not depend on. Products of dependent choices are entries of one table,
never products of means: the hidden width follows the input width and the expansion *together*
(law 2). Peak memory and latency are those of a whole block, in one table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .architecture import SKIP_ACTIVATION
from .block_memory import block_peak
from .counting import Operator, block_operators, block_output_side
from .errors import BudgetError, SpaceError
from .space import Space, SpaceBlock
from .tokens import GRAMMAR

AXES = ("input", "expansion", "kernel", "se", "channels", "activation")
LARGEST_TABLE = 50_000_000

PEAK = "activation_bytes"
"""The resource whose cost is the greatest of the blocks'; the others are sums over blocks."""

LATENCY = "latency_ns"
"""The resource that is read from a measured table."""


@dataclass(frozen=True)
class BlockTables:
    """The costs of one block of a space at one input resolution, in one resource.

    Attributes:
        index: position of the block in the text.
        block: its alternatives.
        input_channels: alternatives of its input's width.
        source: position of the block whose `channels` choice its input's width is.
        present: tables of its operators where it is not skipped; integers.
        skipped: those of its skip; empty where it cannot be skipped or the skip is free.
    """

    index: int
    block: SpaceBlock
    input_channels: tuple[int, ...]
    source: int
    present: tuple[np.ndarray, ...]
    skipped: tuple[np.ndarray, ...]

    def joint(self, kind: str) -> np.ndarray:
        """The block's whole cost over all axes, for `kind` (its first kind, or `sk`)."""
        tables = self.skipped if self.block.skippable and kind == "sk" else self.present
        shape = self._shape()
        if self.block.skippable and kind == "sk":
            shape[1:4], shape[5] = [1, 1, 1], 1
        return sum(tables, np.zeros(shape, np.int64))

    def at(self, place: int) -> BlockTables:
        """The costs where the input has one width, by its place."""
        self._shape()

        def cut(tables: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            return tuple(t[place : place + 1] if t.shape[0] > 1 else t for t in tables)

        return replace(
            self,
            input_channels=self.input_channels[place : place + 1],
            present=cut(self.present),
            skipped=cut(self.skipped),
        )

    def _shape(self) -> list[int]:
        """Of the table of all joint alternatives, which must not be too large to choose from."""
        shape = [len(self.input_channels)]
        shape += [max(1, len(getattr(self.block, axis))) for axis in AXES[1:]]
        if math.prod(shape) > LARGEST_TABLE:
            raise SpaceError(
                f"Block {self.index} ('{self.block}') must have at most {LARGEST_TABLE} joint "
                f"alternatives. Received: {math.prod(shape)}."
            )
        return shape


def space_tables(
    space: Space, side: int, resource: str, latency: Any = None
) -> Iterator[BlockTables]:
    """The tables of all blocks after `in`, for an input of `side` pixels.

    Args:
        space: the space.
        side: of the input, pixels.
        resource: one of `counting.RESOURCES`, `PEAK` or `LATENCY`.
        latency: the `LatencyTable`, for `LATENCY`.
    """
    if resource == LATENCY and latency is None:
        raise BudgetError("A limit on latency needs a latency table. Received: None.")
    channels, source = space.blocks[0].channels, 0
    for index, block in enumerate(space.blocks[1:], start=1):
        stride = block.stride[0] if block.stride else 1
        present = _tables(block, block.kind, side, stride, channels, resource, latency)
        skipped: tuple[np.ndarray, ...] = ()
        if block.skippable:
            skipped = _tables(block, "sk", side, stride, channels, resource, latency)
        yield BlockTables(index, block, channels, source, present, skipped)
        side = block_output_side(block.kind, stride, side)
        if block.channels:
            channels, source = block.channels, index


def _tables(
    block: SpaceBlock,
    kind: str,
    side: int,
    stride: int,
    input_channels: tuple[int, ...],
    resource: str,
    latency: Any,
) -> tuple[np.ndarray, ...]:
    """One table for each set of axes; the tables of operators with equal axes are added up."""
    values = {axis: getattr(block, axis, ()) for axis in AXES[1:]} | {"input": input_channels}
    if block.skippable and kind == "sk":
        values["activation"] = (SKIP_ACTIVATION,)
    along = {axis: _along(values[axis], place) for place, axis in enumerate(AXES)}
    whole: dict[str, Any] = {"side": side, "stride": stride, "input_channels": along["input"]}
    whole |= {axis: along[axis] for axis in ("expansion", "channels", "se", "activation")}
    if resource == PEAK:
        return (_rank(block_peak(kind, **whole)),)
    if resource == LATENCY:
        fields = {token.field for token in GRAMMAR[kind]} - {"stride"}
        taken = {field: along.get(field) for field in fields}
        inputs = along["input"]
        row = latency.block_ns(kind, **taken, side=side, stride=stride, input_channels=inputs)
        return (_rank(row),)
    operators = block_operators(
        kind,
        side=side,
        input_channels=along["input"],
        kernel=along["kernel"],
        stride=stride,
        expansion=along["expansion"],
        channels=along["channels"],
        se=along["se"],
    )
    by_shape: dict[tuple[int, ...], np.ndarray] = {}
    for operator in operators:
        table = _full_rank(operator, resource)
        if table.any():
            by_shape[table.shape] = by_shape.get(table.shape, 0) + table
    return tuple(by_shape.values())


def _along(values: tuple[float, ...], place: int) -> np.ndarray | None:
    """The alternatives laid along one of the axes."""
    if not values:
        return None
    shape = [1] * len(AXES)
    shape[place] = len(values)
    return np.array(values).reshape(shape)


def _full_rank(operator: Operator, resource: str) -> np.ndarray:
    return _rank(np.asarray(getattr(operator, resource), np.int64))


def _rank(table: np.ndarray) -> np.ndarray:
    return table.reshape((1,) * (len(AXES) - table.ndim) + table.shape)
