"""Law 1, measured: the supernet at one-hot weights against the child with inherited weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.inheritance import inherited_weights

from .supernet import Supernet


class EquivalenceError(AssertionError):
    """The supernet and its child computed different things."""


@dataclass(frozen=True)
class Equivalence:
    """Largest differences, relative to the largest value compared.

    Attributes:
        inference: of the logits with moving statistics.
        training: of the logits with the batch's statistics.
        gradients: of the gradient of all weights of the child, as one vector.
    """

    inference: float
    training: float
    gradients: float

    @property
    def largest(self) -> float:
        """The largest of them."""
        return max(self.inference, self.training, self.gradients)


def verify_equivalence(
    net: Supernet,
    architecture: Architecture,
    images: Any = None,
    tolerance: float = 1e-5,
    seed: int = 0,
    attempts: int = 1,
) -> Equivalence:
    """Compares logits and gradients of the supernet at `architecture` with those of its child.

    Args:
        net: the supernet; it is left as it was found.
        architecture: of its space.
        images: (batch, side, side, channels) float32; random ones by default.
        tolerance: the largest relative difference allowed.
        seed: of the random images and of the direction in which gradients are taken.
        attempts: random batches that are tried until the gradients of one agree; the logits have to
            agree on every one. (Where a value is within rounding of an activation's kink the two
            sides of it have other gradients; a fault shows with any images.)

    Some gradients are zero but for rounding: scaling a kernel, or shifting the input of a linear
    layer, changes nothing where the batch's own mean and deviation normalise what comes out. Their
    rounding errors have the size that those of the other gradients have, so all are measured by
    the largest.

    Returns:
        The differences.

    Raises:
        EquivalenceError: where one is above the tolerance.
        SpaceError: where the architecture is not in the space.
    """
    for attempt in range(attempts if images is None else 1):
        random = np.random.default_rng([seed, attempt])
        batch = images
        if images is None:
            shape = (16, architecture.side, architecture.side, architecture.input_channels)
            batch = random.normal(size=shape).astype(np.float32)
        direction = random.normal(size=(len(batch), architecture.classes)).astype(np.float32)
        child = net.child(architecture)  # a new one: comparing moves its statistics
        with net.choices.selected(architecture):
            found = _compare(net, architecture, child, tf.constant(batch), direction)
        if found.gradients <= tolerance or not max(found.inference, found.training) <= tolerance:
            break
    if not found.largest <= tolerance:
        raise EquivalenceError(
            f"Supernet and child must agree to {tolerance:g}. Received: {found} for {architecture}."
        )
    return found


def _compare(
    net: Supernet, architecture: Architecture, child: keras.Model, images: Any, direction: Any
) -> Equivalence:
    weights = net.choices(training=False)
    inference = difference(net.forward(images, weights), child(images, training=False))
    with tf.GradientTape() as tape:
        logits = net.forward(images, weights, training=True)
        projected = tf.reduce_sum(logits * direction)
    ours = _by_variable(net.trainable_variables, tape.gradient(projected, net.trainable_variables))
    with tf.GradientTape() as tape:
        child_logits = child(images, training=True)
        projected = tf.reduce_sum(child_logits * direction)
    theirs = tape.gradient(projected, child.trainable_variables)
    cut = inherited_weights(
        net, architecture, lambda variable: ours.get(id(variable), np.zeros(variable.shape))
    )
    gradients = difference(_as_vector(_in_order_of(child, cut)), _as_vector(theirs))
    return Equivalence(inference, difference(logits, child_logits), gradients)


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference over the largest absolute value of `theirs`, or over 1e-3."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return float(np.abs(ours - theirs).max()) / max(float(np.abs(theirs).max()), 1e-3)


def _as_vector(arrays: list[Any]) -> np.ndarray:
    return np.concatenate([np.asarray(array).ravel() for array in arrays])


def _by_variable(variables: list[Any], gradients: list[Any]) -> dict[int, np.ndarray]:
    return {
        id(variable): np.asarray(gradient)
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is not None
    }


def _in_order_of(child: keras.Model, cut: dict[str, list[np.ndarray]]) -> list[np.ndarray]:
    """The cut-out gradients in the order of the child's trainable variables."""
    ordered = []
    for layer in child.layers:
        trainable = len(layer.trainable_weights)
        ordered += cut.get(layer.name, [])[:trainable]
    return ordered
