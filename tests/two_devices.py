"""A search on one device, and on two logical ones; prints how far apart they end, as JSON.

A process of its own, because TensorFlow divides a CPU before it first computes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fbnetv2_tf.builders.supernet import build_supernet
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.distribution import make_strategy
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.run_state import RunState, Saving, state_variables
from fbnetv2_tf.search import SearchSettings, compile_search, run_search, steps_of

from .tiny_data import tiny_data

TEXT = "in_hw8_c1 cn_k3_s2_c8/16_nre/hs fc_c3"
SETTINGS = SearchSettings(
    epochs=1, warmup_epochs=0, batch_size=32, learning_rate=0.1, gradient_norm=0.5, augment="flip"
)


def search(name: str, data: DataSplits, folder: Path) -> tuple[list[np.ndarray], int]:
    """Every variable after a search, as its last checkpoint has them."""
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
    return [arrays[name] for name in state_variables(net)], strategy.num_replicas_in_sync


def main(folder: Path) -> None:
    """Prints the number of replicas of each search, and the largest difference."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    data = tiny_data(folder)
    (one, replicas), (two, twice) = (search(name, data, folder) for name in ("one", "mirrored"))
    apart = [float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True)]
    moved = max(float(np.abs(a).max()) for a in one)
    found = {"replicas": [replicas, twice], "apart": max(apart), "largest": moved}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
