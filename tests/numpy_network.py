"""A network's forward pass in NumPy, written from the counting rules alone.

It reads a Keras model's weights by layer name and shares no other code with the builders.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fbnetv2_tf.architecture import Architecture, Block

Array = NDArray[np.float64]


def forward(
    architecture: Architecture, model: Any, images: Array, padding: str = "same"
) -> tuple[Array, list[Array]]:
    """The logits (batch, classes), and the map after every block but `fc`, `in` first."""
    weights = {layer.name: [np.float64(w) for w in layer.get_weights()] for layer in model.layers}
    maps = [np.float64(images)]
    for position, block in enumerate(architecture.blocks[1:-1], start=1):
        maps.append(_NumpyBlock(weights, f"b{position:02d}_", padding).apply(block, maps[-1]))
    kernel, bias = weights[f"b{len(maps):02d}_dense"]
    return maps[-1].mean((1, 2)) @ kernel + bias, maps


class _NumpyBlock:
    def __init__(self, weights: dict[str, list[Array]], prefix: str, padding: str) -> None:
        self.weights, self.prefix, self.padding = weights, prefix, padding

    def apply(self, block: Block, x: Array) -> Array:
        n = block.activation
        if block.kind == "pl":
            return x.mean((1, 2), keepdims=True)
        if block.kind == "sk" and block.stride == 1 and x.shape[-1] == block.channels:
            return x
        if block.kind in ("cn", "sk"):
            return act(n, self.norm("bn", self.conv("conv", x, block.stride or 1)))
        if block.kind == "ip":
            hidden = act(n, self.norm("expand_bn", self.conv("expand_conv", x)))
            return act(n, self.conv("project_conv", hidden.mean((1, 2), keepdims=True)))
        y = x
        if block.kind == "ir":
            y = act(n, self.norm("expand_bn", self.conv("expand_conv", x)))
        y = self.depthwise("depthwise_conv", y, block.stride or 1)
        y = act(n, self.norm("depthwise_bn", y))
        if block.se:
            z = act(n, self.conv("se_reduce", y.mean((1, 2), keepdims=True)))
            y = y * np.clip(self.conv("se_expand", z) + 3, 0, 6) / 6
        y = self.norm("project_bn", self.conv("project_conv", y))
        return x + y if y.shape == x.shape and block.stride == 1 else y

    def conv(self, name: str, x: Array, stride: int = 1) -> Array:
        kernel, *bias = self.weights[self.prefix + name]
        patches = self.patches(x, kernel.shape[0], stride)
        y = np.einsum("bhwijc,ijco->bhwo", patches, kernel)
        return y + bias[0] if bias else y

    def depthwise(self, name: str, x: Array, stride: int) -> Array:
        (kernel,) = self.weights[self.prefix + name]
        patches = self.patches(x, kernel.shape[0], stride)
        return np.einsum("bhwijc,ijc->bhwc", patches, kernel[..., 0])

    def norm(self, name: str, x: Array) -> Array:
        gamma, beta, mean, variance = self.weights[self.prefix + name]
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def patches(self, x: Array, kernel: int, stride: int) -> Array:
        """(batch, height, width, kernel, kernel, channels): what each output pixel sees."""
        out = -(-x.shape[1] // stride)
        total = max((out - 1) * stride + kernel - x.shape[1], 0)
        before = total // 2 if self.padding == "same" else kernel // 2
        widths = (before, max(total - before, kernel // 2))
        padded = np.pad(x, ((0, 0), widths, widths, (0, 0)))
        starts = np.arange(out) * stride
        rows = starts[:, None] + np.arange(kernel)
        return padded[:, rows][:, :, :, rows].transpose(0, 1, 3, 2, 4, 5)


def act(name: str | None, x: Array) -> Array:
    """An activation of the text."""
    if name == "re":
        return np.maximum(x, 0)
    if name == "r6":
        return np.clip(x, 0, 6)
    return x * np.clip(x + 3, 0, 6) / 6 if name == "hs" else x / (1 + np.exp(-x))


def randomize(model: Any, seed: int = 0) -> None:
    """Gives every weight, and BatchNorm's statistics too, a random value of a sane size."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        is_norm = layer.name.endswith("bn")
        layer.set_weights(
            [
                generator.uniform(0.5, 1.5, weight.shape)
                if is_norm and index in (0, 3)
                else generator.normal(0, 0.2 if is_norm or weight.ndim == 1 else 0.3, weight.shape)
                for index, weight in enumerate(layer.get_weights())
            ]
        )
