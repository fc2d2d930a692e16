"""Copying weights between two models of one architecture, by the names of their layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fbnetv2_tf.errors import InputError


def copy_weights(source: Any, target: Any) -> None:
    """Gives every layer of `target` the weights of the layer of that name in `source`.

    Works between Keras 3, the older `tf_keras`, padding styles and dtype policies alike. The source
    may have more layers (a classifier), the target may not.

    Args:
        source: a Keras or tf_keras model; it is not changed.
        target: another one.

    Raises:
        InputError: a layer of the target has no counterpart, or one of other shapes. Nothing has
            been copied then.
    """
    weights = {layer.name: layer.get_weights() for layer in source.layers if layer.weights}
    layers = [layer for layer in target.layers if layer.weights]
    for layer in layers:
        given = [tuple(np.shape(weight)) for weight in weights.get(layer.name, [])]
        expected = [tuple(weight.shape) for weight in layer.weights]
        if given != expected:
            raise InputError(
                f"The source must have a layer {layer.name!r} with weights of shapes {expected}. "
                f"Received: {given or 'no such layer'}."
            )
    for layer in layers:
        layer.set_weights(weights[layer.name])
