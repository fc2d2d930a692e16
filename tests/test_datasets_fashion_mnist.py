"""The data set in the package: what is in it, and a split that never changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf import datasets
from fbnetv2_tf.datasets import DataSplits, load_dataset

SPLIT_SHA256 = "89dc0ff68e47059b5164ff1805334bc92547e9016254e84d7a646d77d6008830"


@pytest.fixture(scope="module")
def shipped() -> DataSplits:
    return load_dataset("fashion_mnist_10k")


def parts(splits: DataSplits) -> list[datasets.Split]:
    return [splits.weights, splits.architecture, splits.validation, splits.test]


def test_parts_have_their_sizes_and_are_stratified(shipped: DataSplits) -> None:
    assert [part.size for part in parts(shipped)] == [5600, 1400, 1000, 2000]
    for part in parts(shipped):
        assert np.bincount(part.labels).tolist() == [part.size // 10] * 10


def test_parts_are_disjoint_and_complete(shipped: DataSplits) -> None:
    positions = np.concatenate([part.indices for part in parts(shipped)])
    assert np.array_equal(np.sort(positions), np.arange(10_000))


def test_split_is_the_one_of_every_earlier_version(shipped: DataSplits) -> None:
    digest = hashlib.sha256()
    for part in parts(shipped):
        digest.update(part.indices.astype("<i8").tobytes())
    assert digest.hexdigest() == SPLIT_SHA256


def test_split_does_not_depend_on_the_seed(shipped: DataSplits) -> None:
    assert np.array_equal(
        load_dataset("fashion_mnist_10k", seed=9).test.indices, shipped.test.indices
    )


def test_images_are_the_published_ones(shipped: DataSplits) -> None:
    # The SHA-256 of the pixels of t10k-images-idx3-ubyte, without its 16 bytes of header.
    pixels = shipped.test.examples.pixels
    assert (
        hashlib.sha256(pixels.tobytes()).hexdigest()
        == "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a"
    )


def test_licence_lies_beside_the_images() -> None:
    text = (Path(datasets.__file__).parent / "data" / "LICENSE-fashion-mnist.txt").read_text(
        "utf-8"
    )
    assert "MIT" in text
    assert "Zalando SE" in text
