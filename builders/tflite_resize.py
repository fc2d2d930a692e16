"""A .tflite file with other dimensions: the same operators on maps of other sides and widths.

Converting a network takes a second, and a latency table needs hundreds of files that differ in
nothing but their dimensions. So one is converted, in dimensions that are all different, and the
others are made of it by exchanging numbers in its shapes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_FILE_IDENTIFIER = b"TFL3"


def resized(content: bytes, dimensions: Mapping[int, int]) -> bytes:
    """The file with every dimension of every tensor exchanged as told.

    Constants keep their values, repeated or cut to their new size, and so do the scales of their
    channels: the numbers that a network computes with say nothing of how long it takes.

    Args:
        content: of a .tflite file that has dimensions in its shapes alone: not among the options
            of an operator and not, as a RESHAPE has them, in a constant.
        dimensions: dimension -> what it becomes; one that is not there stays.

    Returns:
        The content of the new file.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    sizes: dict[int, tuple[int, int]] = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            before = np.asarray(tensor.shape, np.int32).tolist()
            after = [dimensions.get(side, side) for side in before]
            tensor.shape = np.array(after, np.int32)
            sizes[tensor.buffer] = math.prod(before), math.prod(after)
            _repeat_scales(tensor)
    for place, (old, new) in sizes.items():
        data = model.buffers[place].data
        if data is not None and len(data):
            elements = np.asarray(data).reshape(old, -1)
            model.buffers[place].data = np.resize(elements, (new, elements.shape[1])).ravel()
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def _repeat_scales(tensor: Any) -> None:
    """Gives each channel of a tensor that is quantized by channel a scale."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) < 2:
        return
    channels = int(tensor.shape[quantization.quantizedDimension])
    for name in ("scale", "zeroPoint", "min", "max"):
        values = getattr(quantization, name)
        if values is not None and len(values):
            setattr(quantization, name, np.resize(values, channels))
