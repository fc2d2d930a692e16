"""How a child network is trained: every setting in one place, and what Keras makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from .errors import InputError

WARMUP_START = 0.1
"""The share of the learning rate at which a warm-up starts."""


@dataclass(frozen=True)
class Recipe:
    """The settings of a training. Every default is measured; `benchmarks/recipe.py` repeats that.

    Attributes:
        epochs: passes over the training images, at least 1.
        batch_size: images in a step; a last, smaller batch of an epoch is left out.
        learning_rate: of SGD with Nesterov momentum, after the warm-up; it falls to 0 by a cosine.
        warmup_epochs: epochs over which it rises linearly from a tenth.
        momentum: of SGD, in [0, 1).
        weight_decay: times the learning rate, the share that each step takes off a kernel.
            BatchNorms and biases do not decay.
        label_smoothing: share of the label that goes to all classes alike, in [0, 1).
        gradient_norm: to which the gradient of all weights together is clipped.
        augment: of the images, as `fbnetv2_tf.augmentation.augmentation` takes it.
        ema: momentum per step of the moving average of the weights that is kept in the end, in
            (0, 1), or 0 for the last weights themselves.
        seed: of the order of the images, of their augmentation and of a fresh network's weights.

    Raises:
        InputError: where a setting is outside its range.

    Example:
        >>> float(Recipe(epochs=3).schedule(steps_per_epoch=10)(30))
        0.0
    """

    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 0.2
    warmup_epochs: float = 0.5
    momentum: float = 0.9
    weight_decay: float = 5e-3
    label_smoothing: float = 0.0
    gradient_norm: float = 5.0
    augment: str = "light"
    ema: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._check("epochs", "a positive integer", self.epochs >= 1)
        self._check("batch_size", "a positive integer", self.batch_size >= 1)
        self._check("learning_rate", "positive", self.learning_rate > 0)
        self._check("warmup_epochs", "0 to below `epochs`", 0 <= self.warmup_epochs < self.epochs)
        self._check("weight_decay", "0 or positive", self.weight_decay >= 0)
        self._check("gradient_norm", "positive", self.gradient_norm > 0)
        for share in ("momentum", "label_smoothing", "ema"):
            self._check(share, "0 to below 1", 0 <= getattr(self, share) < 1)

    def schedule(self, steps_per_epoch: int) -> Any:
        """The learning rate of each step."""
        warmup = round(self.warmup_epochs * steps_per_epoch)
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=self.learning_rate * (WARMUP_START if warmup else 1.0),
            decay_steps=max(1, self.epochs * steps_per_epoch - warmup),
            warmup_target=self.learning_rate if warmup else None,
            warmup_steps=warmup,
        )

    def optimizer(self, model: Any, steps_per_epoch: int) -> Any:
        """The optimizer of a model, built for its weights; with float16 it scales the loss."""
        optimizer = keras.optimizers.SGD(
            learning_rate=self.schedule(steps_per_epoch),
            momentum=float(self.momentum),
            nesterov=self.momentum > 0,
            weight_decay=self.weight_decay or None,
            global_clipnorm=self.gradient_norm,
            use_ema=self.ema > 0,
            ema_momentum=self.ema or 0.99,
        )
        vectors = [variable for variable in model.trainable_variables if len(variable.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=vectors)
        if any(layer.compute_dtype == "float16" for layer in model.layers):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # Variables that the first step would create make TensorFlow trace the step twice.
        optimizer.build(model.trainable_variables)
        return optimizer

    def _check(self, name: str, expected: str, is_right: bool) -> None:
        if not is_right:
            raise InputError(f"`{name}` must be {expected}. Received: {getattr(self, name)!r}.")
