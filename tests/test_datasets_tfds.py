"""TensorFlow Datasets, where it is installed; the sentence where it is not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.errors import DataError

needs_tfds = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_datasets") is None,
    reason="tensorflow-datasets is not installed",
)


def test_without_the_package_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(DataError, match="'tfds:mnist' needs the package tensorflow-datasets"):
        load_dataset("tfds:mnist")


def store(folder: Path, sides: tuple[int | None, int | None, int]) -> None:
    """Prepares a data set "made" of 100 training and 20 test images, offline."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def examples(count: int) -> tf.data.Dataset:
        images = np.arange(count, dtype=np.uint8).repeat(6 * 8 * sides[2])
        labels = np.arange(count, dtype=np.int64) % 2
        features = {"image": images.reshape(count, 6, 8, sides[2]), "label": labels}
        return tf.data.Dataset.from_tensor_slices(features)

    tfds.dataset_builders.store_as_tfds_dataset(
        name="made",
        version="1.0.0",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=sides),
                "label": tfds.features.ClassLabel(names=["even", "odd"]),
            }
        ),
        split_datasets={"train": examples(100), "test": examples(20)},
        data_dir=folder,
    )


@needs_tfds
@pytest.mark.filterwarnings("ignore")
def test_a_prepared_data_set_is_read_and_divided(tmp_path: Path) -> None:
    store(tmp_path, (None, None, 1))
    with pytest.raises(DataError, match="has images of many sizes"):
        load_dataset("tfds:made", tmp_path)
    splits = load_dataset("tfds:made", tmp_path, image_side=4, channels=3)
    assert splits.image_shape == (4, 4, 3)
    assert splits.class_names == ("even", "odd")
    assert splits.test.size == 20
    assert splits.train.size + splits.validation.size == 100
    greys = np.round(splits.train.images()[:, 0, 0, 0] * 255).astype(int)
    assert np.array_equal(greys % 2, splits.train.labels)


@needs_tfds
@pytest.mark.filterwarnings("ignore")
def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'tfds:nothing_of_this_name' could not be prepared"):
        load_dataset("tfds:nothing_of_this_name", tmp_path)
