"""A functional model whose steps are those of the whole batch, on any number of devices.

Keras's own step clips the gradients of a replica and adds them up afterwards, and looks at a first
batch by its mean over all hosts, which a tuple has not.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .replicas import reduced, replica_count


class WholeBatchModel(keras.Model):  # type: ignore[misc]
    """A `keras.Model(inputs, outputs)` for data sets of (images, labels).

    `run_state.build_metrics` makes what Keras would otherwise make when it first sees a batch.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        """Keras's step, with the gradient of the whole batch."""
        images, labels = data
        with tf.GradientTape() as tape:
            logits = self(images, training=True)
            loss = self.compute_loss(images, labels, logits)  # the share of this replica
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = reduced(self.optimizer, tape.gradient(scaled, variables))
        self.optimizer.apply(gradients, variables)
        whole = loss * replica_count()
        self._loss_tracker.update_state(whole, sample_weight=tf.shape(images)[0])
        return self._for_keras(self.compute_metrics(images, labels, logits))

    def test_step(self, data: Any) -> dict[str, Any]:
        """Keras's step."""
        return self._for_keras(super().test_step(data))

    def _for_keras(self, results: dict[str, Any]) -> dict[str, Any]:
        """Rows of one value on several hosts, where Keras takes the mean along the first axis."""
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return results
        return {name: tf.reshape(value, [1]) for name, value in results.items()}

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing is left to be built."""
