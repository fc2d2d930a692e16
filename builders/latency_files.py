"""The .tflite files that a latency table is measured with.

Whole networks are converted. Of blocks alone one is converted for each graph that there is, and
the others are resized from it (`tflite_resize`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fbnetv2_tf.architecture import Architecture, Block, parse_architecture
from fbnetv2_tf.counting import block_output_side
from fbnetv2_tf.rounding import hidden_channels, se_channels

from .model import build_model
from .tflite_convert import convert
from .tflite_graph import deployable
from .tflite_resize import resized

DTYPES = {"float32": "none", "int8": "int8"}
"""Type of the numbers in a file -> `quantization` of the export."""

CALIBRATION_MAPS = 8

RESIZABLE = ("cn", "ds", "ir", "ip")
"""Kinds whose files are resized; the others are few."""

# Dimensions of a template. None may equal another, half the side, 1, or the 2 of a mean's axes.
_SIDE, _KERNEL, _INPUT, _CHANNELS, _EXPANSION, _RATIO = 36, 13, 40, 56, 2.4, 0.25


@dataclass(frozen=True)
class _Graph:
    """What two blocks must have in common to be files of the same operators."""

    kind: str
    stride: int
    has_kernel: bool
    has_se: bool
    activation: str | None
    has_residual: bool


class BlockFiles:
    """Makes files, the slow conversions once for each graph.

    Args:
        dtype: `float32` or `int8`.
        seed: of the maps that int8 ranges are found on.

    Example:
        >>> texts = [f"in_hw{side}_c3 cn_k3_s2_c8_nre fc_c1" for side in (8, 16, 32)]
        >>> BlockFiles("float32").conversions(texts)
        1
    """

    def __init__(self, dtype: str, seed: int = 0) -> None:
        self.dtype, self.seed = dtype, seed
        self._templates: dict[_Graph, bytes] = {}

    def make(self, text: str) -> bytes:
        """The file of a network with random weights; of a block alone without its classifier."""
        architecture = parse_architecture(text)
        if not _is_resizable(architecture):
            return network_file(text, self.dtype, self.seed)
        graph = _graph_of(architecture)
        if graph not in self._templates:
            template = str(_template(graph))
            self._templates[graph] = network_file(template, self.dtype, self.seed)
        old, new = _dimensions(_template(graph)), _dimensions(architecture)
        return resized(self._templates[graph], dict(zip(old, new, strict=True)))

    def conversions(self, texts: Iterable[str]) -> int:
        """How many of these files have to be converted, which takes about a second each."""
        architectures = [parse_architecture(text) for text in dict.fromkeys(texts)]
        blocks = [a for a in architectures if _is_resizable(a)]
        graphs = {_graph_of(a) for a in blocks} - set(self._templates)
        return len(architectures) - len(blocks) + len(graphs)


def network_file(text: str, dtype: str, seed: int = 0) -> bytes:
    """A converted .tflite file of a network with random weights.

    Args:
        text: of the network; of one block alone the classifier is left out.
        dtype: `float32` or `int8`.
        seed: of the maps that int8 ranges are found on.
    """
    model = build_model(text, include_top=not _is_alone(parse_architecture(text)))
    shape = (CALIBRATION_MAPS, *model.input_shape[1:])
    maps = np.random.default_rng(seed).random(shape, np.float32)
    return convert(
        deployable(model, fused_hard_swish=dtype == "float32"),
        quantization=DTYPES[dtype],
        calibration=maps if dtype == "int8" else None,
        image_type=dtype,
    )


def _is_alone(architecture: Architecture) -> bool:
    """Whether it is one block, as `latency_blocks` writes it: before a classifier of one class."""
    return len(architecture.blocks) == 3 and architecture.classes == 1


def _is_resizable(architecture: Architecture) -> bool:
    return _is_alone(architecture) and architecture.blocks[1].kind in RESIZABLE


def _graph_of(architecture: Architecture) -> _Graph:
    first, block = architecture.blocks[:2]
    stride = block.stride or 1
    return _Graph(
        kind=block.kind,
        stride=stride,
        has_kernel=(block.kernel or 1) > 1,
        has_se=bool(block.se),
        activation=block.activation,
        has_residual=block.kind in ("ds", "ir")
        and stride == 1
        and first.channels == block.channels,
    )


def _template(graph: _Graph) -> Architecture:
    """A network of the graph whose dimensions are all different."""
    values: dict[str, Any] = {"activation": graph.activation}
    values["channels"] = _INPUT if graph.has_residual else _CHANNELS
    if graph.kind != "ip":
        values |= {"stride": graph.stride, "kernel": _KERNEL if graph.has_kernel else 1}
    if graph.kind in ("ir", "ip"):
        values["expansion"] = _EXPANSION
    if graph.kind in ("ds", "ir"):
        values["se"] = _RATIO if graph.has_se else 0.0
    first = Block("in", side=_SIDE, channels=_INPUT)
    return Architecture((first, Block(graph.kind, **values), Block("fc", channels=1)))


def _dimensions(architecture: Architecture) -> tuple[int, ...]:
    """Sides, widths and kernel of a block, in an order that is the same for all."""
    first, block = architecture.blocks[:2]
    side, c_in = int(first.side or 0), int(first.channels or 0)
    hidden = hidden_channels(c_in, block.expansion) if block.expansion else c_in
    squeezed = se_channels(hidden, block.se) if block.se else 0
    out = block_output_side(block.kind, block.stride or 1, side)
    widths = (c_in, hidden, squeezed, int(block.channels or 0))
    return (side, out, *widths, int(block.kernel or 0))
