"""Where the time of a training step goes: percent by operator, from TensorFlow's profiler.

    python benchmarks/operators.py --space=cifar32 --batch_size=64 --what=search
    python benchmarks/operators.py --space=cifar32 --batch_size=64 --what=sliced

The time of an operator is that of the thread which runs it, without what it waits for inside of it.
Parts that the threads of a pool compute for an operator, and the loops that XLA compiled, have rows
of their own.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import app, flags
from training_steps import MAKE

import fbnetv2_tf as fb

SPACE = flags.DEFINE_string("space", "cifar32", "A preset, a file, or the text of a space.")
BATCH = flags.DEFINE_integer("batch_size", 64, "Images in a step.")
WHAT = flags.DEFINE_string("what", "search", f"Which step: one of {', '.join(MAKE)}.")
STEPS = flags.DEFINE_integer("steps", 10, "Steps that are profiled.")
ROWS = flags.DEFINE_integer("rows", 25, "Rows of the table.")

WAITING = ("KernelAndDeviceFunc", "BlockUntilReady")
"""What only waits for others."""


def self_times(trace: Any) -> tuple[Counter[str], Counter[str]]:
    """Picoseconds and calls by operator, each without the events that it encloses."""
    times: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for plane in trace.planes:
        for line in plane.lines:
            events = sorted(line.events, key=lambda event: (event.offset_ps, -event.duration_ps))
            enclosing: list[tuple[int, str]] = []
            for event in events:
                metadata = plane.event_metadata[event.metadata_id]
                name = metadata.display_name or metadata.name.split(":")[0]
                while enclosing and enclosing[-1][0] <= event.offset_ps:
                    enclosing.pop()
                times[name] += event.duration_ps
                calls[name] += 1
                if enclosing:
                    times[enclosing[-1][1]] -= event.duration_ps
                enclosing.append((event.offset_ps + event.duration_ps, name))
    return times, calls


def main(_: list[str]) -> None:
    """Prints the table."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    step = MAKE[WHAT.value](fb.parse_space(SPACE.value), BATCH.value)
    for _ in range(STEPS.value):
        step()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(STEPS.value):
            step()
        tf.profiler.experimental.stop()
        [file] = Path(folder).rglob("*.xplane.pb")
        trace = xplane_pb2.XSpace.FromString(file.read_bytes())
    times, calls = self_times(trace)
    for name in WAITING:
        times.pop(name, None)
    whole = sum(times.values())
    print(f"{WHAT.value}, {SPACE.value}, batch {BATCH.value}: {whole / 1e9 / STEPS.value:.1f} ms")
    for name, time in times.most_common(ROWS.value):
        print(f"{100 * time / whole:5.1f} %  {calls[name] / STEPS.value:7.1f} times  {name}")


if __name__ == "__main__":
    app.run(main)
