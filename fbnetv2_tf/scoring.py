"""How good a child is before it is trained: its validation loss with the supernet's weights.

The moving statistics of a supernet are those of a mixture of networks, so they are re-estimated for
each child first. Every child is computed by the supernet itself at one-hot weights (law 1), so one
compiled function serves them all; on one path only the channels of the child run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from .architecture import Architecture
from .resolution import nearest_subset
from .sliced_path import SlicedPath

if TYPE_CHECKING:
    from .supernet import Supernet


@dataclass(frozen=True)
class Score:
    """Of a child on the validation images: mean loss, and accuracy in [0, 1]."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Candidate:
    """A network that may be taken, and its score; None where there was nothing to compare."""

    architecture: Architecture
    score: Score | None = None


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
    scorer = Scorer(net)
    return {c: scorer.score(c, validation, calibration).loss for c in dict.fromkeys(candidates)}


class Scorer:
    """Scores children of one supernet with functions that are traced once.

    Args:
        net: a compiled supernet.
    """

    def __init__(self, net: Supernet) -> None:
        self.net = net
        self.recalibration = Recalibration(net)
        self._measure = tf.function(self._measured, autograph=False)

    def score(self, candidate: Architecture, validation: Any, calibration: Any) -> Score:
        """The score of one child, at its own resolution; the net is left as it was found."""
        statistics = self.recalibration.statistics
        before = [variable.numpy() for variable in statistics]
        loss, accuracy = keras.metrics.Mean(), keras.metrics.Mean()
        try:
            with self.net.choices.selected(candidate):
                self.recalibration.run(calibration)
                for images, labels in validation:
                    of_batch, right = self._measure(nearest_subset(images, candidate.side), labels)
                    loss.update_state(of_batch, sample_weight=len(images))
                    accuracy.update_state(right, sample_weight=len(images))
        finally:
            for variable, value in zip(statistics, before, strict=True):
                variable.assign(value)
        return Score(float(loss.result()), float(accuracy.result()))

    def _measured(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = selected_logits(self.net, images)
        wanted = labels if labels.shape.rank == 1 else tf.argmax(labels, axis=-1)
        right = tf.equal(tf.argmax(logits, axis=-1), tf.cast(wanted, tf.int64))
        loss = self.net.compute_loss(images, labels, logits)
        return loss, tf.reduce_mean(tf.cast(right, tf.float32))


def selected_logits(
    net: Supernet, images: tf.Tensor, training: bool = False, momentum: Any = None
) -> tf.Tensor:
    """The logits of the selected architecture, at its own cost where the net has one path.

    Args:
        net: the supernet.
        images: (batch, side, side, channels), of any side of the space.
        training, momentum: as in `FusedBatchNormalization`.
    """
    # Slices read variables row by row, which those of several replicas do not know.
    if net.sharing == "path" and net.distribute_strategy.num_replicas_in_sync == 1:
        places = list(net.by_block(net.choices.places()))
        return SlicedPath(net.blocks, momentum, training)(images, places)
    return net.forward(images, net.choices(), training=training, momentum=momentum)


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
            selected_logits(net, images, training=True, momentum=momentum)

        # One trace a resolution: the kernels' masks are of the side of the map.
        self._step = tf.function(step, autograph=False)
        self._net = net

    def run(self, batches: Any) -> None:
        """Makes the statistics those of these batches of (images, labels), at its resolution."""
        side = self._net.selected_side
        for count, (images, _) in enumerate(batches, start=1):
            self._step(nearest_subset(images, side), tf.constant(1.0 - 1.0 / count))
