"""The operators of a network at run time, in order, and which tensors are alive while each runs.

The operators are those of the .tflite that `export_tflite` writes: BatchNorm and relu disappear
into the convolution before them, and so does the hard-sigmoid's clipping. A tensor lives from the
operator that writes it to the last one that reads it. No Keras and no TensorFlow here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .architecture import Architecture, Block
from .counting import block_output_side, layer_name, walk
from .rounding import hidden_channels, output_side, se_channels

IMAGE = 0
"""The number of the image among the tensors."""


@dataclass(frozen=True)
class Step:
    """One operator at run time.

    Attributes:
        layer: the Keras layer whose output it computes, with what is fused into it.
        operator: `conv`, `pool`, or an element-wise `unary`, `binary` or `scale`.
        inputs: the tensors that it reads, by number; 0 is the image.
        output: the tensor that it writes.
        elements: of the output, for one image.
    """

    layer: str
    operator: str
    inputs: tuple[int, ...]
    output: int
    elements: int


@dataclass(frozen=True)
class Lifetime:
    """When a tensor is alive.

    Attributes:
        elements: for one image.
        first, last: the operators, counted from 0, that write it and that read it last.
    """

    elements: int
    first: int
    last: int


def lifetimes(
    architecture: Architecture, *, hard_swish: str = "decomposed", keeps_image: bool = False
) -> list[Lifetime]:
    """Every tensor of a network: the image, then the operators' outputs in order.

    Args:
        architecture: the network.
        hard_swish: `decomposed`, as int8 files have it by default, or `fused`.
        keeps_image: whether the image stays until the end, as LiteRT has it (TFLM has not).
    """
    steps = execution_steps(architecture, hard_swish=hard_swish)
    end = len(steps) - 1
    readers = {tensor: time for time, step in enumerate(steps) for tensor in step.inputs}
    image = architecture.side**2 * architecture.input_channels
    tensors = [Lifetime(image, 0, end if keeps_image else readers[IMAGE])]
    return tensors + [
        Lifetime(step.elements, time, readers.get(step.output, end))
        for time, step in enumerate(steps)
    ]


def live_elements(architecture: Architecture, *, hard_swish: str = "decomposed") -> dict[str, int]:
    """The most elements alive while each layer runs, by the layer's name, in execution order.

    Example:
        >>> from fbnetv2_tf.architecture import parse_architecture
        >>> live_elements(parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
        {'b01_conv': 320, 'b02_pool': 136, 'b02_dense': 10}
    """
    steps = execution_steps(architecture, hard_swish=hard_swish)
    tensors = lifetimes(architecture, hard_swish=hard_swish)
    change = [0] * (len(steps) + 1)
    for tensor in tensors:
        change[tensor.first] += tensor.elements
        change[tensor.last + 1] -= tensor.elements
    most: dict[str, int] = {}
    alive = 0
    for step, added in zip(steps, change, strict=False):
        alive += added
        most[step.layer] = max(most.get(step.layer, 0), alive)
    return most


def execution_steps(architecture: Architecture, *, hard_swish: str = "decomposed") -> list[Step]:
    """The operators of a network in the order in which an interpreter runs them."""
    graph = _Graph(hard_swish == "decomposed")
    tensor = IMAGE
    for position, block, side, channels in walk(architecture):
        tensor = _add_block(graph, position, block, side, channels, tensor)
    return _without_folded_scales(graph.steps)


class _Graph:
    """Collects operators; tensors are numbered in the order in which they are written."""

    def __init__(self, decomposes: bool) -> None:
        self.decomposes = decomposes
        self.steps: list[Step] = []

    def add(self, layer: str, operator: str, elements: int, *inputs: int) -> int:
        """Adds an operator; returns the number of its output."""
        self.steps.append(Step(layer, operator, inputs, len(self.steps) + 1, elements))
        return len(self.steps)

    def convolution(self, layer: str, elements: int, source: int, activation: str | None) -> int:
        """A convolution and its activation; relu and relu6 are part of the same operator."""
        tensor = self.add(layer, "conv", elements, source)
        if activation == "hs" and not self.decomposes:
            return self.add(layer, "unary", elements, tensor)
        if activation in ("hs", "sw"):
            gate = self.add(layer, "unary", elements, tensor)
            tensor = self.add(layer, "binary", elements, tensor, gate)
        if activation == "hs":
            return self.add(layer, "scale", elements, tensor)
        return tensor


def _add_block(
    graph: _Graph, position: int, block: Block, side: int, channels: int, source: int
) -> int:
    """Adds the operators of a block; returns the number of its output."""
    name = partial(layer_name, position)
    kind, width = block.kind, block.channels or channels
    out = block_output_side(kind, block.stride or 1, side) ** 2 * width
    if kind == "cn" or (kind == "sk" and (block.stride != 1 or width != channels)):
        return graph.convolution(name("conv"), out, source, block.activation)
    if kind == "sk":
        return source
    if kind == "pl":
        return graph.add(name("pool"), "pool", channels, source)
    if kind == "fc":
        # A map of one pixel is as it stands the vector that the classifier reads.
        pooled = graph.add(name("pool"), "pool", channels, source) if side > 1 else source
        return graph.add(name("dense"), "conv", width, pooled)
    hidden, tensor = channels, source
    if block.expansion is not None:
        hidden = hidden_channels(channels, block.expansion)
        tensor = graph.convolution(name("expand_conv"), side**2 * hidden, source, block.activation)
    if kind == "ip":
        tensor = graph.add(name("pool"), "pool", hidden, tensor)
        return graph.convolution(name("project_conv"), width, tensor, block.activation)
    filtered = output_side(side, block.stride or 1) ** 2 * hidden
    tensor = graph.convolution(name("depthwise_conv"), filtered, tensor, block.activation)
    if block.se:
        tensor = _add_gate(graph, name, block, hidden, filtered, tensor)
    tensor = graph.add(name("project_conv"), "conv", out, tensor)
    if block.stride == 1 and width == channels:
        tensor = graph.add(name("add"), "binary", out, source, tensor)
    return tensor


def _add_gate(
    graph: _Graph, name: Callable[[str], str], block: Block, hidden: int, elements: int, source: int
) -> int:
    """Squeeze-and-excite: the gated map lives beside the map that the gate is computed from."""
    gate = graph.add(name("se_pool"), "pool", hidden, source)
    squeezed = se_channels(hidden, block.se)
    gate = graph.convolution(name("se_reduce"), squeezed, gate, block.activation)
    gate = graph.add(name("se_expand"), "conv", hidden, gate)
    return graph.add(name("se_scale"), "binary", elements, source, gate)


def _without_folded_scales(steps: list[Step]) -> list[Step]:
    """Leaves out constant factors that the converter folds into the only reader's kernel."""
    readers: dict[int, list[str]] = {}
    for step in steps:
        for tensor in step.inputs:
            readers.setdefault(tensor, []).append(step.operator)
    kept: list[Step] = []
    number = {IMAGE: IMAGE}
    for step in steps:
        if step.operator == "scale" and readers.get(step.output) == ["conv"]:
            number[step.output] = number[step.inputs[0]]
            continue
        number[step.output] = len(kept) + 1
        inputs = tuple(number[tensor] for tensor in step.inputs)
        kept.append(Step(step.layer, step.operator, inputs, len(kept) + 1, step.elements))
    return kept
