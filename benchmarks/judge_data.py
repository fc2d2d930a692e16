"""The judge's images as arrays, with no library but NumPy and Keras between them and a network.

    python -m benchmarks.judge_data --data=fashion_mnist
    python -m benchmarks.judge_data --data=mine --dataset=directory --data_dir=photos --side=32

writes the parts of a data set, divided as every search divides it, to `runs/judge/NAME.npz`. A
machine that only trains networks needs this file and Keras, under any backend. The first form
knows the tasks of `benchmarks.tasks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import flags

from benchmarks.sentences import run
from fbnetv2_tf.errors import InputError

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "runs" / "judge"
EVALUATED = 500
"""Images in a batch of an evaluation; parts are multiples of it."""

PARTS = ("train", "validation", "test")

Part = tuple[np.ndarray, np.ndarray]
"""Images (images, height, width, channels) uint8 and labels (images,) int32."""


@dataclass(frozen=True)
class JudgeData:
    """The parts: `train` is what a search divides into weights and architecture."""

    train: Part
    validation: Part
    test: Part


def prepare(name: str, dataset: str, data_dir: Path | None, side: int) -> Path:
    """Reads a data set as `fbnetv2-search` does, and keeps its parts as bytes.

    Args:
        name: of the file.
        dataset, data_dir: as `fbnetv2-search` takes them.
        side: of the images, pixels.
    """
    from fbnetv2_tf.datasets import load_dataset

    splits = load_dataset(dataset, data_dir, image_side=side, seed=0)
    arrays = {}
    for part in PARTS:
        split = getattr(splits, part)
        arrays[f"x_{part}"] = np.rint(255 * split.images()).astype(np.uint8)
        arrays[f"y_{part}"] = split.labels
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    return path


def load(name: str) -> JudgeData:
    """The parts that `prepare` has written.

    Raises:
        InputError: it has not.
    """
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        wanted = f"python -m benchmarks.judge_data --data={name}"
        raise InputError(f"The judge's data {path} is missing; `{wanted}` writes it.")
    with np.load(path, allow_pickle=False) as file:
        return JudgeData(*((file[f"x_{part}"], file[f"y_{part}"]) for part in PARTS))


def to_unit(images: np.ndarray) -> np.ndarray:
    """Bytes as float32 in [0, 1]."""
    return images.astype(np.float32) * np.float32(1 / 255)


@dataclass(frozen=True)
class Order:
    """Which images each step of a training sees, and which of them mirrored.

    Attributes:
        images: places, int (steps, batch).
        mirrored: bool (steps, batch).
    """

    images: np.ndarray
    mirrored: np.ndarray


def order_of(size: int, batch_size: int, epochs: int, seed: int, flips: bool) -> Order:
    """A new order in each epoch; a last smaller batch is left out.

    Args:
        size: images of the part.
        batch_size, epochs: of the training.
        seed: the same seed gives the same order under every backend.
        flips: whether half of the images are mirrored.
    """
    random = np.random.default_rng(seed)
    steps = size // batch_size
    images, mirrored = [], []
    for _ in range(epochs):
        images.append(random.permutation(size)[: steps * batch_size].reshape(steps, batch_size))
        mirrored.append(random.random((steps, batch_size)) < (0.5 if flips else 0.0))
    return Order(np.concatenate(images), np.concatenate(mirrored))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of an `Order`, all epochs as one.

    Args:
        part: images and labels.
        order: of the training.
    """

    def __init__(self, part: Part, order: Order) -> None:
        super().__init__()
        self._part, self._order = part, order

    def __len__(self) -> int:
        return len(self._order.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen, mirrored = self._order.images[index], self._order.mirrored[index]
        images = to_unit(self._part[0][chosen])
        images[mirrored] = images[mirrored, :, ::-1]
        return images, self._part[1][chosen]


def main(_: list[str]) -> None:
    """Writes the file of one data set."""
    from benchmarks.tasks import TASKS, space_of

    values = flags.FLAGS
    name = values.data or values.dataset
    if name is None:
        raise InputError("`--data` or `--dataset` must say which data. Received neither.")
    task = TASKS.get(name)
    dataset = values.dataset or (task.dataset if task else name)
    folder = values.data_dir or (task.data_dir if task else None)
    side = values.side or (max(space_of(task.space).sides) if task else 28)
    path = prepare(name, dataset, Path(folder) if folder else None, side)
    sizes = {part: len(getattr(load(name), part)[1]) for part in PARTS}
    print(f"{path}: {sizes}")


if __name__ == "__main__":
    flags.DEFINE_string("data", None, "Name of the file; a task, or any with --dataset.")
    flags.DEFINE_string("dataset", None, "As of fbnetv2-search; by default the task's.")
    flags.DEFINE_string("data_dir", None, "As of fbnetv2-search; by default the task's.")
    flags.DEFINE_integer("side", None, "Of the images, pixels; by default the task's, or 28.")
    run(main)
