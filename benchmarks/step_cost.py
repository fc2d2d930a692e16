"""What a search step costs against an ordinary training step of the space's largest network.

    python benchmarks/step_cost.py --space=fashion28 --batch_size=64
    python benchmarks/step_cost.py --space=cifar32 --batch_size=64
    python benchmarks/step_cost.py --space=fbnetv2_f --batch_size=8 --repeats=7

In one process and one run, interleaved, medians: (search) a weight step of the supernet,
(architecture) an architecture step, (stock) a step of the largest network as stock Keras layers
with Keras's own `fit` step, (candidates) a weight step of `sharing="none"`. Each has the same
batch and SGD with momentum. Peak memory is that of a process of its own. Ratios are what to look
at: the machine may be noisy.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

import fbnetv2_tf as fb
from fbnetv2_tf.search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE

SPACE = flags.DEFINE_string("space", "fashion28", "A preset, a file, or the text of a space.")
BATCH = flags.DEFINE_integer("batch_size", 64, "Images in a step.")
REPEATS = flags.DEFINE_integer("repeats", 21, "Timed steps of each.")
WHAT = flags.DEFINE_list("what", ["search", "architecture", "stock", "candidates"], "What to time.")
MEMORY = flags.DEFINE_boolean("memory", True, "Also measure peak memory, each in a new process.")
PEAK_OF = flags.DEFINE_string("peak_of", None, "Print the peak memory of one of them and stop.")

Step = Callable[[], Any]


def batch(space: fb.Space, size: int) -> tuple[Any, Any]:
    """Random images and labels."""
    random = np.random.default_rng(0)
    side = max(space.sides)
    images = random.normal(size=(size, side, side, space.input_channels)).astype(np.float32)
    return tf.constant(images), tf.constant(random.integers(0, space.classes, size), tf.int32)


def sgd() -> keras.optimizers.Optimizer:
    """The optimizer of the weights, the same everywhere."""
    return keras.optimizers.SGD(0.01, momentum=0.9)


def loss() -> keras.losses.Loss:
    """The loss, the same everywhere."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def search_step(space: fb.Space, size: int, phase: int, sharing: str) -> Step:
    """A step of the supernet."""
    net = fb.build_supernet(space, sharing=sharing)
    budget = fb.Budget(max_macs=fb.count(space.largest).macs / 3)
    net.compile(optimizer=sgd(), loss=loss(), objective=budget)
    images, labels = batch(space, size)
    function = net.make_train_function()
    return lambda: function(iter([(images, labels, phase)]))


def stock_step(space: fb.Space, size: int) -> Step:
    """A step of the largest network by Keras's own training function."""
    model = fb.build_model(space.largest)
    model.compile(optimizer=sgd(), loss=loss(), jit_compile=False)
    images, labels = batch(space, size)
    data = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    model.make_train_function()
    return lambda: model.train_function(data)


MAKE: dict[str, Callable[[fb.Space, int], Step]] = {
    "search": lambda space, size: search_step(space, size, WEIGHTS_PHASE, "path"),
    "architecture": lambda space, size: search_step(space, size, ARCHITECTURE_PHASE, "path"),
    "stock": stock_step,
    "candidates": lambda space, size: search_step(space, size, WEIGHTS_PHASE, "none"),
}


def medians(steps: dict[str, Step], repeats: int) -> dict[str, float]:
    """Median milliseconds of each step, interleaved so that drift hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(2):
            step()
    for _ in range(repeats):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in times.items()}


def peak_mib(name: str) -> float:
    """The peak resident memory of a process that only makes this step three times, MiB."""
    command = [sys.executable, __file__, f"--peak_of={name}"]
    command += [f"--space={SPACE.value}", f"--batch_size={BATCH.value}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(said.split()[-1])


def main(_: list[str]) -> None:
    """Prints the table."""
    space = fb.parse_space(SPACE.value)
    if PEAK_OF.value:
        step = MAKE[PEAK_OF.value](space, BATCH.value)
        for _ in range(3):
            step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    largest = fb.count(space.largest).macs
    print(
        f"{SPACE.value}: {space.size:.1e} architectures, largest {largest / 1e6:.1f} M MACs, "
        f"batch {BATCH.value}, {os.cpu_count()} cores, TensorFlow {tf.__version__}"
    )
    found = medians({n: MAKE[n](space, BATCH.value) for n in WHAT.value}, REPEATS.value)
    memory = {name: peak_mib(name) for name in found} if MEMORY.value else {}
    for name, ms in found.items():
        line = f"{name:13} {ms:9.1f} ms  {ms / found.get('stock', ms):5.2f} of stock"
        if name in memory:
            line += f"  {memory[name]:7.0f} MiB"
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
