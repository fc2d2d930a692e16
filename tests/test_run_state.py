"""A search that is stopped, killed or damaged anywhere ends as if it had not been (law 6)."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console

from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.checkpoint_interval import CheckpointInterval
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import InputError, RunError
from fbnetv2_tf.interruption import RunInterruptedError, StopRequest
from fbnetv2_tf.loss_guard import LossGuard
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.run_state import FIRST_STEP, RunState, Saving, state_variables
from fbnetv2_tf.search import SearchSettings, compile_search, run_search, steps_of
from fbnetv2_tf.search_log import SearchLog

from .sources import ROOT
from .tiny_data import tiny_data

TEXT = "in_hw8_c1 cn_k3_s2_c8/16_nre/hs fc_c3"
SETTINGS = SearchSettings(epochs=2, batch_size=16, learning_rate=0.1, augment="none")
STEPS = 9 + 2
"""Of an epoch: 9 batches for the weights, 2 for the architecture."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSplits:
    return tiny_data(tmp_path_factory.mktemp("data"))


class At(keras.callbacks.Callback):  # type: ignore[misc]
    """Does something before a step, counted from the start of this process."""

    def __init__(self, step: int, act: Callable[[], Any]) -> None:
        super().__init__()
        self.left, self.act = step, act

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()


class Killed(BaseException):
    """Stands for a signal that nothing can catch."""


def kill() -> None:
    raise Killed


