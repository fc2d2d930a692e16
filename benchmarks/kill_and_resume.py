"""A search and a training, killed with SIGKILL at random instants, against ones that were not.

    python benchmarks/kill_and_resume.py --kills=20

Both commands run with `--deterministic` on a small data set, and a checkpoint every five steps. In
each life the process is killed while it starts, in a step, or while a checkpoint, the scores of a
search's candidates or the results are being written; the next life is the same command. In the end
every weight, logit, statistic and the optimizers must be those of the uninterrupted run, to the
last bit. A life is forked from a process that has imported TensorFlow and computed nothing, which
saves the time of the import.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from fbnetv2_tf.flags import search, train
from fbnetv2_tf.flags.quiet import quiet_start

with quiet_start():
    import tensorflow  # noqa: F401

    from fbnetv2_tf.builders import equivalence, keras_file  # noqa: F401
    from fbnetv2_tf.run_state import RunState

KILLS = flags.DEFINE_integer("kills", 20, "Of the search, and as many of the training.")
PARTS = flags.DEFINE_multi_enum("part", ["search", "train"], ["search", "train"], "What to kill.")
SEED = flags.DEFINE_integer("seed", 0, "Of the instants.")
LIVES = flags.DEFINE_integer("lives", 1000, "Lives of each part in this call, with --folder.")
FOLDER = flags.DEFINE_string("folder", None, "Where to work; the same command goes on there.")

SPACE = "in_hw8_c1 cn_k3_s2_c8:16:8_nre ir/sk_k3/5_s1_e1/2_c8/16_se0/0.5_nre/hs fc_c3"
CHILD = "in_hw8_c1 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.5_nhs fc_c3"
EPOCHS, BATCH, CHECKPOINT_EVERY = 8, 8, 5
IMAGES, CLASSES = 240, 3
WEIGHTS = "model.weights.h5"

STEPS = ["starting", "in a step", "writing a checkpoint", "in a step", "writing a checkpoint"]
"""Where lives end, in turn, but for the last ones."""

RESULTS = ["writing the results"] * 2
LAST = {"search": ["writing candidates' scores", *RESULTS], "train": RESULTS}
"""Where the last lives of each part end."""

FILES = {
    "writing a checkpoint": ".step_*.new.npz",
    "writing candidates' scores": ".candidates.*.new.json",
    "writing the results": ".*.new.keras",
}
"""What is being written there."""


@dataclass
class Life:
    """One process: where it was killed, and the steps that it made."""

    where: str
    first: int
    last: int
    made: int


def write_data(path: Path) -> None:
    """Three classes of 8x8 patterns with noise."""
    generator = np.random.default_rng(0)
    patterns = generator.random((CLASSES, 8, 8)) > 0.5
    labels = np.arange(IMAGES) % CLASSES
    pixels = 160 * patterns[labels] + generator.integers(0, 95, (IMAGES, 8, 8))
    np.savez(path, x_train=pixels.astype(np.uint8), y_train=labels.astype(np.int32))


def command(part: str, data: Path, output: Path) -> list[str]:
    """The arguments of the driver."""
    common = [
        "--dataset=npz",
        f"--data_dir={data}",
        f"--output={output}",
        f"--epochs={EPOCHS}",
        f"--batch_size={BATCH}",
        f"--checkpoint_every={CHECKPOINT_EVERY}",
        "--deterministic",
    ]
    if part == "search":
        return [f"--space={SPACE}", "--max_macs=6000", *common]
    return [f"--architecture={CHILD}", "--dropout=0.2", *common]


def child(part: str, shared: np.ndarray, arguments: list[str]) -> int:
    """The driver as it is, but that each finished step is noted in two shared integers.

    The steps of a search and of the training after it count on.
    """
    end, restore = RunState.on_train_batch_end, RunState.restore
    steps: dict[str, int] = {}

    def noted(self: Any, batch: int, logs: Any = None) -> None:
        steps[self.what] = self.started_at + batch + 1
        shared[0], shared[1] = sum(steps.values()), shared[1] + 1
        end(self, batch, logs)

    def restored(self: Any, model: Any) -> int:
        steps[self.what] = restore(self, model)
        return steps[self.what]

    RunState.on_train_batch_end = noted  # type: ignore[method-assign]
    RunState.restore = restored  # type: ignore[method-assign]
    return {"search": search, "train": train}[part].DRIVER.run(arguments)


class Victim:
    """A process of a run, and what can be seen of it from outside."""

    def __init__(self, part: str, folder: Path, output: Path) -> None:
        self.output = output
        self.shared = np.frombuffer(mmap.mmap(-1, 16), np.int64)
        self.log = folder / f"{part}.log"
        self.code: int | None = None
        self.before = set(output.rglob(".*.new*"))
        self.pid = os.fork()
        if self.pid == 0:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os._exit(child(part, self.shared, command(part, folder / "data.npz", output)))

    def ended(self, options: int = os.WNOHANG) -> bool:
        """Whether the process has ended; `code` is then its exit code."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, options)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def finish(self) -> None:
        """Waits for a process that must end well."""
        self.ended(0)
        if self.code != 0:
            print(self.log.read_text()[-2000:], file=sys.stderr)
            raise SystemExit(f"A run failed by itself, with code {self.code}.")

    def is_writing(self, pattern: str) -> bool:
        """Whether a file of this pattern, not left by another life, is being written just now."""
        return any(path not in self.before for path in self.output.rglob(pattern))

    def wait(self, instant: Any) -> bool:
        """Waits for an instant; whether it came before the process ended."""
        while not self.ended():
            if instant():
                return True
            time.sleep(0.0003)
        return False


