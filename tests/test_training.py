"""Training a child: it learns, goes on where it was stopped, and says what is wrong."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console

from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.tflite_proof import keras_logits
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import InputError, RunError
from fbnetv2_tf.interruption import RunInterruptedError, StopRequest
from fbnetv2_tf.recipe import Recipe
from fbnetv2_tf.run_state import Saving
from fbnetv2_tf.training import evaluate, train_child
from fbnetv2_tf.training_log import TrainingLog

from .tiny_data import TINY, tiny_data

RECIPE = Recipe(epochs=3, batch_size=16, learning_rate=0.1, augment="none")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSplits:
    return tiny_data(tmp_path_factory.mktemp("data"))


def fresh(**options: Any) -> Any:
    keras.utils.set_random_seed(0)
    return build_model(TINY, **options)


class StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    """Asks the training to stop in the middle of an epoch."""

    def __init__(self, request: StopRequest, epoch: int, batch: int) -> None:
        super().__init__()
        self.request, self.place = request, (epoch, batch)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.request.received = (self.epoch, batch) == self.place


def test_it_learns_and_reports_what_it_learnt(data: DataSplits) -> None:
    model = fresh()
    before = evaluate(model, data.validation)
    trained = train_child(
        model, data, Recipe(epochs=6, batch_size=8, learning_rate=0.1, augment="none")
    )
    assert trained.validation["loss"] < before["loss"] / 2
    assert trained.test["accuracy"] > 0.9
    assert len(trained.history) == 6
    assert set(trained.history[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    logits = keras_logits(model, data.test.images())
    assert trained.test["accuracy"] == pytest.approx(np.mean(logits.argmax(1) == data.test.labels))


def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(
    data: DataSplits, tmp_path: Path
) -> None:
    whole, parts = fresh(dropout=0.2), fresh(dropout=0.2)
    expected = train_child(whole, data, RECIPE)
    request = StopRequest()
    series = CheckpointSeries(tmp_path)
    saving = Saving(series, stop=request)
    stop = (StopAfter(request, 1, 4),)
    with pytest.raises(RunInterruptedError, match="1 epoch and 5 of 12 steps saved"):
        train_child(parts, data, RECIPE, saving=saving, callbacks=stop)
    request.received = False
    resumed = fresh(dropout=0.2)
    assert train_child(resumed, data, RECIPE, saving=saving) == expected
    assert same_weights(resumed, whole)

    # A checkpoint that was cut off: the one before it is whole.
    older, newest = series.paths()
    newest.write_bytes(newest.read_bytes()[:-1000])
    assert older.name == "step_000000024.npz"
    assert train_child(fresh(dropout=0.2), data, RECIPE, saving=saving) == expected

    # And those of another training are refused.
    other = replace(RECIPE, learning_rate=0.05)
    with pytest.raises(RunError, match=r"learning_rate 0\.1\. Received: 0\.05\. Give the flags"):
        train_child(fresh(dropout=0.2), data, other, saving=saving)
    larger = build_model(TINY.replace("c8_nre", "c16_nre"))
    with pytest.raises(RunError, match="of another network"):
        train_child(larger, data, RECIPE, saving=saving)


def same_weights(first: Any, second: Any) -> bool:
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_the_moving_average_is_what_remains_also_of_a_finished_training(
    data: DataSplits, tmp_path: Path
) -> None:
    recipe = Recipe(epochs=1, batch_size=16, warmup_epochs=0, learning_rate=0.5, augment="none")
    start = fresh().get_weights()[0]
    plain, averaged, again = fresh(), fresh(), fresh()
    train_child(plain, data, recipe)
    averaging = replace(recipe, ema=0.99, label_smoothing=0.1)
    saving = Saving(CheckpointSeries(tmp_path))
    trained = train_child(averaged, data, averaging, saving=saving)
    far = np.abs(plain.get_weights()[0] - start).max()
    assert np.abs(averaged.get_weights()[0] - start).max() < far / 2
    assert train_child(again, data, averaging, saving=saving) == trained
    assert same_weights(averaged, again)
    # The loss that is reported is without the smoothing.
    assert trained.validation == pytest.approx(evaluate(averaged, data.validation), rel=1e-5)


def test_a_training_that_diverges_says_so(data: DataSplits) -> None:
    recipe = Recipe(epochs=2, batch_size=16, learning_rate=1e20, gradient_norm=1e20)
    with pytest.raises(InputError, match=r"diverged at step \d+ \(epoch 1\)"):
        train_child(fresh(), data, recipe)


def test_data_of_another_shape_are_refused(data: DataSplits) -> None:
    with pytest.raises(InputError, match=r"Expected: \(9, 9, 1, 3\). Received: \(8, 8, 1, 3\)"):
        train_child(build_model(TINY.replace("hw8", "hw9")), data)
    with pytest.raises(InputError, match="at most the 192 training images"):
        train_child(fresh(), data, Recipe(batch_size=500))


def line_of(console: Console) -> str:
    """The log's line of the second of three epochs that began with the first."""
    log = TrainingLog(console)
    log.set_params({"epochs": 3, "steps": 2})
    metrics = {"loss": 1.25, "accuracy": 0.5, "val_accuracy": 0.625}
    log.on_train_begin()
    for epoch in range(2):
        log.on_epoch_begin(epoch)
        log.on_train_batch_end(0)
        log.on_epoch_end(epoch, metrics)
    log.on_train_end()
    assert log.progress is None
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_one_line_an_epoch_and_nothing_else() -> None:
    lines = line_of(Console(file=io.StringIO(), width=200)).splitlines()
    assert lines[0] == "epoch 1/3  loss 1.250  accuracy 50.0 %  validation 62.5 %  0:00 left"
    assert len(lines) == 2


def test_a_bar_on_a_terminal() -> None:
    assert "epoch 2/3" in line_of(Console(file=io.StringIO(), width=200, force_terminal=True))
