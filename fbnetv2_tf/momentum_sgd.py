"""SGD with momentum, each weight moved by one operation.

Keras writes the update of a weight as nine operations of TensorFlow, a thousand in a step of a
network of a hundred variables. TensorFlow has it as one.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MomentumSGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD`: the same arguments, variables and update.

        velocity = momentum * velocity - learning_rate * gradient
        weight += velocity, or with `nesterov` momentum * velocity - learning_rate * gradient

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = MomentumSGD(0.5, momentum=0.9)
        >>> optimizer.apply([tf.constant([1.0])], [weight])
        >>> weight.numpy()
        array([0.5], dtype=float32)
    """

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        if not self.momentum or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        velocity = self.momentums[self._get_variable_index(variable)]
        weight = variable.value if isinstance(variable, keras.Variable) else variable
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=weight.handle,
            accum=velocity.value.handle,
            lr=tf.cast(learning_rate, weight.dtype),
            grad=tf.cast(gradient, weight.dtype),
            momentum=tf.cast(self.momentum, weight.dtype),
            use_nesterov=self.nesterov,
        )
