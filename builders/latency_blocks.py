"""Which blocks of a space have to be measured for a latency table, and the table of their times.

Blocks that differ in kind, resolution, stride, kernel, squeeze-and-excite or activation are each
measured; of the widths and expansions a grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fbnetv2_tf.architecture import SKIP_ACTIVATION
from fbnetv2_tf.cost_tables import space_tables
from fbnetv2_tf.counting import block_output_side
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.latency_table import BlockLatency, LatencyTable
from fbnetv2_tf.space import Space, SpaceBlock
from fbnetv2_tf.tokens import GRAMMAR, format_number

CALL = "in_hw1_c1 fc_c1"
"""A network that costs hardly more than its call."""


@dataclass(frozen=True)
class BlockGrid:
    """Blocks that are measured together: `key` is `BlockLatency.key`, the rest are its widths."""

    key: tuple[Any, ...]
    input_channels: tuple[float, ...]
    expansion: tuple[float, ...]
    channels: tuple[float, ...]

    def texts(self) -> Iterator[str]:
        """A network of each block alone, in the order of the grid."""
        for widths in itertools.product(self.input_channels, self.expansion, self.channels):
            yield _text(self.key, *widths)


def block_grids(space: Space, points: int = 3) -> list[BlockGrid]:
    """What has to be measured for a space.

    Args:
        space: the space, of one resolution or several.
        points: of the grid along each width, its ends among them.

    Raises:
        InputError: for fewer than two points.

    Example:
        >>> from fbnetv2_tf.space import parse_space
        >>> grids = block_grids(parse_space("in_hw8_c3 cn_k3_s2_c8:32:8_nre/hs fc_c2"))
        >>> [text for grid in grids for text in grid.texts()][:3]
        ['in_hw8_c3 cn_k3_s2_c8_nre fc_c1', 'in_hw8_c3 cn_k3_s2_c24_nre fc_c1', \
'in_hw8_c3 cn_k3_s2_c32_nre fc_c1']
    """
    if points < 2:
        raise InputError(f"A grid must have at least 2 points along a width. Received: {points}.")
    widths: dict[tuple[Any, ...], list[set[float]]] = {}
    for side in space.sides:
        for tables in space_tables(space, side, "macs"):
            block = tables.block
            for kind in block.kinds:
                for key in _keys(block, kind, side):
                    seen = widths.setdefault(key, [set(), set(), set()])
                    seen[0].update(tables.input_channels)
                    seen[1].update(block.expansion if kind in ("ir", "ip") else (0,))
                    seen[2].update(block.channels or (0,))
            side = block_output_side(block.kind, block.stride[0] if block.stride else 1, side)
    return [
        BlockGrid(key, *(_spaced(sorted(values), points) for values in seen))
        for key, seen in widths.items()
    ]


def block_texts(grids: Sequence[BlockGrid]) -> list[str]:
    """The networks to measure, each once, the one of the bare call first."""
    texts = itertools.chain([CALL], *(grid.texts() for grid in grids))
    return list(dict.fromkeys(texts))


def table_of(
    grids: Sequence[BlockGrid], ms: Mapping[str, float], device: dict[str, Any]
) -> LatencyTable:
    """The table of measurements.

    Args:
        grids: as `block_grids` returns them.
        ms: text of a network -> milliseconds of a call.
        device: what they were measured on.

    Raises:
        InputError: naming the measurements that are missing.
    """
    missing = [text for text in block_texts(grids) if text not in ms]
    if missing:
        raise InputError(
            "Every block of the space's grid must be measured, by the --space and --grid of its "
            f"export. Received: nothing for {len(missing)}, such as '{missing[0]}'."
        )
    call = ms[CALL]
    blocks = []
    for grid in grids:
        shape = [len(axis) for axis in (grid.input_channels, grid.expansion, grid.channels)]
        own = [max(0.0, ms[text] - call) for text in grid.texts()]
        nested = np.array(own).reshape(shape).tolist()
        kind, side, stride, kernel, se, activation = grid.key
        blocks.append(
            BlockLatency(
                kind=kind,
                side=side,
                stride=stride,
                kernel=kernel,
                se=se,
                activation=activation,
                input_channels=grid.input_channels,
                expansion=grid.expansion,
                channels=grid.channels,
                ms=nested,
            )
        )
    return LatencyTable(device, call, tuple(blocks))


def _keys(block: SpaceBlock, kind: str, side: int) -> Iterator[tuple[Any, ...]]:
    taken = {token.field for token in GRAMMAR[kind]}
    activations: Sequence[Any] = block.activation if "activation" in taken else (None,)
    if block.skippable and kind == "sk":
        activations = (SKIP_ACTIVATION,)
    kernels = block.kernel if "kernel" in taken else (None,)
    ratios = block.se if "se" in taken else (None,)
    stride = block.stride[0] if block.stride else 1
    for kernel, ratio, activation in itertools.product(kernels, ratios, activations):
        yield (kind, side, stride, kernel, ratio, activation)


def _spaced(values: list[float], points: int) -> tuple[float, ...]:
    places = np.round(np.linspace(0, len(values) - 1, min(points, len(values)))).astype(int)
    return tuple(float(values[place]) for place in dict.fromkeys(places.tolist()))


def _text(key: tuple[Any, ...], c_in: float, expansion: float, channels: float) -> str:
    kind, side, stride, kernel, se, activation = key
    first = f"in_hw{side}_c{format_number(c_in)}"
    if kind == "fc":
        return f"{first} fc_c{format_number(channels)}"
    if kind == "pl":
        return f"{first} pl fc_c1"
    if kind == "sk":  # an identity costs nothing; what is measured is its 1x1 convolution
        kind, kernel = "cn", 1
    values = {
        "kernel": kernel,
        "stride": stride,
        "expansion": expansion,
        "channels": channels,
        "se": se or None,
        "activation": activation,
    }
    words = [kind]
    for token in GRAMMAR[kind]:
        value = values[token.field]
        if value is not None:
            words.append(token.name + (value if isinstance(value, str) else format_number(value)))
    return f"{first} {'_'.join(words)} fc_c1"
