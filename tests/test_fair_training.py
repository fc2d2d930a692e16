"""The weight steps after a search: every alternative alike, and no logit moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import InputError, RunError
from fbnetv2_tf.fair_training import TEMPERATURE, train_fairly
from fbnetv2_tf.interruption import RunInterruptedError, StopRequest
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.run_state import Saving
from fbnetv2_tf.search import SearchSettings, compile_search, run_search, steps_of

from .tiny_data import tiny_data

TEXT = "in_hw8_c1 cn_k3_s2_c8/16_nre/hs fc_c3"
SETTINGS = SearchSettings(epochs=2, batch_size=16, learning_rate=0.1, fair_epochs=1, augment="none")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSplits:
    return tiny_data(tmp_path_factory.mktemp("data"))


def searched(data: DataSplits) -> Supernet:
    """A supernet whose search has come to prefer something."""
    keras.utils.set_random_seed(0)
    net = build_supernet(TEXT)
    steps = steps_of(data, SETTINGS.batch_size)
    compile_search(net, Budget(max_macs=6000), SETTINGS, steps)
    net.run_eagerly = True
    run_search(net, data, SETTINGS)
    return net


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def test_the_weights_move_and_the_logits_stay(data: DataSplits) -> None:
    net = searched(data)
    logits, weights = values(net.architecture_variables), values(net.weight_variables)
    temperature = float(net.choices.temperature)
    assert logits[0].any()
    train_fairly(net, data, SETTINGS)
    for variable, value in zip(net.architecture_variables, logits, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert float(net.choices.temperature) == temperature
    moved = zip(net.weight_variables, weights, strict=True)
    assert all(np.any(variable.numpy() != value) for variable, value in moved)


def test_meanwhile_every_alternative_is_equally_probable(data: DataSplits) -> None:
    net = build_supernet(TEXT)
    for choice in net.choices.choices:
        choice.assign([3.0, -3.0])
    seen = []

    class Look(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            seen.append((float(net.choices.temperature), net.probabilities()))

    train_fairly(net, data, SETTINGS, callbacks=[Look()])
    assert len(seen) == steps_of(data, SETTINGS.batch_size).weights
    for temperature, probabilities in seen:
        assert temperature == np.float32(TEMPERATURE)
        assert all((vector == 0.5).all() for vector in probabilities.values())


def test_choices_are_decided_again_after_a_fault() -> None:
    net = build_supernet(TEXT)
    net.choices.choices[0].assign([1.0, 2.0])
    decided = net.choices.undecided(0.1)
    decided.__enter__()
    assert not net.choices.choices[0].logits.numpy().any()
    decided.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    np.testing.assert_array_equal(net.choices.choices[0].logits, [1.0, 2.0])
    assert float(net.choices.temperature) == net.initial_temperature


def test_no_epochs_change_nothing(data: DataSplits) -> None:
    net = searched(data)
    before = values(net.weight_variables)
    train_fairly(net, data, replace(SETTINGS, fair_epochs=0))
    for variable, value in zip(net.weight_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_candidates_come_nearer_to_networks(data: DataSplits) -> None:
    """A one-hot network loses less with the weights that were trained near one-hot."""
    net = searched(data)
    network = net.derive(max_macs=6000)
    validation = list(data.validation.dataset(16))
    before = net.scorer.score(network, validation, validation).loss
    train_fairly(net, data, replace(SETTINGS, fair_epochs=4))
    assert net.scorer.score(network, validation, validation).loss < before


def test_a_loss_that_is_not_a_number_is_told(data: DataSplits) -> None:
    net = searched(data)
    net.weight_variables[0].assign(np.nan * net.weight_variables[0].numpy())
    with pytest.raises(InputError, match=r"after the search diverged at step 1 .*Received: nan"):
        train_fairly(net, data, SETTINGS)


def test_where_it_was_stopped_it_goes_on(data: DataSplits, tmp_path: Path) -> None:
    settings = replace(SETTINGS, fair_epochs=2)
    whole = searched(data)
    train_fairly(whole, data, settings)

    stop = StopRequest()
    saving = Saving(CheckpointSeries(tmp_path), stop=stop)
    steps = steps_of(data, settings.batch_size).weights

    class Asks(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            stop.received = self.model.choices.step == whole.choices.step - 3

    with pytest.raises(RunInterruptedError, match=f"1 epoch and {steps - 2} of {steps} steps"):
        train_fairly(searched(data), data, settings, saving, {"seed": 0}, [Asks()])
    stop.received = False
    trained: list[int] = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda at, logs: trained.append(at))
    for _ in range(2):  # the second time nothing is left to be trained
        net = searched(data)
        train_fairly(net, data, settings, saving, {"seed": 0}, [count])
        assert len(trained) == 2
        for one, other in zip(net.variables, whole.variables, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=one.path)
    with pytest.raises(RunError, match="is of another training after the search"):
        train_fairly(searched(data), data, settings, saving, {"seed": 1})


def test_a_negative_number_of_epochs_is_refused() -> None:
    with pytest.raises(InputError, match=r"`fair_epochs` must be at least 0\. Received: -1"):
        SearchSettings(fair_epochs=-1)


def test_data_of_mixed_labels_are_taken(data: DataSplits) -> None:
    net = build_supernet(TEXT)
    before = values(net.weight_variables)
    train_fairly(net, data, replace(SETTINGS, fair_epochs=1, augment="flip_mixup0.2"))
    moved = zip(net.weight_variables, before, strict=True)
    assert any(np.any(variable.numpy() != value) for variable, value in moved)
