"""The training steps that `step_cost.py` and `scaling.py` compare, and how they are timed."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the drivers have it, and the limits

import keras
import numpy as np
import tensorflow as tf

import fbnetv2_tf as fb
from fbnetv2_tf.choice_weights import ChoiceWeights
from fbnetv2_tf.choices_layout import one_hot_rows, searched
from fbnetv2_tf.expected_cost import ExpectedCost
from fbnetv2_tf.flags.heaps import limit_heaps
from fbnetv2_tf.flags.threads import limit_threads
from fbnetv2_tf.momentum_sgd import MomentumSGD
from fbnetv2_tf.sampling import row_softmax
from fbnetv2_tf.search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE

limit_heaps()
limit_threads()

Step = Callable[[], Any]

COSTS = 20
"""Evaluations of the cost in one call, so that the call itself does not count."""

SGD = {"learning_rate": 0.01, "momentum": 0.9}
"""The optimizer of the weights, the same everywhere."""

CONCENTRATED = 0.8
"""The probability that every choice gives to one network in the step `concentrated`."""


@dataclass(frozen=True)
class Times:
    """Median milliseconds of a step: by the clock, and of all processors together."""

    wall: float
    processors: float


def batch(space: fb.Space, size: int) -> tuple[Any, Any]:
    """Random images and labels."""
    random = np.random.default_rng(0)
    side = max(space.sides)
    images = random.normal(size=(size, side, side, space.input_channels)).astype(np.float32)
    return tf.constant(images), tf.constant(random.integers(0, space.classes, size), tf.int32)


def loss() -> keras.losses.Loss:
    """The loss, the same everywhere."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def supernet(space: fb.Space, **options: Any) -> Any:
    """A supernet compiled for a budget of a third of the largest network."""
    net = fb.build_supernet(space, **options)
    budget = fb.Budget(max_macs=fb.count(space.largest).macs / 3)
    net.compile(optimizer=MomentumSGD(**SGD), loss=loss(), objective=budget)
    return net


def search_step(
    space: fb.Space,
    size: int,
    phase: int = WEIGHTS_PHASE,
    concentrated: bool = False,
    **options: Any,
) -> Step:
    """A step of the supernet."""
    net = supernet(space, **options)
    if concentrated:
        _concentrate(net)
    function = net.make_train_function()
    images, labels = batch(space, size)
    return lambda: function(iter([(images, labels, phase)]))


def _concentrate(net: Any) -> None:
    """Makes a network of a fifth of the largest one's multiply-adds probable in every choice."""
    rows = one_hot_rows(net.space, net.derive(max_macs=fb.count(net.space.largest).macs / 5))
    for choice in net.choices.choices:
        others = (1 - CONCENTRATED) / (len(choice.alternatives) - 1)
        choice.assign(np.log(np.where(rows[choice.name] > 0, CONCENTRATED, others)))


def cost_step(space: fb.Space, size: int) -> Step:
    """What an architecture step does for the cost, `COSTS` times in one graph.

    Each time the exact expectation and its gradient, at logits that the gradient before has moved.
    """
    cost = ExpectedCost(space, "macs")
    sizes = {name: len(alternatives) for name, alternatives in searched(space).items()}
    padding = np.arange(max(sizes.values())) >= np.array(list(sizes.values()))[:, None]

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
    "search": search_step,
    "sliced": lambda space, size: search_step(space, size, sampling="sliced"),
    "concentrated": lambda space, size: search_step(
        space, size, sampling="sliced", concentrated=True
    ),
    "architecture": lambda space, size: search_step(space, size, ARCHITECTURE_PHASE),
    "stock": stock_step,
    "torch": lambda space, size: torch_step(space, size, "torch"),
    "channels_last": lambda space, size: torch_step(space, size, "channels_last"),
    "candidates": lambda space, size: search_step(space, size, sharing="none"),
    "cost": cost_step,
}
"""What each name stands for in `step_cost.py`."""


def medians(steps: Mapping[str, Step], repeats: int, warmup: int = 3) -> dict[str, Times]:
    """The times of each step, interleaved so that drift hits all alike."""
    wall: dict[str, list[float]] = {name: [] for name in steps}
    processors: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(warmup):
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


def print_peak(step_of: Callable[[], Step]) -> None:
    """Makes a step three times and prints the most memory that this took, and library code, MiB.

    What the process held before, TensorFlow above all, is not part of it. Nor are the pages of the
    libraries' files that came in only now because their code was run for the first time: they are
    the second number. (XLA's compiler is 50 MiB of TensorFlow's library that importing it leaves on
    disk.)
    """
    before, code = _resident("VmRSS"), _resident("RssFile")
    step = step_of()
    for _ in range(3):
        step()
    loaded = _resident("RssFile") - code
    print(_resident("VmHWM") - before - loaded, loaded)


def _resident(kind: str) -> float:
    """A line of Linux's `/proc/self/status`, MiB."""
    [line] = [
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(f"{kind}:")
    ]
    return int(line.split()[1]) / 1024


def peak_mib(arguments: Sequence[str], heaps: int | None = None) -> tuple[float, float]:
    """What `print_peak` says in a process of its own, that of this program and these arguments.

    Args:
        arguments: of the program.
        heaps: of C's `malloc`; None for as many as the drivers have.
    """
    command = [sys.executable, sys.argv[0], *arguments]
    environment = {**os.environ, **({"MALLOC_ARENA_MAX": str(heaps)} if heaps else {})}
    said = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout
    memory, code = map(float, said.split()[-2:])
    return memory, code
