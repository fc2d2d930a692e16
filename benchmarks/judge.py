"""The judge of networks: each trained from scratch by one recipe, measured on one test set.

    python -m benchmarks.judge --networks=list.txt --seeds=0,1 [--worker=0/2] [--backend=jax]

A network is a line of architecture text. Each result goes into a file of JSON lines at once, by
(network, recipe, data, seed), so a second run adds only what is missing, and several workers may
share the file.

The data are 20,000 of Fashion-MNIST's training images (`python -m benchmarks.make_fashion_20k`),
divided as a search divides them, and its 10,000 test images. Nothing is ever chosen by the test
images.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from absl import app, flags

from benchmarks.trials import DATA, RECIPE, RESULTS, JudgeRecipe, Trial, judge

NETWORKS = flags.DEFINE_string("networks", None, "A file with a network a line.")
SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds of the trainings.")
WORKER = flags.DEFINE_string("worker", "0/1", "This worker's number, and how many there are.")
BACKEND = flags.DEFINE_enum("backend", "tensorflow", ["tensorflow", "jax", "torch"], "Of Keras.")
THREADS = flags.DEFINE_integer("threads", 1, "Threads of one training under TensorFlow.")
RATE = flags.DEFINE_float("learning_rate", None, "Another than the recipe's, for its tuning curve.")
DATA_FILE = flags.DEFINE_string("data", str(DATA), "The .npz file of the data.")
OUTPUT = flags.DEFINE_string("results", str(RESULTS), "The file of JSON lines.")


def main(_: list[str]) -> None:
    """Judges this worker's share of a list of networks."""
    os.environ["KERAS_BACKEND"] = BACKEND.value
    if BACKEND.value == "tensorflow":
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(THREADS.value)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS.value)
    from benchmarks.judge_data import load

    settings = asdict(RECIPE)
    if RATE.value is not None:
        settings["learning_rate"] = RATE.value
    networks = Path(NETWORKS.value).read_text(encoding="utf-8").splitlines()
    trials = [
        Trial(network, int(seed), JudgeRecipe(**settings), backend=BACKEND.value)
        for seed in SEEDS.value
        for network in networks
        if network.strip()
    ]
    number, workers = (int(part) for part in WORKER.value.split("/"))
    data = load(Path(DATA_FILE.value))
    for trial, verdict in judge(trials[number::workers], data, Path(OUTPUT.value)):
        print(
            f"{100 * verdict.validation:5.2f} {100 * verdict.test:5.2f} "
            f"{verdict.seconds:6.1f} s  seed {trial.seed}  {trial.network}",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