def checkpoint_step(output: Path) -> int:
    """The step of the newest checkpoint; of a search and the training after it the sum."""
    newest: dict[Path, int] = {}
    for path in output.rglob("step_*.npz"):
        step = int(path.stem[len("step_") :])
        newest[path.parent] = max(step, newest.get(path.parent, 0))
    return sum(newest.values())


def live(part: str, folder: Path, output: Path, plan: str, total: int, chance: Any) -> Life:
    """One life, killed as planned unless it ends before."""
    saved = checkpoint_step(output)
    victim = Victim(part, folder, output)
    target = min(total - 1, saved + chance.randint(1, max(2, 2 * total // KILLS.value)))
    delay = chance.uniform(0.0, 0.02)
    if plan == "starting":
        end = time.monotonic() + chance.uniform(0.0, 4.0)
        killed = victim.wait(lambda: time.monotonic() > end or victim.shared[1] > 0)
    elif plan == "in a step":
        killed = victim.wait(lambda: victim.shared[0] >= target)
        time.sleep(delay)
    else:
        soonest = target - 1 if plan == "writing a checkpoint" else 0
        killed = victim.wait(lambda: victim.shared[0] >= soonest and victim.is_writing(FILES[plan]))
    if victim.ended():
        killed = False
        victim.finish()
    else:
        os.kill(victim.pid, signal.SIGKILL)
        victim.ended(0)
    left = [path.name for path in output.rglob(".*.new*")] if killed else []
    where = plan if killed else "not at all"
    if left:
        where += ", which was left half written"
    return Life(where, saved, int(victim.shared[0]), int(victim.shared[1]))


def result(part: str, output: Path) -> dict[str, Any]:
    """Everything that must be equal."""
    found = weights(output / ("inherited.keras" if part == "search" else "child.keras"))
    found["architecture"] = (output / "architecture.txt").read_text()
    if part == "train":
        record = json.loads((output / "train.json").read_text())
        return {**found, **{name: record[name] for name in ("history", "validation", "test")}}
    record = json.loads((output / "search.json").read_text())
    for name in ("history", "probabilities", "expected_cost", "candidates"):
        found[name] = record[name]
    newest = sorted((output / "checkpoints").glob("step_*.npz"))[-1]
    with np.load(newest, allow_pickle=False) as arrays:
        return {**found, **{name: arrays[name] for name in arrays.files}}


def weights(path: Path) -> dict[str, Any]:
    """Every array of a .keras file, as it is in the file."""
    import h5py

    found: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read(WEIGHTS))) as file:
        names: list[str] = []
        file.visit(names.append)
        found |= {name: file[name][()] for name in names if isinstance(file[name], h5py.Dataset)}
    return found


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """The names of what is not equal to the last bit."""
    names = first.keys() | second.keys()
    return sorted(n for n in names if not np.array_equal(first.get(n), second.get(n)))


def measure(part: str, folder: Path) -> bool:
    """Kills a run again and again; whether it ended as the uninterrupted one."""
    chance = random.Random(SEED.value + len(part))
    whole, killed = folder / f"{part}_whole", folder / f"{part}_killed"
    record = folder / f"{part}.json"
    if not record.exists():
        victim = Victim(part, folder, whole)
        victim.finish()
        record.write_text(json.dumps([int(victim.shared[1]), []]))
    total, before = json.loads(record.read_text())
    last = LAST[part]
    plans = [STEPS[n % len(STEPS)] for n in range(KILLS.value - len(last))] + last
    lives = [Life(*life) for life in before]
    for number in range(KILLS.value):
        if number < len(before):
            chance.random()
            continue
        if number == len(before) + LIVES.value:
            print(f"  {part}: {number} lives so far; the same command goes on", flush=True)
            return True
        lives.append(live(part, folder, killed, plans[number], total, chance))
        record.write_text(json.dumps([total, [astuple(life) for life in lives]]))
        life = lives[-1]
        print(
            f"  {part} {number + 1:2}: went on after step {life.first}, "
            f"killed {life.where}, after step {max(life.first, life.last)} of {total}",
            flush=True,
        )
    victim = Victim(part, folder, killed)
    victim.finish()
    made = sum(life.made for life in lives) + int(victim.shared[1])
    wrong = differences(result(part, whole), result(part, killed))
    places = Counter(life.where.split(",")[0] for life in lives)
    half = sum("half written" in life.where for life in lives)
    print(
        f"{part}: {sum(life.where != 'not at all' for life in lives)} kills "
        f"({', '.join(f'{count} {place}' for place, count in places.items())}; "
        f"{half} left a file half written); {total} steps, {made - total} repeated; "
        + ("every value bit-identical" if not wrong else f"DIFFERENT: {', '.join(wrong[:5])}"),
        flush=True,
    )
    return not wrong


def main(_: list[str]) -> None:
    """Prints where the kills fell, and whether they left a trace."""
    with contextlib.ExitStack() as stack:
        folder = FOLDER.value or stack.enter_context(tempfile.TemporaryDirectory())
        Path(folder).mkdir(exist_ok=True)
        write_data(Path(folder) / "data.npz")
        is_right = [measure(part, Path(folder)) for part in PARTS.value]
    sys.exit(not all(is_right))


if __name__ == "__main__":
    app.run(main)
