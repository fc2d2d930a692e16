"""What a search step costs against an ordinary training step of the space's largest network.

    python benchmarks/step_cost.py --space=fashion28 --batch_size=64
    python benchmarks/step_cost.py --space=cifar32 --batch_size=64
    python benchmarks/step_cost.py --space=fbnetv2_f --batch_size=8 --repeats=7 --skip=candidates

In one process and one run, interleaved, medians: (search) a weight step of the supernet, (sliced)
one with `sampling="sliced"` at uniform probabilities, a new draw each time, (concentrated) the same
where every choice has a probability of 0.8 for a network of a fifth of the largest one's
multiply-adds, (architecture) an architecture step, (stock) a step of the largest network as stock
Keras layers with Keras's own `fit` step, (torch) and (channels_last) that network in PyTorch,
(candidates) a weight step of `sharing="none"`, (cost) the expected cost and its gradient alone,
within a graph. Each has the same batch and SGD with momentum.

Two times are measured: by the clock, and of the processors in all threads together. The second says
more on a machine that other programs use at the same time. Memory is the most that a process of its
own takes beyond what its libraries take, the median of three; the last column is code of those
libraries that it ran for the first time, and that the operating system read from their files.
"""

from __future__ import annotations

import importlib.util
import os
import statistics

import tensorflow as tf
from absl import app, flags
from training_steps import MAKE, medians, peak_mib, print_peak

import fbnetv2_tf as fb

SPACE = flags.DEFINE_string("space", "fashion28", "A preset, a file, or the text of a space.")
BATCH = flags.DEFINE_integer("batch_size", 64, "Images in a step.")
REPEATS = flags.DEFINE_integer("repeats", 21, "Timed steps of each.")
WARMUP = flags.DEFINE_integer("warmup", 10, "Steps of each before those, for caches of kernels.")
WHAT = flags.DEFINE_list("what", list(MAKE), "What to time.")
SKIP = flags.DEFINE_list("skip", [], "What of it to leave out.")
MEMORY = flags.DEFINE_boolean("memory", True, "Also measure peak memory, each in a new process.")
PROCESSES = flags.DEFINE_integer("processes", 3, "For the memory of each.")
PEAK_OF = flags.DEFINE_string("peak_of", None, "Print the peak memory of one of them and stop.")

OF_TORCH = ("torch", "channels_last")
"""What needs PyTorch, an extra of the package."""


def peak_of(name: str) -> tuple[float, float]:
    """The peak memory of a step, and its libraries' code, MiB, medians of some processes."""
    space = [f"--space={SPACE.value}", f"--batch_size={BATCH.value}"]
    peaks = [peak_mib([f"--peak_of={name}", *space]) for _ in range(PROCESSES.value)]
    memory, code = map(statistics.median, zip(*peaks, strict=True))
    return memory, code


def main(_: list[str]) -> None:
    """Prints the table."""
    space = fb.parse_space(SPACE.value)
    if PEAK_OF.value:
        if PEAK_OF.value in OF_TORCH:
            import torch  # noqa: F401 - a library's own memory does not count
        print_peak(lambda: MAKE[PEAK_OF.value](space, BATCH.value))
        return
    largest = fb.count(space.largest).macs
    print(
        f"{SPACE.value}: {space.size:.1e} architectures, largest {largest / 1e6:.1f} M MACs, "
        f"batch {BATCH.value}, {os.cpu_count()} cores, TensorFlow {tf.__version__}, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    names = [name for name in WHAT.value if name not in SKIP.value]
    without = [name for name in names if name in OF_TORCH]
    if without and importlib.util.find_spec("torch") is None:
        raise SystemExit(
            f"PyTorch is not installed: `pip install torch`, or --skip={','.join(without)}."
        )
    steps = {name: MAKE[name](space, BATCH.value) for name in names}
    found = medians(steps, REPEATS.value, WARMUP.value)
    stock = found.get("stock")
    print(f"{'':13} {'wall':>9}     {'/ stock':>7} {'processors':>13}   {'/ stock':>7}")
    for name, times in found.items():
        of = stock or times
        line = f"{name:13} {times.wall:9.2f} ms  {times.wall / of.wall:7.3f} "
        line += f"{times.processors:10.2f} ms  {times.processors / of.processors:7.3f}"
        if MEMORY.value and name != "cost":
            memory, code = peak_of(name)
            line += f"  {memory:7.0f} MiB {code:5.0f} MiB"
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
