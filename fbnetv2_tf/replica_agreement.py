"""Checks that all replicas of a run have the same state, before its first step and every epoch.

Each replica has a copy of every variable and moves it by itself, by numbers that are reduced over
all of them. A device that computes wrongly, or a host that went on from another checkpoint, would
make two networks of one. What is compared are sums of bits, a number for each variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .errors import RunError
from .run_state import state_variables


class ReplicaAgreement(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a run whose replicas differ in a bit of a weight, a logit, a statistic or an optimizer.

    Raises:
        RunError: at the start or after an epoch; to be called before the run is saved.
    """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._strategy = self.model.distribute_strategy
        self._variables = list(state_variables(self.model).values())

        def of_replica() -> tf.Tensor:
            sums = bit_sums([tf.convert_to_tensor(v) for v in self._variables])
            return tf.distribute.get_replica_context().all_gather(sums[tf.newaxis], 0)

        self._gathered = tf.function(lambda: self._strategy.run(of_replica), autograph=False)
        self._compare("at the start")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._compare(f"after epoch {epoch + 1}; the checkpoints before it are good")

    def _compare(self, when: str) -> None:
        if self._strategy.num_replicas_in_sync == 1:
            return
        rows = self._strategy.experimental_local_results(self._gathered())[0].numpy()
        different = np.flatnonzero((rows != rows[0]).any(axis=0))
        if len(different):
            first = getattr(self._variables[different[0]], "path", "a variable")
            raise RunError(
                f"All {len(rows)} replicas must have the same weights and logits. Received: "
                f"{len(different)} of {rows.shape[1]} variables differ, '{first}' first, {when}."
            )


def bit_sums(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """The bits of each tensor added up as int32, which no order of the additions changes.

    Returns:
        (len(tensors),) int32.
    """
    return tf.stack([tf.reduce_sum(_as_integers(tensor)) for tensor in tensors])


def _as_integers(tensor: tf.Tensor) -> tf.Tensor:
    if tensor.dtype.is_bool or tensor.dtype.size < tf.int32.size:
        return tf.cast(tensor, tf.int32)
    return tf.bitcast(tensor, tf.int32)
