"""Whether the input pipeline sustains a search step.

    python benchmarks/input_pipeline.py --space=fashion28
    python benchmarks/input_pipeline.py --space=cifar32 --augments=none,flip,flip_crop2_mixup0.2

For each augmentation the batches of `fbnetv2-search` are (alone) taken with nothing else to do, and
(fed) each given to a weight step; (step) is a weight step that gets the same batch again and again.
One process, interleaved by passes of `--batches`, medians. `fed / step` says what the pipeline
costs a search that has these processors; `alone` how many images a second it could give at most.
fashion28 has its own images, another space random ones of its size.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from training_steps import WEIGHTS_PHASE, Times, batch, supernet

import fbnetv2_tf as fb
from fbnetv2_tf.datasets import DataSplits, load_dataset
from fbnetv2_tf.datasets.epochs import endless

SPACE = flags.DEFINE_string("space", "fashion28", "A preset, a file, or the text of a space.")
BATCH = flags.DEFINE_integer("batch_size", 64, "Images in a step.")
AUGMENTS = flags.DEFINE_list("augments", ["none", "flip", "light", "strong"], "As of a search.")
BATCHES = flags.DEFINE_integer("batches", 40, "In a pass.")
PASSES = flags.DEFINE_integer("passes", 5, "Of each.")

IMAGES = 6000
"""Random images of a space other than fashion28."""


ALONE = 10
"""Times as many batches where nothing else is to be done, so that what lay ready counts little."""


def data_of(space: fb.Space) -> DataSplits:
    """Images of the space's size."""
    if SPACE.value == "fashion28":
        return load_dataset("fashion_mnist_10k")
    random = np.random.default_rng(0)
    shape = (IMAGES, max(space.sides), max(space.sides), space.input_channels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.npz"
        images, labels = random.integers(0, 256, shape, np.uint8), np.arange(IMAGES) % space.classes
        np.savez(path, x_train=images, y_train=labels)
        return load_dataset("npz", path)


def stream(data: DataSplits, augment: str) -> Any:
    """An iterator over the batches of a search's weight phase."""
    size = BATCH.value
    epochs = data.weights.epochs(size, shuffle_seed=0, augment=augment, drop_remainder=True)
    return iter(endless(epochs, data.weights.steps(size, drop_remainder=True)))


def per_batch(work: Callable[[], Any], is_alone: bool) -> Times:
    """Milliseconds of one of a pass."""
    number = BATCHES.value * (ALONE if is_alone else 1)
    began, used = time.perf_counter(), time.process_time()
    for _ in range(number):
        work()
    clock, processors = time.perf_counter() - began, time.process_time() - used
    return Times(1000 * clock / number, 1000 * processors / number)


def main(_: list[str]) -> None:
    """Prints the table."""
    space = fb.parse_space(SPACE.value)
    data, function = data_of(space), supernet(space).make_train_function()
    again = (*batch(space, BATCH.value), WEIGHTS_PHASE)
    streams = {augment: stream(data, augment) for augment in AUGMENTS.value}

    def feed(augment: str) -> None:
        images, labels = next(streams[augment])
        labels = labels if labels.shape.rank == 1 else np.argmax(labels, axis=1).astype(np.int32)
        function(iter([(images, labels, WEIGHTS_PHASE)]))

    works: dict[str, Callable[[], Any]] = {"step": lambda: function(iter([again]))}
    for augment in AUGMENTS.value:
        works[f"{augment} alone"] = lambda augment=augment: next(streams[augment])
        works[f"{augment} fed"] = lambda augment=augment: feed(augment)
    for work in works.values():
        work()
    found: dict[str, list[Times]] = {name: [] for name in works}
    for _ in range(PASSES.value):
        for name, work in works.items():
            found[name].append(per_batch(work, name.endswith("alone")))
    step = statistics.median(times.wall for times in found["step"])
    for name, passes in found.items():
        clock = statistics.median(times.wall for times in passes)
        processors = statistics.median(times.processors for times in passes)
        print(
            f"{name:28} {clock:8.2f} ms  {clock / step:6.3f} of a step  processors "
            f"{processors:8.2f} ms  {1000 * BATCH.value / clock:9,.0f} images/s",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