def search(
    data: DataSplits, saving: Saving, *callbacks: Any, **identity: Any
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Searches, or goes on; gives every variable and the history."""
    net = compiled(data)
    state = RunState(saving, identity, STEPS, what="search")
    first = state.restore(net)
    run_search(net, data, SETTINGS, [LossGuard(state), state, *callbacks], first_step=first)
    found = {name: keras.ops.convert_to_numpy(v) for name, v in state_variables(net).items()}
    return found, state.epochs


def compiled(data: DataSplits) -> Supernet:
    keras.utils.set_random_seed(0)
    net = build_supernet(TEXT)
    steps = steps_of(data, SETTINGS.batch_size)
    assert steps.all == STEPS
    compile_search(net, Budget(max_macs=6000), SETTINGS, steps)
    net.run_eagerly = True  # tracing takes longer than these few steps
    return net


@pytest.fixture(scope="module")
def whole(data: DataSplits) -> Any:
    return search(data, Saving())


def assert_same(found: Any, whole: Any) -> None:
    assert found[1] == whole[1]
    for name, array in whole[0].items():
        np.testing.assert_array_equal(found[0][name], array, err_msg=name)


DETERMINISTIC = """
import tensorflow as tf
from fbnetv2_tf.checkpoint_interval import CheckpointInterval
from fbnetv2_tf.flags.running import Running

Running(CheckpointInterval(), is_deterministic=True, precision="float32").prepare()
assert tf.config.optimizer.get_experimental_options()["arithmetic_optimization"] is False
"""


@pytest.mark.slow
def test_a_deterministic_run_rewrites_no_arithmetic() -> None:
    """In a process of its own, which it is set for."""
    subprocess.run([sys.executable, "-c", DETERMINISTIC], cwd=ROOT, check=True)


@pytest.mark.parametrize("step", [11, 20], ids=["between epochs", "between logits"])
def test_a_search_that_is_asked_to_stop_goes_on_at_that_step(
    data: DataSplits, tmp_path: Path, whole: Any, step: int
) -> None:
    stop = StopRequest()
    saving = Saving(CheckpointSeries(tmp_path), stop=stop)
    request = At(step, lambda: setattr(stop, "received", True))
    with pytest.raises(RunInterruptedError, match="saved in"):
        search(data, saving, request)
    assert saving.series is not None
    assert [c.step for c in saving.series.newest(10**6)][:1] == [step]
    stop.received = False
    log = SearchLog({}, Console(file=io.StringIO()))
    assert_same(search(data, saving, log), whole)
    assert log.params[FIRST_STEP] == step


def test_of_several_hosts_all_stop_where_they_poll(
    data: DataSplits, tmp_path: Path, whole: Any
) -> None:
    stop = StopRequest()
    saving = Saving(CheckpointSeries(tmp_path), CheckpointInterval(steps=4), stop, is_alone=False)
    request = At(6, lambda: setattr(stop, "received", True))
    with pytest.raises(RunInterruptedError, match="0 epochs and 8 of 11 steps saved"):
        search(data, saving, request)
    stop.received = False
    with pytest.raises(RunInterruptedError, match="0 epochs and 10 of 11 steps saved"):
        search(data, saving, At(1, lambda: setattr(stop, "received", True)))
    with pytest.raises(RunInterruptedError, match="1 epoch saved"):
        search(data, saving)
    stop.received = False
    assert_same(search(data, saving), whole)


def test_a_search_that_is_killed_repeats_the_steps_since_its_checkpoint(
    data: DataSplits, tmp_path: Path, whole: Any
) -> None:
    series = CheckpointSeries(tmp_path)
    saving = Saving(series, CheckpointInterval(steps=4))
    for step, newest in ((3, []), (11, [4, 8]), (5, [11, 8])):
        with pytest.raises(Killed):
            search(data, saving, At(step, kill))
        assert [c.step for c in series.newest(10**6)] == sorted(newest, reverse=True)
    series.paths()[-1].write_bytes(b"damaged")
    assert_same(search(data, saving), whole)
    # A finished one has nothing left to do.
    assert_same(search(data, saving, At(1, kill)), whole)


def test_a_checkpoint_of_another_search_is_refused(data: DataSplits, tmp_path: Path) -> None:
    saving = Saving(CheckpointSeries(tmp_path), CheckpointInterval(steps=4))
    with pytest.raises(Killed):
        search(data, saving, At(6, kill), seed=1)
    net, series = compiled(data), saving.series
    assert series is not None
    state = RunState(saving, {"seed": 1}, STEPS, what="search")
    with pytest.raises(RunError, match=r"another search. Expected: seed 1. Received: 2"):
        RunState(saving, {"seed": 2}, STEPS, what="search").restore(net)
    (newest,) = series.newest(10**6)
    for name, array in (("v00000", np.zeros(3)), ("v00000", np.array("text")), ("w", np.zeros(1))):
        series.save(5, newest.header, {**newest.arrays, name: array})
        with pytest.raises(RunError, match="is of another network"):
            state.restore(net)
    series.save(5, newest.header, {**newest.arrays, "m00000": np.zeros(3)})
    assert state.restore(net) == 5
    state.set_model(net)
    with pytest.raises(RunError, match="with other metrics"):
        state.on_epoch_begin(0)
    # A header that does not fit its step is that of no run.
    series.save(5, {**newest.header, "epochs": "none"}, newest.arrays)
    assert RunState(saving, {"seed": 1}, STEPS).restore(net) == 4


def test_the_first_loss_that_is_no_number_ends_it(data: DataSplits, tmp_path: Path) -> None:
    saving = Saving(CheckpointSeries(tmp_path), CheckpointInterval(steps=3))
    net = compiled(data)
    state = RunState(saving, {}, STEPS, what="search")
    spoil = At(6, lambda: net.weight_variables[0].assign(net.weight_variables[0] * np.inf))
    expected = (
        "The search diverged at step 6 (epoch 1): `loss` must stay a number up to 10000. Received: "
        "nan. The loss was "
    )
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        run_search(net, data, SETTINGS, [LossGuard(state), state, spoil])
    assert str(caught.value).endswith(f"The last good checkpoint is '{saving.series.paths()[-1]}'.")  # type: ignore[union-attr]
    assert saving.series.paths()[-1].name == "step_000000003.npz"  # type: ignore[union-attr]


def test_variables_that_are_no_numbers_are_not_saved(data: DataSplits, tmp_path: Path) -> None:
    net = compiled(data)
    state = RunState(Saving(CheckpointSeries(tmp_path)), {}, STEPS, what="search")
    state.set_model(net)
    net.choices.choices[0].assign([np.nan, 0.0])
    with pytest.raises(RunError, match="after step 0 of the search one is not"):
        state.save()
    assert not list(tmp_path.iterdir())
