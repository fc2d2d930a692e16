"""BatchNorm whose gamma and beta can take a mask, the activation and the sum that follow it.

Multiplying gamma and beta by a mask is the same as multiplying the normalised map by it,
without touching the map; a mask *before* a training-mode BatchNorm would be undone by it.

A large map is normalised and activated in one compiled pass (`normalized_activation`), a small one
by TensorFlow's fused kernel: Keras 3's BatchNormalization takes 2.6 times as long on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .activations import mixed_activation
from .normalized_activation import Added, is_worth_compiling, normalized_activation
from .replicas import normalized, replica_count


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class FusedBatchNormalization(keras.layers.Layer):
    """`y = gain * f(scale * (gamma * (x - mean) / sqrt(variance + epsilon) + beta)) + added`.

    Args:
        epsilon: added to the variance.
        gamma_initializer: of gamma; `zeros` for the last one of a residual block.

    Call arguments:
        x: (batch, height, width, channels).
        scale: a mask (channels,), a probability, or None. (Keras gives the name `mask` a meaning.)
        training: normalise by the batch's own mean and variance, else by the moving ones.
        momentum: share of the moving statistics that stays when `training`; None leaves them as
            they are. `1 - 1/t` at step t makes them the plain mean over batches.
        activations, activation_weights: of the activation `f`, as in `mixed_activation`; without
            them it is the identity.
        gain: a probability that multiplies the activated map, or None; only with an activation,
            for without one `scale` does the same.
        added: other maps of x's shape, each with the probability that multiplies it, or None
            for 1: a residual, another branch.
        fixed: whether the activations' weights and all probabilities are constants, for which no
            gradient is traced.
    """

    def __init__(
        self, epsilon: float = 1e-5, gamma_initializer: str = "ones", **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.epsilon = epsilon
        self.gamma_initializer = gamma_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        def vector(name: str, initializer: str, trainable: bool) -> Any:
            return self.add_weight(
                name=name,
                shape=(input_shape[-1],),
                initializer=initializer,
                trainable=trainable,
                autocast=False,
                aggregation="none" if trainable else "only_first_replica",
            )

        self.gamma = vector("gamma", self.gamma_initializer, True)
        self.beta = vector("beta", "zeros", True)
        self.moving_mean = vector("moving_mean", "zeros", False)
        self.moving_variance = vector("moving_variance", "ones", False)

    def call(
        self,
        x: tf.Tensor,
        scale: Any = None,
        training: bool = False,
        momentum: Any = None,
        activations: Sequence[str] = (),
        activation_weights: Any = None,
        gain: Any = None,
        added: Added = (),
        fixed: bool = False,
    ) -> tf.Tensor:
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        is_shared = training and replica_count() > 1
        is_compiled = training and not is_shared and is_worth_compiling(x)
        if scale is not None and not (is_compiled and fixed):
            gamma, beta, scale = gamma * scale, beta * scale, None
        if is_compiled:
            y, mean, variance = normalized_activation(
                x,
                gamma,
                beta,
                self.epsilon,
                activations,
                self._gained(activations, activation_weights, gain),
                added,
                fixed,
                scale,
            )
        else:
            if is_shared:
                y, mean, variance = normalized(x, gamma, beta, self.epsilon)
            else:
                y, mean, variance = self._by_fused_kernel(x, gamma, beta, training)
            if activations:
                y = mixed_activation(y, activations, activation_weights, fixed)
            y = y if gain is None else y * tf.cast(gain, y.dtype)
            for each, probability in added:
                y += each if probability is None else each * tf.cast(probability, y.dtype)
        if training and momentum is not None:
            self._move(self.moving_mean, mean, momentum)
            self._move(self.moving_variance, variance, momentum)
        return y

    def get_config(self) -> dict[str, Any]:
        config = {"epsilon": self.epsilon, "gamma_initializer": self.gamma_initializer}
        return {**super().get_config(), **config}

    def _by_fused_kernel(
        self, x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The normalised map, and the mean and biased variance that it was normalised by."""
        moving = [] if training else [self.moving_mean, self.moving_variance]
        empty = tf.zeros([0])
        mean, variance = (tf.convert_to_tensor(m) for m in moving) if moving else (empty, empty)
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=gamma,
            offset=beta,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            elements = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
            variance *= (elements - 1) / elements
        return y, mean, variance

    @staticmethod
    def _gained(names: Sequence[str], weights: Any, gain: Any) -> Any:
        """The weights of the activations times the gain; None for one that counts whole."""
        if len(names) < 2:
            return None if gain is None else tf.reshape(gain, [1])
        return weights if gain is None else weights * gain

    @staticmethod
    def _move(moving: Any, batch: tf.Tensor, momentum: Any) -> None:
        moving.assign(moving * momentum + tf.stop_gradient(batch) * (1.0 - momentum))
