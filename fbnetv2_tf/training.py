"""`train_child`: a plain Keras model trained by a recipe, on one device or several."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import keras
import tensorflow as tf

from .cross_entropy import with_one_hot_labels
from .datasets import DataSplits
from .datasets.epochs import endless
from .distribution import distributed_batches
from .errors import InputError
from .loss_guard import LossGuard
from .recipe import Recipe
from .replica_agreement import ReplicaAgreement
from .run_state import RunState, Saving, build_metrics
from .training_form import training_form

EVALUATION_BATCH = 250


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        history: the metrics of each epoch: `loss`, `accuracy` (of augmented images, while the
            weights move), `val_loss`, `val_accuracy`; accuracies from 0 to 1. Where labels are
            smoothed, `cross_entropy` and `val_cross_entropy` are without that.
        validation: `loss` and `accuracy` of the final weights on the validation images.
        test: the same on the test images, looked at once, after the last epoch; empty where it
            was not.
    """

    history: tuple[dict[str, float], ...]
    validation: dict[str, float]
    test: dict[str, float]


def train_child(
    model: Any,
    data: DataSplits,
    recipe: Recipe | None = None,
    *,
    strategy: Any = None,
    saving: Saving | None = None,
    identity: dict[str, Any] | None = None,
    callbacks: tuple[Any, ...] = (),
    looks_at_test: bool = True,
) -> Trained:
    """Trains a model in place, on the weights and architecture parts of a data set together.

    Args:
        model: a functional Keras classifier with logits (batch, classes); its weights are the
            start, and are the trained ones afterwards.
        data: the data set, of the model's image shape and classes.
        recipe: how; None for the defaults.
        strategy: of `tf.distribute`, whose devices share every batch; None for one device.
        saving: where the training is saved, and from where one that was stopped goes on as if it
            had not been; None to save nothing.
        identity: what distinguishes this training from others that might be in the folder, beside
            the recipe and the data set.
        callbacks: Keras callbacks to be called too.
        looks_at_test: whether the test images are for this network; not while networks are
            compared.

    Returns:
        The history, and the accuracies of the final weights.

    Raises:
        InputError: where the data set does not fit the model, the batch not the devices, or the
            training diverged.
        RunError: where the folder holds the checkpoints of another training.
        RunInterruptedError: where a signal was received.
    """
    recipe = recipe or Recipe()
    _check(model, data, recipe)
    steps = data.train.steps(recipe.batch_size, drop_remainder=True)
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        fast = training_form(model)
        _compile(fast, recipe.optimizer(fast, steps), recipe.label_smoothing)
    images = {"data": data.name, "training_images": data.train.size}
    state = RunState(saving or Saving(), {**asdict(recipe), **images, **(identity or {})}, steps)
    first = state.restore(fast)
    batches = _batches(data, recipe, first)
    build_metrics(fast, batches.element_spec[1], data.classes)
    if first < recipe.epochs * steps:
        with _sizes_may_be_unknown():
            fast.fit(
                distributed_batches(batches, strategy),
                validation_data=with_one_hot_labels(
                    data.validation.dataset(EVALUATION_BATCH), data.classes
                ),
                steps_per_epoch=steps,
                initial_epoch=first // steps,
                epochs=recipe.epochs,
                callbacks=[ReplicaAgreement(), LossGuard(state), state, *callbacks],
                shuffle=False,  # the data set does that itself
                verbose=0,
            )
    elif recipe.ema:
        fast.optimizer.finalize_variable_values(fast.trainable_variables)
    validation = evaluate(fast, data.validation)
    test = evaluate(fast, data.test) if looks_at_test else {}
    if fast is not model:
        model.set_weights(fast.get_weights())
    return Trained(tuple(state.epochs), validation, test)


def evaluate(model: Any, part: Any) -> dict[str, float]:
    """`loss` (cross-entropy without smoothing) and `accuracy` (0 to 1) on a part of a data set."""
    if getattr(model, "optimizer", None) is None:
        _compile(model, keras.optimizers.SGD(), 0.0)
    batches = with_one_hot_labels(part.dataset(EVALUATION_BATCH), part.classes)
    with _sizes_may_be_unknown():
        measured = model.evaluate(batches, verbose=0, return_dict=True)
    loss = measured.get("cross_entropy", measured["loss"])
    return {"loss": float(loss), "accuracy": float(measured["accuracy"])}


@contextmanager
def _sizes_may_be_unknown() -> Iterator[None]:
    """Keras warns at the end of data of a size that nobody knows: here, images may be skipped."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
        yield


def _compile(model: Any, optimizer: Any, label_smoothing: float) -> None:
    metrics = [keras.metrics.CategoricalAccuracy(name="accuracy")]
    if label_smoothing:
        metrics.append(keras.metrics.CategoricalCrossentropy("cross_entropy", from_logits=True))
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing
        ),
        metrics=metrics,
        # XLA takes four times as long for small convolutions on a CPU.
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )


def _batches(data: DataSplits, recipe: Recipe, first_step: int) -> tf.data.Dataset:
    epochs = data.train.epochs(
        recipe.batch_size, shuffle_seed=recipe.seed, augment=recipe.augment, drop_remainder=True
    )
    steps = data.train.steps(recipe.batch_size, drop_remainder=True)
    return with_one_hot_labels(endless(epochs, steps, first_step), data.classes)


def _check(model: Any, data: DataSplits, recipe: Recipe) -> None:
    expected = (*model.input_shape[1:], model.output_shape[-1])
    received = (*data.image_shape, data.classes)
    if any(ours not in (None, theirs) for ours, theirs in zip(expected, received, strict=True)):
        raise InputError(
            f"The data set must have the network's height, width, channels and classes. Expected: "
            f"{expected}. Received: {received} ({data.name})."
        )
    if recipe.batch_size > data.train.size:
        raise InputError(
            f"`batch_size` must be at most the {data.train.size} training images. "
            f"Received: {recipe.batch_size}."
        )
