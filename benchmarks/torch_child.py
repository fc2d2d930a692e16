"""An architecture in PyTorch, for a comparison of the time of its training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from fbnetv2_tf.architecture import Architecture, Block
from fbnetv2_tf.rounding import hidden_channels, se_channels

ACTIVATIONS = {"re": nn.ReLU, "r6": nn.ReLU6, "hs": nn.Hardswish, "sw": nn.SiLU}


def torch_step(architecture: Architecture, images: np.ndarray, labels: np.ndarray) -> Callable:
    """A training step with SGD and momentum; tensors have the memory format that PyTorch gives."""
    return _step(architecture, images, labels, torch.contiguous_format)


def channels_last_step(
    architecture: Architecture, images: np.ndarray, labels: np.ndarray
) -> Callable:
    """The same with channels last in memory, PyTorch's advice for CPUs."""
    return _step(architecture, images, labels, torch.channels_last)


def _step(architecture: Architecture, images: Any, labels: Any, memory: Any) -> Callable:
    network = TorchNetwork(architecture).to(memory_format=memory).train()
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(memory_format=memory)
    y = torch.from_numpy(labels.astype(np.int64))

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


class TorchNetwork(nn.Module):
    """The network of an architecture, input (batch, channels, side, side), output logits."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        channels, blocks = architecture.input_channels, []
        for block in architecture.blocks[1:]:
            blocks.append(_block(block, channels))
            channels = block.channels or channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(x)


class Residual(nn.Module):
    """A branch with the identity around it where the shape stays."""

    def __init__(self, branch: nn.Module, is_added: bool) -> None:
        super().__init__()
        self.branch, self.is_added = branch, is_added

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x) if self.is_added else self.branch(x)


class Gate(nn.Module):
    """Squeeze-and-excite."""

    def __init__(self, channels: int, ratio: float, activation: str) -> None:
        super().__init__()
        squeezed = se_channels(channels, ratio)
        self.reduce, self.expand = (
            nn.Conv2d(channels, squeezed, 1),
            nn.Conv2d(squeezed, channels, 1),
        )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.reduce(x.mean((2, 3), keepdim=True))
        return x * nn.functional.hardsigmoid(self.expand(self.activation(z)))


def _unit(
    inputs: int,
    outputs: int,
    activation: str | None,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
) -> list[nn.Module]:
    """A convolution, its BatchNorm and its activation."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    parts: list[nn.Module] = [convolution, nn.BatchNorm2d(outputs)]
    return [*parts, ACTIVATIONS[activation]()] if activation else parts


def _block(block: Block, channels: int) -> nn.Module:
    kind, outputs, name = block.kind, block.channels or channels, block.activation
    kernel, stride = block.kernel or 1, block.stride or 1
    if kind == "cn":
        return nn.Sequential(*_unit(channels, outputs, name, kernel, stride))
    if kind == "pl":
        return nn.AdaptiveAvgPool2d(1)
    if kind == "fc":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs))
    if kind == "ip":
        hidden = hidden_channels(channels, block.expansion)
        expand = _unit(channels, hidden, name)
        project = nn.Conv2d(hidden, outputs, 1, bias=False)
        return nn.Sequential(*expand, nn.AdaptiveAvgPool2d(1), project, ACTIVATIONS[name]())
    if kind not in ("ir", "ds"):
        raise ValueError(f"A largest network has no block of kind {kind!r}.")
    hidden = hidden_channels(channels, block.expansion) if kind == "ir" else channels
    parts = _unit(channels, hidden, name) if kind == "ir" else []
    parts += _unit(hidden, hidden, name, kernel, stride, groups=hidden)
    parts += [Gate(hidden, block.se, name)] if block.se else []
    parts += _unit(hidden, outputs, None)
    return Residual(nn.Sequential(*parts), stride == 1 and channels == outputs)
