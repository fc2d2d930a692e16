"""A whole search: from a supernet and data to trained logits, with settings that are known to work.

`docs/quality.md` says what is measured of them, and how to measure more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from .augmentation import augmentation
from .cross_entropy import CrossEntropy, with_one_hot_labels
from .datasets import DataSplits
from .datasets.epochs import endless
from .distribution import distributed_batches
from .errors import InputError
from .momentum_sgd import MomentumSGD
from .objectives import Objective
from .replica_agreement import ReplicaAgreement
from .run_state import build_metrics
from .search_data import joined
from .supernet import Supernet


@dataclass(frozen=True)
class SearchSettings:
    """How a search is run.

    Attributes:
        epochs: passes over the data, warm-up included.
        warmup_epochs: epochs at the start in which only the weights learn.
        batch_size: images in a step, of both phases.
        learning_rate: of the weights (SGD, Nesterov momentum 0.9), falling to 0 by a cosine.
        weight_decay: of convolution and dense kernels.
        gradient_norm: to which the gradient of the weights is clipped.
        architecture_learning_rate: of the logits (Adam, betas 0.5 and 0.999).
        temperature, final_temperature: of the sampling, falling exponentially by the step after
            the warm-up.
        fair_epochs: passes over the weights' images after the search, without preferences, for
            the weights that score candidates (`fair_training`); not counted in `epochs`.
        augment: preset of `augmentation` for the weight phase.
        seed: of the order of the data, its augmentation and the initial weights.
    """

    epochs: int = 16
    warmup_epochs: int = 1
    batch_size: int = 64
    learning_rate: float = 0.15
    weight_decay: float = 1e-4
    gradient_norm: float = 5.0
    architecture_learning_rate: float = 0.05
    temperature: float = 5.0
    final_temperature: float = 0.5
    fair_epochs: int = 1
    augment: str = "flip"
    seed: int = 0

    def __post_init__(self) -> None:
        positive = (
            "epochs",
            "batch_size",
            "learning_rate",
            "gradient_norm",
            "architecture_learning_rate",
            "temperature",
            "final_temperature",
        )
        for name in positive:
            if not getattr(self, name) > 0:
                raise InputError(f"`{name}` must be above 0. Received: {getattr(self, name)}.")
        if self.fair_epochs < 0:
            raise InputError(f"`fair_epochs` must be at least 0. Received: {self.fair_epochs}.")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise InputError(
                "`epochs` must be above `warmup_epochs`, in which the architecture does not learn, "
                f"and that at least 0. Received: {self.epochs} and {self.warmup_epochs}."
            )


@dataclass(frozen=True)
class Steps:
    """How many steps an epoch has in each phase."""

    weights: int
    architecture: int

    @property
    def all(self) -> int:
        """Of both phases."""
        return self.weights + self.architecture


def steps_of(data: DataSplits, batch_size: int) -> Steps:
    """The steps of an epoch.

    Raises:
        InputError: where a part has fewer images than one batch.
    """
    parts = {"weights": data.weights.size, "architecture": data.architecture.size}
    for name, size in parts.items():
        if size < batch_size:
            raise InputError(
                f"`batch_size` must be at most {size}, the images of the {name} part of "
                f"'{data.name}'. Received: {batch_size}."
            )
    return Steps(*(size // batch_size for size in parts.values()))


def search_batches(data: DataSplits, settings: SearchSettings, first_step: int = 0) -> Any:
    """The endless two-phase data set of a search, from a step (a batch of either phase) on."""
    steps = steps_of(data, settings.batch_size)
    weights = data.weights.epochs(
        settings.batch_size,
        shuffle_seed=settings.seed,
        augment=settings.augment,
        drop_remainder=True,
    )
    architecture = data.architecture.epochs(
        settings.batch_size, shuffle_seed=settings.seed + 1, drop_remainder=True
    )

    def make_epoch(number: tf.Tensor, first: tf.Tensor | int) -> tf.data.Dataset:
        parts = [
            weights(number, tf.minimum(first, steps.weights)),
            architecture(number, tf.maximum(first - steps.weights, 0)),
        ]
        return joined(*(labelled(part, data, settings) for part in parts))

    return endless(make_epoch, steps.all, first_step)


def labelled(part: tf.data.Dataset, data: DataSplits, settings: SearchSettings) -> tf.data.Dataset:
    """Batches with the labels that `search_loss` takes."""
    return with_one_hot_labels(part, data.classes) if _mixes_labels(settings) else part


def search_loss(settings: SearchSettings) -> keras.losses.Loss:
    """The loss of both phases."""
    if _mixes_labels(settings):
        return CrossEntropy()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def weights_optimizer(settings: SearchSettings, rate: float, steps: int) -> MomentumSGD:
    """The optimizer of the weights: `rate` falls to 0 by a cosine over the steps."""
    optimizer = MomentumSGD(
        keras.optimizers.schedules.CosineDecay(rate, steps),
        momentum=0.9,
        nesterov=True,
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.gradient_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def _mixes_labels(settings: SearchSettings) -> bool:
    recipe = augmentation(settings.augment)
    return recipe is not None and recipe.mixes_labels


def compile_search(
    net: Supernet, objective: Objective, settings: SearchSettings, steps: Steps
) -> None:
    """Compiles a supernet with both optimizers and the temperature schedule of the settings."""
    weight_steps = settings.epochs * steps.weights
    warmup_steps = settings.warmup_epochs * steps.weights
    all_steps = weight_steps + (settings.epochs - settings.warmup_epochs) * steps.architecture
    net.compile(
        optimizer=weights_optimizer(settings, settings.learning_rate, weight_steps),
        architecture_optimizer=keras.optimizers.Adam(
            settings.architecture_learning_rate, beta_1=0.5
        ),
        loss=search_loss(settings),
        metrics=["accuracy"],
        objective=objective,
        temperature_schedule=keras.optimizers.schedules.ExponentialDecay(
            settings.temperature,
            all_steps - warmup_steps,
            settings.final_temperature / settings.temperature,
        ),
        warmup_steps=warmup_steps,
    )


def run_search(
    net: Supernet,
    data: DataSplits,
    settings: SearchSettings,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    first_step: int = 0,
) -> None:
    """Searches: alternates weight and architecture phases for the epochs that are left.

    Args:
        net: a supernet that `compile_search` has compiled.
        data: its `weights` and `architecture` parts are used.
        settings: of the search.
        callbacks: Keras callbacks.
        first_step: where a resumed search goes on; `RunState` must then be among the callbacks.
    """
    steps = steps_of(data, settings.batch_size).all
    batches = search_batches(data, settings, first_step)
    build_metrics(net, batches.element_spec[1], data.classes)
    net.fit(
        distributed_batches(batches, net.distribute_strategy),
        steps_per_epoch=steps,
        initial_epoch=first_step // steps,
        epochs=settings.epochs,
        callbacks=[ReplicaAgreement(), *callbacks],
        verbose=0,
    )
