"""A search and a training on one device, and on two logical ones; prints how far apart they end.

A process of its own, because TensorFlow divides a CPU before it first computes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.supernet import build_supernet
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.distribution import make_strategy
from fbnetv2_tf.errors import RunError
from fbnetv2_tf.fair_training import train_fairly
from fbnetv2_tf.interruption import RunInterruptedError, StopRequest
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.recipe import Recipe
from fbnetv2_tf.replica_agreement import ReplicaAgreement
from fbnetv2_tf.run_state import RunState, Saving, state_variables
from fbnetv2_tf.search import SearchSettings, compile_search, run_search, steps_of
from fbnetv2_tf.training import train_child

from .tiny_data import tiny_data

TEXT = "in_hw8_c1 cn_k3_s2_c8/16_nre/hs fc_c3"
SETTINGS = SearchSettings(
    epochs=1,
    warmup_epochs=0,
    batch_size=32,
    learning_rate=0.1,
    gradient_norm=0.5,
    fair_epochs=1,
    augment="flip",
)


def search(name: str, data: DataSplits, folder: Path) -> tuple[list[np.ndarray], int]:
    """Every variable as a search's last checkpoint has it, and after the fair training."""
    strategy = make_strategy(name)
    steps = steps_of(data, SETTINGS.batch_size)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        net = build_supernet(TEXT)
        compile_search(net, Budget(max_macs=3000), SETTINGS, steps)
    series = CheckpointSeries(folder / name)
    state = RunState(Saving(series), {}, steps.all, what="search")
    run_search(net, data, SETTINGS, [state], first_step=state.restore(net))
    arrays = next(series.newest(10**7)).arrays
    searched = [arrays[name] for name in state_variables(net)]
    train_fairly(net, data, SETTINGS)
    fair = [keras.ops.convert_to_numpy(variable) for variable in net.variables]
    return [*searched, *fair], strategy.num_replicas_in_sync


NETWORK = "in_hw8_c1 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.5_nre fc_c3"
RECIPE = Recipe(
    epochs=2,
    batch_size=32,
    learning_rate=0.1,
    gradient_norm=0.5,
    label_smoothing=0.1,
    ema=0.9,
    augment="strong",
)


class StopAt(keras.callbacks.Callback):  # type: ignore[misc]
    """Asks a training to stop in the middle of its first epoch."""

    def __init__(self, request: StopRequest) -> None:
        super().__init__()
        self.request = request

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.request.received = batch == 3


def train(name: str, data: DataSplits, saving: Saving, *callbacks: Any) -> list[Any]:
    """Every weight after a training, with the mean losses and accuracies of its epochs."""
    keras.utils.set_random_seed(0)
    model = build_model(NETWORK, dropout=0.2, stochastic_depth=0.3)
    strategy = make_strategy(name)
    trained = train_child(
        model, data, RECIPE, strategy=strategy, saving=saving, callbacks=callbacks
    )
    told = [*trained.history, trained.validation, trained.test]
    return [*model.get_weights(), np.array([list(numbers.values()) for numbers in told[:-2]])]


def train_in_two_parts(data: DataSplits, folder: Path) -> list[Any]:
    """The training on two devices, stopped in an epoch and taken up again."""
    request = StopRequest()
    saving = Saving(CheckpointSeries(folder / "training"), stop=request)
    try:
        train("mirrored", data, saving, StopAt(request))
    except RunInterruptedError:
        request.received = False
        return train("mirrored", data, saving)
    raise AssertionError("the training was to be stopped")


def said_of_a_replica_that_differs() -> str:
    """The sentence for a variable of which one replica has another value."""
    strategy = make_strategy("mirrored")
    with strategy.scope():
        model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
        model.compile("sgd")
    agreement = ReplicaAgreement()
    agreement.set_model(model)
    agreement.on_train_begin()
    agreement.on_epoch_end(0)
    copies = strategy.experimental_local_results(model.trainable_variables[0].value)
    copies[1].assign_add(np.full([2, 1], 1e-7, np.float32))
    try:
        agreement.on_epoch_end(1)
    except RunError as error:
        return str(error)
    return ""


def largest(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """The largest difference within pairs of arrays."""
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def main(folder: Path) -> None:
    """Prints the number of replicas of each search, and the largest difference."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    data = tiny_data(folder)
    (one, replicas), (two, twice) = (search(name, data, folder) for name in ("one", "mirrored"))
    trained = train("one", data, Saving())
    parts = train_in_two_parts(data, folder)
    found = {
        "replicas": [replicas, twice],
        "apart": largest(zip(one, two, strict=True)),
        "largest": max(float(np.abs(a).max()) for a in one),
        "trained_apart": largest(zip(trained, parts, strict=True)),
        "disagreement": said_of_a_replica_that_differs(),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
