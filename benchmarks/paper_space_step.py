"""One weight step and one architecture step of the paper's space at its own resolution.

    python benchmarks/paper_space_step.py --space=fbnetv2_f --batch_size=8

Prints the size of the space, the seconds of each step (the first is slow: it traces), and the
peak resident memory of the process.
"""

from __future__ import annotations

import resource
import time

import keras
import numpy as np
from absl import app, flags

import fbnetv2_tf as fb
from fbnetv2_tf.search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE

SPACE = flags.DEFINE_string("space", "fbnetv2_f", "A preset, a file, or the text of a space.")
BATCH = flags.DEFINE_integer("batch_size", 8, "Images in a step.")
MACS = flags.DEFINE_float("max_macs", 100e6, "The budget.")


def main(_: list[str]) -> None:
    """Runs the two steps."""
    space = fb.parse_space(SPACE.value)
    print(f"{SPACE.value}: {space.size:.1e} architectures at {space.sides[0]} pixels")
    net = fb.build_supernet(space)
    net.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        architecture_optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        objective=fb.Budget(max_macs=MACS.value),
    )
    random = np.random.default_rng(0)
    side, classes = space.sides[0], space.classes
    images = random.normal(size=(BATCH.value, side, side, space.input_channels)).astype("float32")
    labels = random.integers(0, classes, BATCH.value)
    function = net.make_train_function()
    for phase, name in ((WEIGHTS_PHASE, "weight"), (ARCHITECTURE_PHASE, "architecture")):
        for attempt in ("first", "second"):
            began = time.perf_counter()
            logs = function(iter([(images, labels, phase)]))
            seconds = time.perf_counter() - began
            print(f"{attempt} {name} step: {seconds:.1f} s, loss {float(logs['loss']):.3f}")
    print(f"expected MACs: {net.expected_cost()['macs']:,.0f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak resident memory: {peak:.2f} GiB")


if __name__ == "__main__":
    app.run(main)
