"""What `steps_per_execution` and `jit_compile` do to a training step of a child.

    python benchmarks/fit_step.py
    python benchmarks/fit_step.py --networks=small --jit_compile

The smallest network of a space and its largest one in `training_form`, as `fbnetv2-train` runs
them, by Keras's `fit` on batches that lie ready: milliseconds of a step, median of passes that are
interleaved in one process. With `--jit_compile` also compiled whole by XLA, one step at a time, and
how long the first of them takes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from absl import app, flags
from training_steps import SGD, batch, loss

import fbnetv2_tf as fb
from fbnetv2_tf.training_form import training_form

SPACE = flags.DEFINE_string("space", "fashion28", "A preset, a file, or the text of a space.")
NETWORKS = flags.DEFINE_list("networks", ["small", "large"], "Of the space: small, large.")
BATCH = flags.DEFINE_integer("batch_size", 64, "Images in a step.")
TOGETHER = flags.DEFINE_list("together", ["1", "8", "32"], "Values of steps_per_execution.")
STEPS = flags.DEFINE_integer("steps", 96, "In a pass, a multiple of all of those.")
PASSES = flags.DEFINE_integer("passes", 5, "Of each.")
JIT = flags.DEFINE_boolean("jit_compile", False, "Also with jit_compile=True.")


def fit_of(space: fb.Space, network: str, together: int, jit: bool) -> Callable[[int], Any]:
    """A function that trains for a number of steps."""
    architecture = space.smallest if network == "small" else space.largest
    model = training_form(fb.build_model(architecture))
    model.compile(
        optimizer=keras.optimizers.SGD(**SGD),
        loss=loss(),
        jit_compile=jit,
        steps_per_execution=together,
    )
    data = tf.data.Dataset.from_tensors(batch(space, BATCH.value)).repeat()
    return lambda steps: model.fit(data, steps_per_epoch=steps, verbose=0)


def main(_: list[str]) -> None:
    """Prints the table."""
    space = fb.parse_space(SPACE.value)
    forms = [(int(together), False) for together in TOGETHER.value] + [(1, True)] * JIT.value
    for network in NETWORKS.value:
        fits = {form: fit_of(space, network, *form) for form in forms}
        firsts = {}
        for form, fit in fits.items():
            began = time.perf_counter()
            fit(form[0])
            firsts[form] = time.perf_counter() - began
        times: dict[tuple[int, bool], list[tuple[float, float]]] = {form: [] for form in forms}
        for _ in range(PASSES.value):
            for form, fit in fits.items():
                began, used = time.perf_counter(), time.process_time()
                fit(STEPS.value)
                clock, processors = time.perf_counter() - began, time.process_time() - used
                times[form].append((1000 * clock / STEPS.value, 1000 * processors / STEPS.value))
        for (together, jit), passes in times.items():
            clock, processors = (statistics.median(column) for column in zip(*passes, strict=True))
            print(
                f"{network}  steps_per_execution={together:<3} jit_compile={jit!s:5}  "
                f"{clock:8.2f} ms  processors {processors:8.2f} ms  "
                f"first {firsts[together, jit]:6.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    app.run(main)
