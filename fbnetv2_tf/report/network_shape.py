"""The shape of a network as columns, one for each block: what every drawing of it is made from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..architecture import Architecture, Block
from ..counting import block_output_side, walk
from ..space import Space
from ..tokens import format_number

KINDS = {
    "in": "input",
    "cn": "convolution",
    "ds": "depthwise separable",
    "ir": "inverted residual",
    "sk": "skip",
    "ip": "inverted pool",
    "pl": "mean",
    "fc": "classifier",
}
"""Kind -> its name in words."""

ACTIVATIONS = {"re": "relu", "r6": "relu6", "hs": "hswish", "sw": "swish"}

SHADES = 7
"""Colours of the resolutions, from the input's to the smallest."""


@dataclass(frozen=True)
class Column:
    """One block.

    Attributes:
        index: its position in the text.
        kind: as in the text.
        channels: of its output.
        range: the fewest and the most channels that the space has there; None without a space.
        side: of its output map, pixels.
        shade: of the resolution, 0 to `SHADES - 1`.
        stride: 1 or 2.
        kernel, expansion, se, activation: as text, "" where the block has none.
    """

    index: int
    kind: str
    channels: int
    range: tuple[int, int] | None
    side: int
    shade: int
    stride: int
    kernel: str
    expansion: str
    se: str
    activation: str

    @property
    def is_spatial(self) -> bool:
        """Whether its output is a map of pixels."""
        return self.kind not in ("ip", "pl", "fc")

    @property
    def words(self) -> str:
        """The block in a sentence.

        Example:
            >>> from fbnetv2_tf.architecture import parse_architecture
            >>> network = parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2")
            >>> print(network_columns(network)[1].words)
            block 1: convolution 3x3, stride 2, 8 channels at 4x4, relu
        """
        parts = [f"block {self.index}: {KINDS[self.kind]}"]
        parts[0] += f" {self.kernel}x{self.kernel}" if self.kernel else ""
        parts += [f"stride {self.stride}"] if self.stride > 1 else []
        parts += [f"expansion {self.expansion}"] if self.expansion else []
        noun = "classes" if self.kind == "fc" else f"channels at {self.side}x{self.side}"
        parts.append(f"{self.channels} {noun}")
        parts += [f"squeeze-and-excite {self.se}"] if self.se else []
        parts += [self.activation] if self.activation else []
        return ", ".join(parts)


def network_columns(architecture: Architecture, space: Space | None = None) -> list[Column]:
    """The columns of a network, with its input first.

    Args:
        architecture: the network.
        space: where it was searched.
    """
    first = architecture.blocks[0]
    side = architecture.side
    columns = [_column(0, first, architecture.input_channels, side, side, None)]
    for index, block, input_side, channels in walk(architecture):
        side = block_output_side(block.kind, block.stride or 1, input_side)
        ends = None
        if space is not None and len(space.blocks) == len(architecture.blocks):
            among = space.blocks[index].channels
            ends = (min(among), max(among)) if len(among) > 1 else None
        column = _column(index, block, block.channels or channels, side, architecture.side, ends)
        is_identity = block.kind == "sk" and block.stride == 1 and block.channels == channels
        columns.append(replace(column, activation="") if is_identity else column)
    return columns


def scale_of(columns: Sequence[Column]) -> int:
    """The channels that fill the height of a drawing: the most of any map, with its alternatives.

    The vectors at the end are often much longer, and are drawn cut off where they are.
    """
    widths = [max(c.channels, *(c.range or (0,))) for c in columns if c.is_spatial]
    return max(widths)


def _column(
    index: int, block: Block, channels: int, side: int, first: int, ends: tuple[int, int] | None
) -> Column:
    return Column(
        index=index,
        kind=block.kind,
        channels=channels,
        range=ends,
        side=side,
        shade=min(SHADES - 1, round(math.log2(first / side))),
        stride=block.stride or 1,
        kernel=str(block.kernel or ""),
        expansion=format_number(block.expansion) if block.expansion else "",
        se=format_number(block.se) if block.se else "",
        activation=ACTIVATIONS.get(block.activation or "", ""),
    )
