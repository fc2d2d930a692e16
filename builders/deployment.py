"""A lint for deployment: what in a .tflite file a target will not like, and what to change.

The target `xnnpack` asks LiteRT's own delegate, as it is installed here, what it leaves out. What
the others take is in `targets.json`, from where they are defined: tflite-micro's
`python_ops_resolver.cc` (tflm), the table "Supported operations" of coral.ai's "TensorFlow models
on the Edge TPU" (edgetpu), and the switch in LiteRT's `gpu_compatibility.cc` (gpu). Those are names
of operators: what a target asks of their arguments is for its own compiler to say. (LiteRT's
`Analyzer` with `gpu_compatibility=True` is of no use: in 2.21 it takes ROUND, which is not there.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .litert import LiteGraph, LiteModel, LiteOperator, read_graph
from .operator_files import place_of

TARGETS = ("xnnpack", "tflm", "edgetpu", "gpu")

CHANNEL_MULTIPLE = 8
"""Channels that the kernels of phones compute at a time."""

TAKEN_FILE = Path(__file__).parent / "targets.json"

_INSTEAD = {
    "HARD_SWISH": "export with --hard_swish=decomposed, or search without hs (the preset "
    "quantizable28)",
    "LOGISTIC": "use r6, hs or re instead of sw",
}
_ELSE = "leave the layer out, or compute it outside the network"

_WHOLE_NUMBERS_ONLY = ("edgetpu",)
_ONE_PIECE_ONLY = ("edgetpu",)  # its compiler says "More than one subgraph is not supported"
_BORDER = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class Finding:
    """One thing that a target will not like.

    Attributes:
        rule: `operator`, `type`, `channels`, `odd map` or `open shape`.
        where: the block, or the name of a tensor.
        what: what there is.
        change: what to change.
    """

    rule: str
    where: str
    what: str
    change: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.change}"


def findings(content: bytes, target: str) -> tuple[Finding, ...]:
    """What a target will not like in a file.

    Args:
        content: the bytes of the .tflite file.
        target: one of `TARGETS`.

    Returns:
        The findings, those that matter most first; of each kind the same sentence once.

    Raises:
        ExportError: where the bytes are not those of a .tflite file.
    """
    graph = read_graph(content)
    found = [
        *_open_shapes(graph),
        *_types(graph, target),
        *_operators(content, graph, target),
        *_channels(graph),
        *_odd_maps(graph),
    ]
    return tuple(dict.fromkeys(found))


def _open_shapes(graph: LiteGraph) -> Iterator[Finding]:
    if graph.open_tensors:
        yield Finding(
            "open shape",
            graph.open_tensors[0],
            f"{len(graph.open_tensors)} tensors have a side of any length",
            "build the model with a fixed input size and export one image at a time",
        )


def _types(graph: LiteGraph, target: str) -> Iterator[Finding]:
    floats = [each for each in graph.float_operators if each.name not in _BORDER]
    if target in _WHOLE_NUMBERS_ONLY and floats:
        yield Finding(
            "type",
            place_of(floats[0].output),
            f"{len(floats)} operators compute in floating point, and {target} takes int8 alone",
            "export with --quantization=int8",
        )


def _operators(content: bytes, graph: LiteGraph, target: str) -> Iterator[Finding]:
    if target == "xnnpack":
        left = LiteModel(content).undelegated_operators
        counts = {name: left.count(name) for name in dict.fromkeys(left) if name not in _BORDER}
    else:
        taken = json.loads(TAKEN_FILE.read_text(encoding="utf-8"))[target]
        outside = [each.name for each in graph.operators if each.name not in taken]
        counts = {name: outside.count(name) for name in dict.fromkeys(outside)}
    too = ", and all that follows the first" if target in _ONE_PIECE_ONLY else ""
    for name, count in counts.items():
        first = next(each for each in graph.operators if each.name == name)
        yield Finding(
            "operator",
            place_of(first.output),
            f"{target} leaves out {name} ({count} of {len(graph.operators)} operators){too}",
            _INSTEAD.get(name, _ELSE),
        )


def _channels(graph: LiteGraph) -> Iterator[Finding]:
    for each in graph.operators:
        if each.name not in ("CONV_2D", "DEPTHWISE_CONV_2D") or not each.output_shape:
            continue
        channels = each.output_shape[-1]
        if channels % CHANNEL_MULTIPLE and not _is_classifier(each):
            up = -(-channels // CHANNEL_MULTIPLE) * CHANNEL_MULTIPLE
            yield Finding(
                "channels",
                place_of(each.output),
                f"{channels} channels are no multiple of {CHANNEL_MULTIPLE}",
                f"{up} take about the same time; search in steps of {CHANNEL_MULTIPLE}",
            )


def _is_classifier(operator: LiteOperator) -> bool:
    """A 1x1 convolution of a single pixel: its channels are classes or a gate's."""
    return operator.output_shape[1:-1] == (1, 1)


def _odd_maps(graph: LiteGraph) -> Iterator[Finding]:
    for each in graph.operators:
        if len(each.input_shape) != 4 or len(each.output_shape) != 4:
            continue
        side, after = each.input_shape[1], each.output_shape[1]
        if side % 2 and 1 < after < side:
            yield Finding(
                "odd map",
                place_of(each.output),
                f"a stride on a map of odd side {side} pads it unevenly",
                "choose an input side that is a multiple of the product of the strides",
            )
