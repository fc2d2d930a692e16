"""Convolutions whose kernel takes the masks of what is chosen around it.

`(x * m) @ W == x @ (diag(m) W)`: the mask of an input, hidden or output width, and the mask that
cuts a 5x5 kernel down to 3x3, all multiply the kernel. The map is never touched (law 3). Masks and
kernels are float32; their product is cast to the dtype of the map.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .depthwise import depthwise_conv2d
from .pointwise import conv2d


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedConv2D(keras.layers.Layer):
    """A "same"-padded convolution without bias.

    Args:
        filters: output channels.
        kernel: side of the kernel.
        stride: 1 or 2.

    Call arguments:
        x: (batch, height, width, channels).
        kernel_mask: (kernel, kernel, 1, 1) or None.
        input_mask: (channels, 1) or None.
    """

    def __init__(self, filters: int, kernel: int = 1, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.filters = filters
        self.kernel_side = kernel
        self.stride = stride

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_side, self.kernel_side, input_shape[-1], self.filters),
            initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
            autocast=False,
        )

    def call(self, x: tf.Tensor, kernel_mask: Any = None, input_mask: Any = None) -> tf.Tensor:
        kernel = _masked(self.kernel, kernel_mask)
        if input_mask is not None:
            kernel *= input_mask
        x = tf.cast(x, self.compute_dtype)
        return conv2d(x, tf.cast(kernel, x.dtype), self.stride)

    def get_config(self) -> dict[str, Any]:
        config = {"filters": self.filters, "kernel": self.kernel_side, "stride": self.stride}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedDepthwiseConv2D(keras.layers.Layer):
    """A "same"-padded depthwise convolution without bias.

    Args:
        kernel: side of the largest kernel; a smaller one is its centre.
        stride: 1 or 2.

    Call arguments:
        x: (batch, height, width, channels).
        kernel_mask: (kernel, kernel, 1, 1) or None.
    """

    def __init__(self, kernel: int, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.kernel_side = kernel
        self.stride = stride

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        deviation = (2.0 / self.kernel_side**2) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_side, self.kernel_side, input_shape[-1], 1),
            initializer=keras.initializers.RandomNormal(stddev=deviation),
            autocast=False,
        )

    def call(self, x: tf.Tensor, kernel_mask: Any = None) -> tf.Tensor:
        kernel = _masked(self.kernel, kernel_mask)
        x = tf.cast(x, self.compute_dtype)
        return depthwise_conv2d(x, tf.cast(kernel, x.dtype), self.stride)

    def get_config(self) -> dict[str, Any]:
        config = {"kernel": self.kernel_side, "stride": self.stride}
        return {**super().get_config(), **config}


def _masked(kernel: Any, kernel_mask: Any) -> tf.Tensor:
    kernel = tf.convert_to_tensor(kernel)
    return kernel if kernel_mask is None else kernel * kernel_mask
