"""Networks in PyTorch, written from the counting rules, with the names of published checkpoints.

`MobileVision` has the module tree of mobile-vision's models, `Timm` that of timm's MobileNetV3 and
FBNet-C. They share no code with the builders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from fbnetv2_tf.architecture import Architecture, Block

ACTIVATIONS = {"re": nn.ReLU, "r6": nn.ReLU6, "hs": nn.Hardswish, "sw": nn.SiLU}


STAGES = {
    "fbnetv2_f1": (1, 1, 2, 2, 6, 4, 1),
    "fbnetv2_f2": (1, 1, 2, 2, 6, 4, 1),
    "fbnetv2_f3": (1, 1, 2, 2, 6, 4, 1),
    "fbnetv2_f4": (1, 1, 3, 4, 7, 4, 1),
    "fbnetv2_l1": (1, 1, 4, 4, 10, 6, 1),
    "fbnetv2_l2": (1, 1, 4, 4, 10, 6, 1),
    "fbnet_b": (1, 1, 4, 4, 8, 5, 1),
    "fbnet_c": (1, 1, 4, 4, 8, 5, 1),
    "mobilenet_v3_large": (1, 1, 2, 3, 6, 3, 1),
    "mobilenet_v2": (1, 1, 2, 3, 7, 4, 1),
}
"""How many blocks each stage of the published definitions has, of the networks with weights."""

WITH_BIASES = ("fbnet_b", "fbnet_c")
"""The networks whose definitions have a bias in every convolution of a block."""


def round8(width: float) -> int:
    """The published rounding."""
    rounded = max(8, int(width / 8 + 0.5) * 8)
    return rounded + 8 if rounded < 0.95 * width else rounded


def conv(c_in: int, c_out: int, k: int = 1, s: int = 1, bias: bool = False, groups: int = 1) -> Any:
    return nn.Conv2d(c_in, c_out, k, s, k // 2, bias=bias, groups=groups)


def unit(c_in: int, c_out: int, act: str | None, *, bias: bool = False, **arguments: int) -> Any:
    """A convolution, its BatchNorm and its activation as mobile-vision's `conv`, `bn`, `relu`."""
    parts = nn.Sequential()
    parts.add_module("conv", conv(c_in, c_out, bias=bias, **arguments))
    parts.add_module("bn", nn.BatchNorm2d(c_out, eps=1e-5))
    if act:
        parts.add_module("relu", ACTIVATIONS[act]())
    return parts


