"""The layers of one block, each made and named in one place, for Keras 3 and for its older form.

A `LayerStyle` says how layers are made wherever they stand; `BlockLayers` makes those of one block.
No TensorFlow here: the style brings the Keras that it means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fbnetv2_tf.counting import layer_name

ALMOST_A_SIXTH = float(np.nextafter(np.float32(1 / 6), np.float32(1)))
"""The float32 above 1/6: no converter takes a product with it for a hard-swish and fuses it."""

Tensor = Any
"""A symbolic Keras tensor (batch, height, width, channels)."""


@dataclass(frozen=True)
class Dialect:
    """A Keras, and what it calls the things that the two differ in.

    Attributes:
        keras: the module `keras`, or `tf_keras`.
        activation: `(text's activation, **layer arguments) -> layer`.
        gate: `(**layer arguments) -> layer`, the hard-sigmoid `relu6(x + 3) / 6`.
        variable_dtype: the dtype of a policy's variables, such as float32 of `mixed_float16`.
    """

    keras: Any
    activation: Callable[..., Any]
    gate: Callable[..., Any]
    variable_dtype: Callable[[Any], str]


@dataclass(frozen=True)
class LayerStyle:
    """How layers are made, whatever the block.

    Attributes:
        dialect: which Keras.
        padding: `same` (more on the right and below where it is uneven) or `symmetric` (`k // 2`
            on every side, as PyTorch pads).
        bn_epsilon, bn_momentum: of every BatchNormalization.
        dtype: a Keras dtype policy or its name; None for the global one.
        logits_dtype: of the classifier, which mixed policies leave in float32.
        zero_init_residual: whether the last gamma before a residual starts at 0.
        fused_hard_swish: whether a hard-swish is one layer, or the operators that it consists of.
        se_activation: of every squeeze-and-excite; None for the block's own.
        head_bias: whether the last 1x1 of `ip` has a bias.
    """

    dialect: Dialect
    padding: str = "same"
    bn_epsilon: float = 1e-5
    bn_momentum: float = 0.9
    dtype: Any = None
    logits_dtype: Any = None
    zero_init_residual: bool = True
    fused_hard_swish: bool = True
    se_activation: str | None = None
    head_bias: bool = False


class BlockLayers:
    """Makes the layers of one block, each named after the block's position in the text.

    Args:
        style: how layers are made.
        block: the block's position in the text.
    """

    def __init__(self, style: LayerStyle, block: int) -> None:
        self.style = style
        self.block = block

    def make(self, kind: str, part: str, **arguments: Any) -> Any:
        """A layer of `keras.layers`, named `bNN_part`."""
        return getattr(self.style.dialect.keras.layers, kind)(**{**self._common(part), **arguments})

    def convolution(
        self,
        x: Tensor,
        part: str,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        **arguments: Any,
    ) -> Tensor:
        """A convolution without bias (unless `use_bias=True`) and with a He-normal kernel."""
        x, padding = self._pad(x, kernel, stride)
        layer = self.make(
            "Conv2D",
            part,
            filters=channels,
            kernel_size=kernel,
            strides=stride,
            padding=padding,
            use_bias=arguments.pop("use_bias", False),
            kernel_initializer=self._he_normal(),
            **arguments,
        )
        return layer(x)

    def depthwise(self, x: Tensor, kernel: int, stride: int) -> Tensor:
        """A depthwise convolution without bias."""
        x, padding = self._pad(x, kernel, stride)
        layer = self.make(
            "DepthwiseConv2D",
            "depthwise_conv",
            kernel_size=kernel,
            strides=stride,
            padding=padding,
            use_bias=False,
            depthwise_initializer=self._he_normal(),
        )
        return layer(x)

    def norm(self, x: Tensor, part: str, before_residual: bool = False) -> Tensor:
        """A BatchNormalization; gamma starts at 0 where the block would start as its residual."""
        zero = before_residual and self.style.zero_init_residual
        layer = self.make(
            "BatchNormalization",
            part,
            epsilon=self.style.bn_epsilon,
            momentum=self.style.bn_momentum,
            gamma_initializer="zeros" if zero else "ones",
        )
        return layer(x)

    def activate(self, x: Tensor, part: str, activation: str) -> Tensor:
        """An activation of the text: `re`, `r6`, `hs` or `sw`."""
        if activation != "hs" or self.style.fused_hard_swish:
            return self.style.dialect.activation(activation, **self._common(part))(x)
        shifted = self.make("Rescaling", f"{part}_shift", scale=1.0, offset=3.0)(x)
        clipped = self.style.dialect.activation("r6", **self._common(f"{part}_clip"))(shifted)
        product = self.make("Multiply", f"{part}_product")([x, clipped])
        return self.make("Rescaling", part, scale=ALMOST_A_SIXTH)(product)

    def squeeze_and_excite(self, x: Tensor, squeezed: int, activation: str) -> Tensor:
        """Multiplies each channel of `x` by a gate that is computed from the mean of the map."""
        z = self.mean(x, "se_pool")
        z = self.convolution(z, "se_reduce", squeezed, use_bias=True)
        z = self.activate(z, "se_act", self.style.se_activation or activation)
        z = self.convolution(z, "se_expand", int(x.shape[-1]), use_bias=True)
        if self.style.fused_hard_swish:
            gate = self.style.dialect.gate(**self._common("se_gate"))(z)
            return self.make("Multiply", "se_scale")([x, gate])
        # A sixth after the product folds into the projection that follows.
        shifted = self.make("Rescaling", "se_shift", scale=1.0, offset=3.0)(z)
        gate = self.style.dialect.activation("r6", **self._common("se_gate"))(shifted)
        product = self.make("Multiply", "se_product")([x, gate])
        return self.make("Rescaling", "se_scale", scale=1 / 6)(product)

    def mean(self, x: Tensor, part: str) -> Tensor:
        """The mean of each channel over the whole map: (batch, 1, 1, channels)."""
        return self.make("GlobalAveragePooling2D", part, keepdims=True)(x)

    def drop_path(self, x: Tensor, rate: float) -> Tensor:
        """Stochastic depth: leaves out the branch `x` of whole images, during training."""
        if not rate:
            return x
        return self.make("Dropout", "drop_path", rate=rate, noise_shape=(None, 1, 1, 1))(x)

    def _common(self, part: str) -> dict[str, Any]:
        return {"name": layer_name(self.block, part), "dtype": self.style.dtype}

    def _pad(self, x: Tensor, kernel: int, stride: int) -> tuple[Tensor, str]:
        """Zeros around the map where "same" would not put them evenly, and the padding left."""
        if self.style.padding == "same" or stride == 1 or kernel == 1:
            return x, "same"
        return self.make("ZeroPadding2D", "padding", padding=kernel // 2)(x), "valid"

    def _he_normal(self) -> Any:
        """He-normal by fan-out; of a depthwise kernel, (k, k, channels, 1), that is k * k."""
        return self.style.dialect.keras.initializers.VarianceScaling(
            2.0, "fan_out", "untruncated_normal"
        )
