"""The judge of networks: each trained from scratch by one recipe, measured on one test set.

    python -m benchmarks.judge_data --dataset=fashion_mnist
    python -m benchmarks.judge --networks=list.txt --seeds=0,1 [--workers=2] [--backend=jax]

A network is a line of architecture text, after a seed where it is for that alone. Each result goes
into a file of JSON lines at once, by (network, recipe, data, seed, backend), so a second run adds
only what is missing. The judge is told nothing of where a network comes from, and nothing is ever
chosen by the test images.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from absl import flags

from benchmarks.sentences import run
from benchmarks.trials import BACKENDS, RECIPES, RESULTS, Trial, judge, recipe_of
from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.errors import InputError

NETWORKS = flags.DEFINE_string("networks", None, "A file with a network a line.")
SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds of the trainings.")
WORKERS = flags.DEFINE_integer("workers", 1, "Processes that share the work.")
WORKER = flags.DEFINE_integer("worker", None, "The number of this one of them; set by the first.")
BACKEND = flags.DEFINE_enum(
    "backend",
    None,
    BACKENDS,
    "Of Keras. If named, what only another has judged is judged again; if not, TensorFlow judges "
    "what none has.",
)
THREADS = flags.DEFINE_integer("threads", 1, "Threads of one training under TensorFlow.")
RATE = flags.DEFINE_float("learning_rate", None, "Another than the recipe's, for its tuning curve.")
EPOCHS = flags.DEFINE_integer("epochs", None, "The same.")
NAME = flags.DEFINE_enum("recipe", "final", RECIPES, "How the networks are trained.")
DATA = flags.DEFINE_string("data", "fashion_mnist", "Name of the prepared data.")
OUTPUT = flags.DEFINE_string("results", str(RESULTS), "The file of JSON lines.")


def trials() -> list[Trial]:
    """What is to be judged."""
    recipe = recipe_of(DATA.value, NAME.value)
    other = {"learning_rate": RATE.value, "epochs": EPOCHS.value}
    recipe = replace(recipe, **{name: value for name, value in other.items() if value is not None})
    wrong = [seed for seed in SEEDS.value if not seed.isdigit()]
    if wrong:
        raise InputError(f"`--seeds` must be whole numbers from 0 on. Received: {wrong[0]!r}.")
    lines = Path(NETWORKS.value).read_text(encoding="utf-8").splitlines()
    found = [
        Trial(network, int(seed), recipe, DATA.value)
        for line in filter(str.strip, lines)
        for seed, network in _wanted(line.strip())
    ]
    if not found:
        raise InputError(f"{NETWORKS.value} must have a network a line. Received an empty file.")
    for trial in found:
        parse_architecture(trial.network)
    return found


def _wanted(line: str) -> list[tuple[str, str]]:
    """Seeds and the network of a line: `network`, or `seed network` for that seed alone."""
    first, _, rest = line.partition(" ")
    return [(first, rest)] if first.isdigit() else [(seed, line) for seed in SEEDS.value]


def hand_out() -> None:
    """Starts the workers and waits for them."""
    workers = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.judge", *sys.argv[1:], f"--worker={n}"])
        for n in range(WORKERS.value)
    ]
    if any(code != 0 for code in [worker.wait() for worker in workers]):
        raise SystemExit("A worker failed; what the others have judged is kept.")


def work(share: list[Trial]) -> None:
    """Judges a worker's share."""
    backend = BACKEND.value or "tensorflow"
    os.environ["KERAS_BACKEND"] = backend
    if backend == "tensorflow":
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(THREADS.value)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS.value)
    from benchmarks.judge_data import load

    path = Path(OUTPUT.value)
    again = BACKEND.value is not None
    for trial, verdict in judge(share, load(DATA.value), path, backend, again):
        print(
            f"{100 * verdict.validation:5.2f} {100 * verdict.test:5.2f} "
            f"{verdict.seconds:6.1f} s  seed {trial.seed}  {trial.network}",
            flush=True,
        )


def main(_: list[str]) -> None:
    """Judges a list of networks."""
    wanted = trials()
    if WORKERS.value > 1 and WORKER.value is None:
        hand_out()
    else:
        work(wanted[WORKER.value or 0 :: WORKERS.value])


if __name__ == "__main__":
    flags.mark_flag_as_required("networks")
    run(main)
