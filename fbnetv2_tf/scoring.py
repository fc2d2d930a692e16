"""How good a child is before it is trained: its validation loss with the supernet's weights.

The moving statistics of a supernet are those of a mixture of networks, so they are re-estimated for
each child first. Every child is computed by the supernet itself at one-hot weights (law 1), so one
compiled function serves them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from .architecture import Architecture
from .resolution import nearest_subset

if TYPE_CHECKING:
    from .supernet import Supernet


def score_candidates(
    net: Supernet, candidates: Iterable[Architecture], validation: Any, calibration: Any
) -> dict[Architecture, float]:
    """The mean validation loss of each candidate; the moving statistics are put back afterwards.

    Args:
        net: a compiled supernet.
        candidates: architectures of its space.
        validation: batches (images, labels) to compare on, of the space's largest side.
        calibration: batches (images, labels) for the BatchNorm statistics; 512 images or more.

    Returns:
        Candidate -> loss; lower is better. (The loss ranks children better than the accuracy.)
    """
    step = Recalibration(net)
    loss = _compiled_loss(net)
    before = [variable.numpy() for variable in step.statistics]
    scores: dict[Architecture, float] = {}
    try:
        for candidate in candidates:
            net.select(candidate)
            step.run(calibration)
            mean = keras.metrics.Mean()
            for images, labels in validation:
                value = loss(nearest_subset(images, candidate.side), labels)
                mean.update_state(value, sample_weight=len(images))
            scores[candidate] = float(mean.result())
    finally:
        net.unselect()
        for variable, value in zip(step.statistics, before, strict=True):
            variable.assign(value)
    return scores


class Recalibration:
    """Re-estimates BatchNorm's moving statistics as plain means over batches.

    Args:
        net: the supernet; what is selected in it is what is measured.
    """

    def __init__(self, net: Supernet) -> None:
        self.statistics = [
            variable
            for variable in net.non_trainable_variables
            if variable.path.endswith(("moving_mean", "moving_variance"))
        ]

        def step(images: tf.Tensor, momentum: tf.Tensor) -> None:
            net.forward(images, net.choices(), training=True, momentum=momentum)

        # One trace a resolution: the kernels' masks are of the side of the map.
        self._step = tf.function(step)
        self._net = net

    def run(self, batches: Any) -> None:
        """Makes the statistics those of these batches of (images, labels), at its resolution."""
        side = self._net.selected_side
        for count, (images, _) in enumerate(batches, start=1):
            self._step(nearest_subset(images, side), tf.constant(1.0 - 1.0 / count))


def _compiled_loss(net: Supernet) -> Any:
    def loss(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return net.compute_loss(images, labels, net.forward(images, net.choices()))

    return tf.function(loss)
