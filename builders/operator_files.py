"""Cutting a .tflite file into files of one operator each, to see where its time goes.

Python has no profile of LiteRT's delegate, which runs a whole graph as one node. One-operator files
show what each operator takes by itself: good for comparing them, not for a total, because maps that
stay in the cache inside the network, and the call itself, are paid once for each of them.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .litert import read_graph

_BLOCK = re.compile(r"(?<![a-z0-9])(b\d{2,3})_[a-z]")


@dataclass(frozen=True)
class OperatorFile:
    """One operator of a file as a file of its own.

    Attributes:
        name: such as `CONV_2D`.
        place: the block of our builder that it belongs to (`b03`), as `place_of` tells it.
        output_shape: of its first output.
        macs: its multiply-adds.
        content: the bytes of a .tflite file with this operator alone.
    """

    name: str
    place: str
    output_shape: tuple[int, ...]
    macs: int
    content: bytes


def operator_files(content: bytes) -> list[OperatorFile]:
    """Cuts a file.

    Operators that only unpack constants (`DEQUANTIZE` of a kernel) go with those that read them.

    Args:
        content: the bytes of the file.

    Returns:
        A file for each of the others, in execution order.

    Raises:
        ExportError: where the bytes are not those of a .tflite file.
    """
    described = read_graph(content).operators
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    constants = {n for n, tensor in enumerate(graph.tensors) if _is_constant(model, tensor)}
    unpacking: dict[int, Any] = {}
    files = []
    for operator, about in zip(graph.operators, described, strict=True):
        inputs = {int(i) for i in operator.inputs if i >= 0}
        if inputs <= constants:
            unpacking.update((int(i), operator) for i in operator.outputs)
            continue
        before = [unpacking[i] for i in sorted(inputs) if i in unpacking]
        files.append(
            OperatorFile(
                name=about.name,
                place=place_of(about.output),
                output_shape=about.output_shape,
                macs=about.macs,
                content=_alone(model, [*before, operator], constants),
            )
        )
    return files


def place_of(output: str) -> str:
    """The block that a tensor's name tells, `logits` for the network's output, or the name's end.

    Example:
        >>> place_of("network/b03_expand_act/Relu;network/b03_expand_bn/add"), place_of("a/b:0")
        ('b03', 'b:0')
        >>> place_of("network/quant_b12_add/add")
        'b12'
    """
    found = _BLOCK.findall(output)
    if found:
        return str(max(found))
    if "PartitionedCall" in output:
        return "logits"
    return output.partition(";")[0].rsplit("/", maxsplit=1)[-1]


def _is_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _alone(model: Any, operators: list[Any], constants: set[int]) -> bytes:
    """The bytes of a file with a few operators, whose tensors and buffers alone are kept."""
    kept: dict[int, int] = {}
    for operator in operators:
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0:
                kept.setdefault(int(index), len(kept))
    one = schema.ModelT(version=model.version, description=b"one operator", buffers=[])
    one.buffers.append(schema.BufferT())
    graph = schema.SubGraphT(tensors=[], operators=[])
    for index in kept:
        tensor = copy(model.subgraphs[0].tensors[index])
        if index in constants:
            one.buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = len(one.buffers) - 1 if index in constants else 0
        graph.tensors.append(tensor)
    made: set[int] = set()
    one.operatorCodes = []
    for operator in operators:
        ours = copy(operator)
        one.operatorCodes.append(model.operatorCodes[operator.opcodeIndex])
        ours.opcodeIndex = len(one.operatorCodes) - 1
        ours.inputs = _renumbered(operator.inputs, kept)
        ours.outputs = _renumbered(operator.outputs, kept)
        made |= {int(i) for i in operator.outputs}
        graph.operators.append(ours)
    runtime = [i for i in kept if i not in constants and i not in made]
    graph.inputs = np.array([kept[i] for i in runtime], np.int32)
    graph.outputs = _renumbered(operators[-1].outputs, kept)
    one.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(one.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _renumbered(indices: Any, kept: dict[int, int]) -> Any:
    return np.array([kept[int(i)] if i >= 0 else -1 for i in indices], np.int32)
