"""The cost of a built Keras model, counted from its layers and shapes alone."""

from __future__ import annotations

import math
from typing import Any


def count_layers(model: Any) -> dict[str, int]:
    """MACs, weights, parameters and pooled elements of a model for one image."""
    totals = {"macs": 0, "weights": 0, "parameters": 0, "pooled_elements": 0}
    for layer in model.layers:
        kind = type(layer).__name__
        totals["parameters"] += sum(math.prod(v.shape) for v in layer.trainable_variables)
        if kind in ("Conv2D", "DepthwiseConv2D"):
            _, height, width, _ = layer.output.shape
            weights = math.prod(layer.kernel.shape)
            totals["weights"] += weights
            totals["macs"] += height * width * weights
        elif kind == "Dense":
            totals["weights"] += math.prod(layer.kernel.shape)
            totals["macs"] += math.prod(layer.kernel.shape)
        elif kind in ("GlobalAveragePooling2D", "Flatten"):
            totals["pooled_elements"] += math.prod(layer.input.shape[1:])
    return totals
