"""Supernet weights trained by the sandwich rule, to be compared by `benchmarks.ranking`.

    python -m benchmarks.sandwich --epochs=10 --output=runs/sandwich.weights.h5

Each step trains the largest network of the space by the labels, and two networks drawn uniformly by
what the largest one answers (Yu et al. 2020, BigNAS, section 3: sandwich rule and inplace
distillation; the smallest network is left out). All three read the same weights, and each computes
its own channels alone. So no block waits for a draw to be trained, as the deep ones do where
networks are only drawn. There is no architecture phase: such weights rank, they do not search.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import fbnetv2_tf as fb
from benchmarks.sentences import run
from benchmarks.supernets import ScoringSupernet
from benchmarks.tasks import Task, space_of, task_of
from fbnetv2_tf.choices_layout import one_hot_rows, searched
from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.search import SearchSettings, compile_search, steps_of
from fbnetv2_tf.sliced_path import SlicedPath
from fbnetv2_tf.two_phase_model import MOMENTUM

DRAWN = 2
"""Networks drawn for a step, beside the largest."""


class SandwichSupernet(ScoringSupernet):
    """A supernet whose weights are trained by the sandwich rule.

    Args:
        space: whose networks learn.
        dataset, data_dir: as of `fbnetv2-search`.
        settings: of the training of the weights; `epochs` are all of them.
    """

    def __init__(
        self, space: fb.Space, dataset: str, data_dir: Path | None, settings: SearchSettings
    ) -> None:
        self.settings = settings
        self.data = load_dataset(dataset, data_dir, image_side=max(space.sides), seed=0)
        made = space.for_data(self.data.classes, self.data.image_shape[2])
        keras.utils.set_random_seed(settings.seed)
        self.net = fb.build_supernet(made, sampling="sliced", seed=settings.seed)
        largest = Budget(max_macs=fb.count(made.largest).macs)
        steps = steps_of(self.data, settings.batch_size)
        compile_search(self.net, largest, settings, steps)

    def train(self) -> Iterator[float]:
        """Trains; gives the largest network's mean loss of every epoch."""
        alternatives = [len(values) for values in searched(self.net.space).values()]
        rows = one_hot_rows(self.net.space, self.net.space.largest)
        largest = [int(np.argmax(rows[name])) for name in searched(self.net.space)]
        random = np.random.default_rng(self.settings.seed)
        step = tf.function(self._step, autograph=False)
        for epoch in range(self.settings.epochs):
            losses = []
            for images, labels in self._batches(epoch):
                drawn = [random.integers(alternatives) for _ in range(DRAWN)]
                losses.append(step(images, labels, tf.constant([largest, *drawn], tf.int32)))
            yield float(np.mean(losses))

    def _batches(self, epoch: int) -> Any:
        of_epoch = self.data.weights.epochs(
            self.settings.batch_size,
            shuffle_seed=self.settings.seed,
            augment=self.settings.augment,
            drop_remainder=True,
        )
        return of_epoch(tf.constant(epoch, tf.int64), 0)

    def _step(self, images: tf.Tensor, labels: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """One step of all three networks, places of their alternatives (networks, choices)."""
        variables = self.net.weight_variables
        with tf.GradientTape() as tape:
            logits = [self._logits(images, of_network) for of_network in tf.unstack(places)]
            loss = self.net.compute_loss(images, labels, logits[0])
            taught = tf.stop_gradient(tf.nn.softmax(logits[0]))
            losses = [tf.nn.softmax_cross_entropy_with_logits(taught, x) for x in logits[1:]]
            total = loss + tf.add_n([tf.reduce_mean(one) for one in losses])
        self.net.optimizer.apply(tape.gradient(total, variables), variables)
        return loss

    def _logits(self, images: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        names = list(searched(self.net.space))
        by_choice = dict(zip(names, tf.unstack(places, num=len(names)), strict=True))
        return SlicedPath(self.net.blocks, MOMENTUM)(images, list(self.net.by_block(by_choice)))


def loaded(path: Path, task: Task) -> SandwichSupernet:
    """The supernet of a task with weights that were written before."""
    supernet = _made(task, SearchSettings())
    supernet.net.load_weights(path)
    return supernet


def _made(task: Task, settings: SearchSettings) -> SandwichSupernet:
    return SandwichSupernet(space_of(task.space), task.dataset, task.data_dir, settings)


def main(_: list[str]) -> None:
    """Trains, and writes the weights."""
    values = flags.FLAGS
    settings = SearchSettings(epochs=values.epochs, warmup_epochs=0, seed=values.seed)
    supernet = _made(task_of(values.data, space=values.space), settings)
    for number, loss in enumerate(supernet.train(), start=1):
        print(f"epoch {number}/{values.epochs}  loss of the largest network {loss:.3f}", flush=True)
    path = Path(values.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    supernet.net.save_weights(path)


if __name__ == "__main__":
    flags.DEFINE_integer("epochs", 10, "Passes over the images of the weights.")
    flags.DEFINE_string("output", "runs/sandwich.weights.h5", "The weights to write.")
    flags.DEFINE_string("data", "fashion_mnist", "A task of benchmarks.tasks.")
    flags.DEFINE_string("space", None, "Another space than the task's.")
    flags.DEFINE_integer("seed", 0, "Of the draws, the order and the initial weights.")
    run(main)
