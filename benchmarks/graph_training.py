"""Trains a plain Keras model under PyTorch with each step as one CUDA graph.

A step of a small network is a thousand small kernels, which Python starts far more slowly than a
GPU runs them. Captured once, they are replayed without the host: images, their order and the
learning rates lie on the device. It is the training of `fit` with Keras's SGD; a test compares
them. Where there is no GPU, or a layer does what a graph cannot hold, the step runs as it is.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch

from benchmarks.judge_data import EVALUATED, Order, Part

WARM = 3
"""Steps before the capture, in which the libraries choose their kernels."""


class GraphTraining:
    """Trains a copy of a network.

    Args:
        model: a built Keras model that gives logits; a copy of it is trained.
        recipe: a `Recipe`; its schedule, momentum, decay and clipping are used.
        steps_per_epoch: of the schedule.
    """

    def __init__(self, model: Any, recipe: Any, steps_per_epoch: int) -> None:
        self._model, self._recipe = _fused(model), recipe
        self._steps_per_epoch = steps_per_epoch
        self._device = self._model.trainable_variables[0].value.device

    def run(self, part: Part, order: Order) -> None:
        """Trains from the weights that the model has."""
        schedule = self._recipe.schedule(self._steps_per_epoch)
        rates = [float(schedule(step)) for step in range(len(order.images))]
        step = _Step(self._model, self._recipe, self._on_device(*part), order, rates)
        replay = step.captured() if self._device.type == "cuda" else step
        for _ in range(len(order.images)):
            replay()

    @torch.no_grad()
    def measured(self, *parts: Part) -> list[tuple[float, float]]:
        """Mean loss and accuracy in [0, 1] on each part."""
        found = []
        for images, labels in parts:
            x, y = self._on_device(images, labels)
            logits = torch.cat([self._model(_unit(a), training=False) for a in x.split(EVALUATED)])
            loss = torch.nn.functional.cross_entropy(logits, y)
            found.append((float(loss), float((logits.argmax(-1) == y).float().mean())))
        return found

    def _on_device(self, *arrays: np.ndarray) -> list[torch.Tensor]:
        return [_resident(array, self._device) for array in arrays]


class FusedBatchNorm(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's BatchNormalization of maps by PyTorch's one kernel: same values, same statistics."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training:
            return super().call(inputs, training=training, mask=mask)
        x = inputs.permute(0, 3, 1, 2)
        gamma, beta = self.gamma.value, self.beta.value
        y, mean, inverse = torch.native_batch_norm(
            x, gamma, beta, None, None, True, 0.0, self.epsilon
        )
        with torch.no_grad():
            variance = inverse**-2 - self.epsilon
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.value.lerp_(value, 1 - self.momentum)
        return y.permute(0, 2, 3, 1)


def _fused(model: Any) -> Any:
    """A copy with its BatchNormalizations fused; Keras's own take three quarters of the kernels."""

    def clone(layer: Any) -> Any:
        is_norm = type(layer) is keras.layers.BatchNormalization
        return (FusedBatchNorm if is_norm else type(layer)).from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


class _Step:
    """One step of SGD: all that it reads and writes are tensors that stay where they are."""

    def __init__(
        self, model: Any, recipe: Any, part: Any, order: Order, rates: list[float]
    ) -> None:
        self._model, self._recipe = model, recipe
        self._images, self._labels = part
        device = self._images.device
        self._places = torch.as_tensor(order.images, device=device)
        self._mirrored = torch.as_tensor(order.mirrored, device=device)
        self._rates = torch.as_tensor(rates, dtype=torch.float32, device=device)
        self._count = torch.zeros(1, dtype=torch.int64, device=device)
        self._weights = [variable.value for variable in model.trainable_variables]
        self._momenta = [torch.zeros_like(weight) for weight in self._weights]
        self._state = [v.value for v in model.variables] + self._momenta + [self._count]

    def __call__(self) -> None:
        places = self._places[self._count].view(-1)
        mirrored = self._mirrored[self._count].view(-1, 1, 1, 1)
        x = _unit(self._images[places])
        x = torch.where(mirrored, x.flip(2), x)
        loss = torch.nn.functional.cross_entropy(
            self._model(x, training=True), self._labels[places]
        )
        gradients = list(torch.autograd.grad(loss, self._weights))
        with torch.no_grad():
            self._move(gradients, self._rates[self._count].view(()))
            self._count += 1

    def captured(self) -> Any:
        """The step as a graph, with all values as they were before."""
        before = [tensor.detach().clone() for tensor in self._state]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM):
                self()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self()
            replay: Any = graph.replay
        except RuntimeError as error:
            print(f"Without a graph: {error}", flush=True)
            torch.cuda.synchronize()
            replay = self
        with torch.no_grad():
            torch._foreach_copy_(self._state, before)
        return replay

    def _move(self, gradients: list[torch.Tensor], rate: torch.Tensor) -> None:
        """As Keras's SGD: clipped, decayed apart from the gradient, Nesterov's momentum."""
        recipe = self._recipe
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, recipe.gradient_norm / norm.clamp(min=recipe.gradient_norm))
        torch._foreach_mul_(gradients, -rate)
        kernels = [weight for weight in self._weights if weight.dim() > 1]
        torch._foreach_mul_(kernels, 1 - rate * recipe.weight_decay)
        torch._foreach_mul_(self._momenta, recipe.momentum)
        torch._foreach_add_(self._momenta, gradients)
        torch._foreach_add_(self._weights, self._momenta, alpha=recipe.momentum)
        torch._foreach_add_(self._weights, gradients)


_RESIDENT: dict[int, tuple[np.ndarray, torch.Tensor]] = {}


def _resident(array: np.ndarray, device: Any) -> torch.Tensor:
    """The array on the device; sent once, for all trainings of a process."""
    if id(array) not in _RESIDENT:
        given = array.astype(np.int64) if array.ndim == 1 else array
        _RESIDENT[id(array)] = (array, torch.as_tensor(given, device=device))
    return _RESIDENT[id(array)][1]


def _unit(images: torch.Tensor) -> torch.Tensor:
    return images.to(torch.float32) * (1 / 255)