class Gate(nn.Module):
    def __init__(self, channels: int, ratio: float, act: str) -> None:
        super().__init__()
        squeezed = round8(int(channels * ratio))
        reduce = nn.Sequential()
        reduce.add_module("conv", conv(channels, squeezed, bias=True))
        reduce.add_module("relu", ACTIVATIONS[act]())
        self.se = nn.Sequential(reduce, conv(squeezed, channels, bias=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * nn.functional.relu6(self.se(x.mean((2, 3), keepdim=True)) + 3) / 6


class InvertedResidual(nn.Module):
    def __init__(self, c_in: int, block: Block, bias: bool) -> None:
        super().__init__()
        act, c_out = str(block.activation), block.channels or 0
        hidden = round8(c_in * block.expansion) if block.expansion is not None else c_in
        if block.kind == "ir":
            self.pw = unit(c_in, hidden, act, bias=bias)
        kernel, stride = block.kernel or 1, block.stride or 1
        self.dw = unit(hidden, hidden, act, bias=bias, k=kernel, s=stride, groups=hidden)
        if block.se:
            self.se = Gate(hidden, block.se, act)
        self.pwl = unit(hidden, c_out, None, bias=bias)
        self.has_residual = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for part in self.children():
            y = part(y)
        return x + y if self.has_residual else y


class Skip(nn.Module):
    def __init__(self, c_in: int, block: Block) -> None:
        super().__init__()
        c_out, stride = block.channels or 0, block.stride or 1
        is_identity = stride == 1 and c_in == c_out
        self.conv = None if is_identity else unit(c_in, c_out, block.activation, s=stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.conv is None else self.conv(x)


class PooledHead(nn.Module):
    def __init__(self, c_in: int, block: Block) -> None:
        super().__init__()
        hidden = round8(c_in * (block.expansion or 1))
        self.pw = unit(c_in, hidden, block.activation)
        self.pwl = nn.Sequential()
        self.pwl.add_module("conv", conv(hidden, block.channels or 0))
        self.act = ACTIVATIONS[str(block.activation)]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.pwl(self.pw(x).mean((2, 3), keepdim=True)))


class MobileVision(nn.Module):
    """A released model: `backbone.xif{stage}_{block}` and `head.conv`.

    Args:
        architecture: the network.
        stages: how many blocks each stage of its published definition has.
        bias: whether the convolutions of its blocks have biases (FBNet-A, B and C).
    """

    def __init__(self, architecture: Architecture, stages: Sequence[int], bias: bool) -> None:
        super().__init__()
        self.backbone, self.head = nn.Sequential(), nn.Module()
        channels = architecture.input_channels
        names = [f"xif{stage}_{i}" for stage, count in enumerate(stages) for i in range(count)]
        for name, block in zip(names, architecture.blocks[1:-1], strict=True):
            self.backbone.add_module(name, self._block(channels, block, bias))
            channels = block.channels or channels
        self.head.conv = nn.Conv2d(channels, architecture.classes, 1)

    @staticmethod
    def _block(channels: int, block: Block, bias: bool) -> Any:
        if block.kind == "cn":
            size = {"k": block.kernel or 1, "s": block.stride or 1}
            return unit(channels, block.channels or 0, block.activation, bias=True, **size)
        if block.kind == "sk":
            return Skip(channels, block)
        if block.kind == "ip":
            return PooledHead(channels, block)
        return InvertedResidual(channels, block, bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head.conv(self.backbone(x).mean((2, 3), keepdim=True)).flatten(1)


class TimmBlock(nn.Module):
    """timm's `DepthwiseSeparableConv` and `InvertedResidual`: BatchNorms count up, SE has relu."""

    def __init__(self, c_in: int, block: Block, epsilon: float) -> None:
        super().__init__()
        self.act = ACTIVATIONS[str(block.activation)]()
        hidden = round8(c_in * block.expansion) if block.expansion is not None else c_in
        kernel, stride, c_out = block.kernel or 1, block.stride or 1, block.channels or 0
        widths = [hidden, c_out] if block.kind == "ds" else [hidden, hidden, c_out]
        if block.kind == "ir":
            self.conv_pw = conv(c_in, hidden)
        self.conv_dw = conv(hidden, hidden, kernel, stride, groups=hidden)
        last = conv(hidden, c_out)
        self.add_module("conv_pw" if block.kind == "ds" else "conv_pwl", last)
        for number, width in enumerate(widths, start=1):
            self.add_module(f"bn{number}", nn.BatchNorm2d(width, eps=epsilon))
        self.se = None
        if block.se:
            self.se = nn.Module()
            squeezed = round8(int(hidden * block.se))
            self.se.conv_reduce = conv(hidden, squeezed, bias=True)
            self.se.conv_expand = conv(squeezed, hidden, bias=True)
        self.is_separable, self.has_residual = block.kind == "ds", stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.is_separable else self.act(self.bn1(self.conv_pw(x)))
        y = self.act((self.bn1 if self.is_separable else self.bn2)(self.conv_dw(y)))
        if self.se is not None:
            z = torch.relu(self.se.conv_reduce(y.mean((2, 3), keepdim=True)))
            y = y * nn.functional.hardsigmoid(self.se.conv_expand(z))
        y = self.bn2(self.conv_pw(y)) if self.is_separable else self.bn3(self.conv_pwl(y))
        return x + y if self.has_residual else y


class Timm(nn.Module):
    """timm's MobileNetV3 (ends with `ip`) or FBNet-C (ends with a 1x1 convolution).

    Args:
        architecture: the network; skips without layers are left out, as timm has none.
        stages: how many blocks each stage of timm's definition has.
        epsilon: of the BatchNorms.
    """

    def __init__(
        self, architecture: Architecture, stages: Sequence[int], epsilon: float = 1e-5
    ) -> None:
        super().__init__()
        stem, *middle, head = architecture.blocks[1:-1]
        self.act, channels = ACTIVATIONS[str(stem.activation)](), stem.channels or 0
        self.head_act = ACTIVATIONS[str(head.activation)]()
        self.conv_stem = conv(architecture.input_channels, channels, 3, 2)
        self.bn1 = nn.BatchNorm2d(channels, eps=epsilon)
        blocks = []
        for block in middle:
            blocks.append(TimmBlock(channels, block, epsilon))
            channels = block.channels or channels
        self.is_pooled_first = head.kind == "ip"
        if self.is_pooled_first:
            hidden = round8(channels * (head.expansion or 1))
            last = nn.Sequential()
            last.add_module("conv", conv(channels, hidden))
            last.add_module("bn1", nn.BatchNorm2d(hidden, eps=epsilon))
            last.add_module("act", ACTIVATIONS[str(head.activation)]())
            blocks.append(last)
            self.conv_head = conv(hidden, head.channels or 0, bias=True)
        else:
            self.conv_head = conv(channels, head.channels or 0)
            self.bn2 = nn.BatchNorm2d(head.channels or 0, eps=epsilon)
        ends = [sum(stages[: i + 1]) for i in range(len(stages))]
        starts = [0, *ends[:-1]]
        self.blocks = nn.Sequential(
            *(nn.Sequential(*blocks[a:b]) for a, b in zip(starts, ends, strict=True))
        )
        self.classifier = nn.Linear(head.channels or 0, architecture.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        if self.is_pooled_first:
            x = self.head_act(self.conv_head(x.mean((2, 3), keepdim=True)))
        else:
            x = self.head_act(self.bn2(self.conv_head(x))).mean((2, 3), keepdim=True)
        return self.classifier(x.flatten(1))


def randomize(network: nn.Module, seed: int = 0) -> None:
    """Gives all weights and statistics random values at which maps neither vanish nor explode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            if tensor.ndim == 4 or tensor.ndim == 2:
                fan_in = tensor[0].numel()
                tensor.normal_(0, (1.5 / fan_in) ** 0.5, generator=generator)
            elif name.endswith(("running_var", "bn.weight")):
                tensor.uniform_(0.5, 1.5, generator=generator)
            else:
                tensor.normal_(0.1, 0.3, generator=generator)
    network.eval()


def arrays(network: nn.Module) -> dict[str, np.ndarray]:
    """A copy of the state dictionary as arrays."""
    return {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}


def largest_difference(network: nn.Module, model: Any, side: int) -> float:
    """Of the logits of a PyTorch network and a Keras model, over the largest of them."""
    images = np.random.default_rng(0).normal(size=(2, 3, side, side)).astype("float32")
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    logits = np.asarray(model(images.transpose(0, 2, 3, 1)))
    return float(np.abs(logits - expected).max() / np.abs(expected).max())
