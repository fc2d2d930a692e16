"""The judge's images as arrays, with no library but NumPy and Keras between them and a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fbnetv2_tf.datasets.assignment import OWN_TEST, assign, content_hashes

Part = tuple[np.ndarray, np.ndarray]
"""Images (images, height, width, channels) float32 and labels (images,) int32."""


@dataclass(frozen=True)
class JudgeData:
    """The parts: `train` is what a search divides into weights and architecture."""

    train: Part
    validation: Part
    test: Part


def load(path: Path) -> JudgeData:
    """Reads a .npz file and divides it as `fbnetv2-search --dataset=npz` does."""
    with np.load(path, allow_pickle=False) as file:
        images, labels = file["x_train"], file["y_train"].astype(np.int32)
        test = (_scaled(file["x_test"]), file["y_test"].astype(np.int32))
    parts = assign(content_hashes(image.tobytes() for image in images), labels, OWN_TEST)
    scaled = _scaled(images)
    train = np.sort(np.concatenate([parts["weights"], parts["architecture"]]))
    validation = np.sort(parts["validation"])
    return JudgeData((scaled[train], labels[train]), (scaled[validation], labels[validation]), test)


def _scaled(images: np.ndarray) -> np.ndarray:
    """To [0, 1], with a channel axis."""
    floats = images.astype(np.float32) / 255.0
    return floats if floats.ndim == 4 else floats[..., np.newaxis]


class Epochs(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in an order of their own in each epoch, half of the images mirrored.

    Args:
        images, labels: of the part.
        batch_size: images in a batch; a last smaller one is left out.
        seed: of the order and the mirroring.
        flips: whether to mirror.
    """

    def __init__(
        self, images: Any, labels: Any, batch_size: int, seed: int, flips: bool = True
    ) -> None:
        super().__init__()
        self._images, self._labels = images, labels
        self._batch_size, self._flips = batch_size, flips
        self._random = np.random.default_rng(seed)
        self._start()

    def __len__(self) -> int:
        return len(self._images) // self._batch_size

    def __getitem__(self, index: int) -> Part:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = self._images[chosen]
        mirrored = self._mirrored[chosen]
        images[mirrored] = images[mirrored, :, ::-1]
        return images, self._labels[chosen]

    def on_epoch_end(self) -> None:
        """Draws the next epoch's order."""
        self._start()

    def _start(self) -> None:
        self._order = self._random.permutation(len(self._images))
        self._mirrored = self._random.random(len(self._images)) < (0.5 if self._flips else 0.0)
