"""Names, settings and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from fbnetv2_tf.datasets import NAMES, load_dataset
from fbnetv2_tf.errors import DataError


def test_images_get_another_side_and_other_channels() -> None:
    splits = load_dataset("fashion_mnist_10k", image_side=32, channels=3)
    assert splits.image_shape == (32, 32, 3)
    images = splits.test.images(3)
    assert images.shape == (3, 32, 32, 3)
    assert images.min() >= 0.0
    assert images.max() <= 1.0


@pytest.mark.parametrize(
    ("name", "near"),
    [("fashion_mist", "fashion_mnist"), ("cifar-10", "cifar10"), ("Directory", "directory")],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one(name: str, near: str) -> None:
    with pytest.raises(DataError, match=rf"Received: '{name}'. Did you mean '{near}'\?"):
        load_dataset(name)


def test_an_unknown_name_is_refused_with_all_names() -> None:
    with pytest.raises(DataError) as caught:
        load_dataset("zzz")
    assert all(name in str(caught.value) for name in NAMES)
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("name", ["npz", "directory"])
def test_data_of_one_s_own_needs_a_place(name: str) -> None:
    with pytest.raises(DataError, match=f"The data set '{name}' needs `data_dir`: the"):
        load_dataset(name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_side": 0}, "`image_side` must be 1 to 4096 pixels. Received: 0"),
        ({"image_side": 5000}, "`image_side` must be 1 to 4096 pixels. Received: 5000"),
        ({"channels": 2}, "`channels` must be 1 or 3. Received: 2"),
        ({"on_bad_image": "ignore"}, "`on_bad_image` must be 'fail' or 'skip'. Received: 'ignore'"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset("fashion_mnist_10k", **settings)


def test_a_folder_for_the_shipped_data_set_is_not_ignored(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is in the package and has no `data_dir`; 'directory'"):
        load_dataset("fashion_mnist_10k", tmp_path)
