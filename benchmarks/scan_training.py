"""Trains a plain Keras model under JAX with the whole training as one compiled loop.

`fit` hands every batch from the host to the device, which takes longer than a step of a small
network on a GPU. Here the images lie on the device and `jax.lax.scan` runs over the order of the
images. It is the same training: `tests/test_scan_training.py` compares it with `fit`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from benchmarks.judge_data import EVALUATED, Order, Part

State = tuple[list[Any], list[Any], list[Any]]
"""Trainable variables, the other ones of the model, and those of the optimizer."""


class ScanTraining:
    """Trains networks of one architecture by one recipe; compiled once, for all seeds.

    Args:
        model: a built Keras model that gives logits.
        optimizer: a Keras optimizer that is built for it.
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        self._model, self._optimizer = model, optimizer
        self._train = jax.jit(self._trained, donate_argnums=0)
        self._logits = jax.jit(self._computed)

    def run(self, part: Part, order: Order) -> None:
        """Trains the model from the weights that it has, and leaves it trained."""
        state = tuple([v.value for v in group] for group in self._groups())
        data = (jnp.asarray(part[0]), jnp.asarray(part[1]))
        steps = (jnp.asarray(order.images, jnp.int32), jnp.asarray(order.mirrored))
        trained = self._train(state, data, steps)
        for group, values in zip(self._groups(), trained, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)

    def measured(self, *parts: Part) -> list[tuple[float, float]]:
        """Mean loss and accuracy in [0, 1] on each part."""
        images = np.concatenate([images for images, _ in parts])
        trainable, others, _ = ([v.value for v in group] for group in self._groups())
        batches = jnp.asarray(images).reshape(-1, EVALUATED, *images.shape[1:])
        logits = self._logits(trainable, others, batches)
        logits = logits.reshape(len(images), -1)
        ends = np.cumsum([len(labels) for _, labels in parts])[:-1]
        return [
            (float(_loss(labels, of_part)), float((of_part.argmax(-1) == labels).mean()))
            for (_, labels), of_part in zip(parts, jnp.split(logits, ends), strict=True)
        ]

    def _groups(self) -> tuple[list[Any], list[Any], list[Any]]:
        model = self._model
        return model.trainable_variables, model.non_trainable_variables, self._optimizer.variables

    def _trained(self, state: State, data: Any, steps: Any) -> State:
        images, labels = data

        def loss(trainable: Any, others: Any, x: Any, y: Any) -> Any:
            logits, others = self._model.stateless_call(trainable, others, x, training=True)
            return _loss(y, logits), others

        gradient: Callable[..., Any] = jax.grad(loss, has_aux=True)

        def step(state: State, places: Any) -> tuple[State, None]:
            (trainable, others, slots), (chosen, mirrored) = state, places
            x = images[chosen].astype("float32") * (1 / 255)
            x = jnp.where(mirrored[:, None, None, None], x[:, :, ::-1], x)
            gradients, others = gradient(trainable, others, x, labels[chosen])
            trainable, slots = self._optimizer.stateless_apply(slots, gradients, trainable)
            return (trainable, others, slots), None

        return jax.lax.scan(step, state, steps)[0]

    def _computed(self, trainable: Any, others: Any, images: Any) -> Any:
        def batch(_: None, of_batch: Any) -> tuple[None, Any]:
            x = of_batch.astype("float32") * (1 / 255)
            return None, self._model.stateless_call(trainable, others, x, training=False)[0]

        return jax.lax.scan(batch, None, images)[1]


def _loss(labels: Any, logits: Any) -> Any:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
