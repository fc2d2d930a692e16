"""What a search step costs against an ordinary training step of the space's largest network.

    python benchmarks/step_cost.py --space=fashion28 --batch_size=64
    python benchmarks/step_cost.py --space=cifar32 --batch_size=64
    python benchmarks/step_cost.py --space=fbnetv2_f --batch_size=8 --repeats=7 --what=search,stock

In one process and one run, interleaved, medians: (search) a weight step of the supernet, (sliced)
one with `sampling="sliced"` at uniform probabilities, a new draw each time, (architecture) an
architecture step, (stock) a step of the largest network as stock Keras layers with Keras's own
`fit` step, (torch) and (channels_last) that network in PyTorch, (candidates) a weight step of
`sharing="none"`, (cost) the expected cost and its gradient alone. Each has the same batch and SGD
with momentum. Peak memory is that of a process of its own, PyTorch's without TensorFlow's share.

Two times are measured: by the clock, and of the processors in all threads together. The second says
more on a machine that other programs use at the same time.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the drivers have it

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

import fbnetv2_tf as fb
from fbnetv2_tf.choice_weights import ChoiceWeights
from fbnetv2_tf.expected_cost import ExpectedCost
from fbnetv2_tf.momentum_sgd import MomentumSGD
from fbnetv2_tf.sampling import row_softmax
from fbnetv2_tf.search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE

SPACE = flags.DEFINE_string("space", "fashion28", "A preset, a file, or the text of a space.")
BATCH = flags.DEFINE_integer("batch_size", 64, "Images in a step.")
REPEATS = flags.DEFINE_integer("repeats", 21, "Timed steps of each.")
WHAT = flags.DEFINE_list(
    "what",
    ["search", "sliced", "architecture", "stock", "torch", "channels_last", "candidates", "cost"],
    "What to time.",
)
MEMORY = flags.DEFINE_boolean("memory", True, "Also measure peak memory, each in a new process.")
PEAK_OF = flags.DEFINE_string("peak_of", None, "Print the peak memory of one of them and stop.")

Step = Callable[[], Any]

COSTS = 20
"""Evaluations of the cost in one call, so that the call itself does not count."""


def batch(space: fb.Space, size: int) -> tuple[Any, Any]:
    """Random images and labels."""
    random = np.random.default_rng(0)
    side = max(space.sides)
    images = random.normal(size=(size, side, side, space.input_channels)).astype(np.float32)
    return tf.constant(images), tf.constant(random.integers(0, space.classes, size), tf.int32)


SGD = {"learning_rate": 0.01, "momentum": 0.9}
"""The optimizer of the weights, the same everywhere."""


def loss() -> keras.losses.Loss:
    """The loss, the same everywhere."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def supernet(space: fb.Space, **options: Any) -> Any:
    """A supernet compiled for a budget of a third of the largest network."""
    net = fb.build_supernet(space, **options)
    budget = fb.Budget(max_macs=fb.count(space.largest).macs / 3)
    net.compile(optimizer=MomentumSGD(**SGD), loss=loss(), objective=budget)
    return net


def search_step(space: fb.Space, size: int, phase: int, **options: Any) -> Step:
    """A step of the supernet."""
    function = supernet(space, **options).make_train_function()
    images, labels = batch(space, size)
    return lambda: function(iter([(images, labels, phase)]))


def cost_step(space: fb.Space, size: int) -> Step:
    """What an architecture step does for the cost, `COSTS` times in one graph.

    Each time the exact expectation and its gradient, at logits that the gradient before has moved.
    """
    net = supernet(space)
    cost = ExpectedCost(space, "macs")
    sizes = {choice.name: len(choice.alternatives) for choice in net.choices.choices}
    most = max(sizes.values())
    padding = np.arange(most) >= np.array(list(sizes.values()))[:, None]

    @tf.function(autograph=False)
    def descend(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        total = tf.constant(0.0, tf.float64)
        for _ in range(COSTS):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                expected = cost(ChoiceWeights(row_softmax(logits), sizes))
            logits -= 1e-9 * tape.gradient(expected, logits)
            total += expected
        return logits, total

    start = tf.constant(np.where(padding, -np.inf, 0.0), tf.float32)
    return lambda: descend(start)


def torch_step(space: fb.Space, size: int, memory: str) -> Step:
    """A step of the largest network in PyTorch."""
    import torch_child

    images, labels = (value.numpy() for value in batch(space, size))
    step: Step = getattr(torch_child, f"{memory}_step")(space.largest, images, labels)
    return step


def stock_step(space: fb.Space, size: int) -> Step:
    """A step of the largest network by Keras's own training function."""
    model = fb.build_model(space.largest)
    model.compile(optimizer=keras.optimizers.SGD(**SGD), loss=loss(), jit_compile=False)
    images, labels = batch(space, size)
    data = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    model.make_train_function()
    return lambda: model.train_function(data)


MAKE: dict[str, Callable[[fb.Space, int], Step]] = {
    "search": lambda space, size: search_step(space, size, WEIGHTS_PHASE),
    "sliced": lambda space, size: search_step(space, size, WEIGHTS_PHASE, sampling="sliced"),
    "architecture": lambda space, size: search_step(space, size, ARCHITECTURE_PHASE),
    "stock": stock_step,
    "torch": lambda space, size: torch_step(space, size, "torch"),
    "channels_last": lambda space, size: torch_step(space, size, "channels_last"),
    "candidates": lambda space, size: search_step(space, size, WEIGHTS_PHASE, sharing="none"),
    "cost": cost_step,
}


@dataclass(frozen=True)
class Times:
    """Median milliseconds of a step: by the clock, and of all processors together."""

    wall: float
    processors: float


def medians(steps: dict[str, Step], repeats: int) -> dict[str, Times]:
    """The times of each step, interleaved so that drift hits all alike."""
    wall: dict[str, list[float]] = {name: [] for name in steps}
    processors: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(3):
            step()
    for _ in range(repeats):
        for name, step in steps.items():
            began, used = time.perf_counter(), time.process_time()
            step()
            processors[name].append(1000 * (time.process_time() - used))
            wall[name].append(1000 * (time.perf_counter() - began))
    found = {}
    for name in steps:
        times = [statistics.median(values[name]) for values in (wall, processors)]
        found[name] = Times(*(time / (COSTS if name == "cost" else 1) for time in times))
    return found


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
        f"batch {BATCH.value}, {os.cpu_count()} cores, TensorFlow {tf.__version__}, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    found = medians({n: MAKE[n](space, BATCH.value) for n in WHAT.value}, REPEATS.value)
    stock = found.get("stock")
    print(f"{'':13} {'wall':>9}     {'/ stock':>7} {'processors':>13}   {'/ stock':>7}")
    for name, times in found.items():
        of = stock or times
        line = f"{name:13} {times.wall:9.1f} ms  {times.wall / of.wall:7.2f} "
        line += f"{times.processors:10.1f} ms  {times.processors / of.processors:7.2f}"
        if MEMORY.value:
            line += f"  {peak_mib(name):7.0f} MiB"
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
