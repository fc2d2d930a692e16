"""A data set that a tiny network learns in seconds: three classes of 8x8 patterns with noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fbnetv2_tf.datasets import DataSplits, load_dataset

CLASSES = 3
TINY = "in_hw8_c1 cn_k3_s2_c8_nhs ds_k3_s1_c8_nre fc_c3"


def write_tiny_data(folder: Path, images: int = 240) -> Path:
    """Writes the data set as an .npz file and returns its path."""
    random = np.random.default_rng(0)
    patterns = random.random((CLASSES, 8, 8)) > 0.5
    labels = np.arange(images) % CLASSES
    pixels = 160 * patterns[labels] + random.integers(0, 95, (images, 8, 8))
    path = folder / "tiny.npz"
    np.savez(path, x_train=pixels.astype(np.uint8), y_train=labels.astype(np.int32))
    return path


def tiny_data(folder: Path) -> DataSplits:
    """The data set, loaded."""
    return load_dataset("npz", write_tiny_data(folder))
