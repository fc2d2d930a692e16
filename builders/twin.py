"""The twin of a model in the older Keras (`tf_keras`), which tensorflow-model-optimization needs.

The same blocks are put together in another dialect: layer names, weights and their order are those
of `build_model`, so `copy_weights` moves them both ways. tf_keras comes with the `qat` extra;
nothing else imports it, and no TF_USE_LEGACY_KERAS is needed.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

from fbnetv2_tf.architecture import Architecture

from .assembly import ModelOptions, assemble
from .layers import Dialect


@tf_keras.utils.register_keras_serializable("fbnetv2_tf")
class HardSigmoid(tf_keras.layers.Layer):  # type: ignore[misc]
    """`relu6(x + 3) / 6`; the activation of that name in tf_keras is `clip(x / 5 + 1/2, 0, 1)`."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The gate of every element, in [0, 1]."""
        return tf.nn.relu6(x + 3.0) * (1 / 6)


@tf_keras.utils.register_keras_serializable("fbnetv2_tf")
class HardSwish(tf_keras.layers.Layer):  # type: ignore[misc]
    """`x * relu6(x + 3) / 6`, which tf_keras does not have."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The activation of every element."""
        return x * (tf.nn.relu6(x + 3.0) * (1 / 6))


def build_twin(architecture: Architecture | str, **options: Any) -> Any:
    """Builds the tf_keras model of an architecture.

    Args:
        architecture: as for `build_model`.
        **options: those of `build_model`.

    Returns:
        A functional `tf_keras.Model`, whose layers are named like those of `build_model`.

    Raises:
        ArchitectureError: as `build_model`.
        InputError: as `build_model`.

    Example:
        >>> twin = build_twin("in_hw8_c3 cn_k3_s2_c8_nhs fc_c2", classes=5)
        >>> [layer.name for layer in twin.layers][:4], twin.output_shape
        (['b00_image', 'b01_conv', 'b01_bn', 'b01_act'], (None, 5))
    """
    return assemble(architecture, TF_KERAS, ModelOptions(**options))


def _activation(activation: str, **arguments: Any) -> Any:
    if activation == "re":
        return tf_keras.layers.ReLU(**arguments)
    if activation == "r6":
        return tf_keras.layers.ReLU(6.0, **arguments)
    if activation == "sw":
        return tf_keras.layers.Activation("swish", **arguments)
    return HardSwish(**arguments)


def _variable_dtype(dtype: Any) -> str:
    policy = tf_keras.mixed_precision.global_policy()
    return str((policy if dtype is None else tf_keras.mixed_precision.Policy(dtype)).variable_dtype)


TF_KERAS = Dialect(tf_keras, _activation, HardSigmoid, _variable_dtype)
