"""The layers of `training_form`: drop-in replacements for three of Keras's own.

On several devices they do what one would have done with the whole batch.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .activations import mixed_activation
from .replicas import normalized, replica_count


class FusedBatchNorm(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's BatchNormalization of a (batch, height, width, channels) map by the fused kernel."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> Any:
        is_training = bool(training and self.trainable)
        if is_training and replica_count() > 1:
            return self._normalized_with_the_others(inputs)
        mean, variance = self._float32(self.moving_mean), self._float32(self.moving_variance)
        empty = tf.zeros([0])
        outputs, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self._float32(self.gamma),
            offset=self._float32(self.beta),
            mean=empty if is_training else mean,
            variance=empty if is_training else variance,
            epsilon=self.epsilon,
            is_training=is_training,
        )
        if is_training:
            # The kernel's variance is the unbiased one; Keras's moving variance the biased one.
            elements = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
            batch_variance *= (elements - 1) / elements
            self._move(self.moving_mean, mean, batch_mean)
            self._move(self.moving_variance, variance, batch_variance)
        return outputs

    def _normalized_with_the_others(self, inputs: tf.Tensor) -> tf.Tensor:
        gamma, beta = self._float32(self.gamma), self._float32(self.beta)
        outputs, mean, variance = normalized(inputs, gamma, beta, self.epsilon)
        self._move(self.moving_mean, self._float32(self.moving_mean), mean)
        self._move(self.moving_variance, self._float32(self.moving_variance), variance)
        return outputs

    def _move(self, moving: Any, before: tf.Tensor, batch: tf.Tensor) -> None:
        moving.assign(before * self.momentum + tf.stop_gradient(batch) * (1 - self.momentum))

    @staticmethod
    def _float32(variable: Any) -> tf.Tensor:
        """A variable's own value, whatever a mixed policy makes of it inside a layer."""
        return tf.cast(variable.value, tf.float32)


class WholeBatchDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Keras's Dropout; of the noise of a whole batch each replica takes its part."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        replicas = replica_count()
        if replicas == 1 or not training or not self.rate:
            return super().call(inputs, training=training)
        batch = tf.shape(inputs)[0]
        given = self.noise_shape or (None,) * len(inputs.shape)
        sides = [side or inputs.shape[axis] for axis, side in enumerate(given)][1:]
        ones = tf.ones([replicas * batch, *sides], inputs.dtype)
        noise = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        return inputs * noise[number * batch : (number + 1) * batch]


class HardSwish(keras.layers.Layer):  # type: ignore[misc]
    """`x * relu6(x + 3) / 6`, which keeps nothing but x for its derivative."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return mixed_activation(inputs, ["hs"], None)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
