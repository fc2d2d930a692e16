"""A .npz file from anybody."""

from __future__ import annotations

import contextlib
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 5, 4, 3), np.uint8)
LABELS = np.arange(60) % 3
WITH_NAN = np.zeros((60, 2, 2), np.float32)
WITH_NAN[[7, 30], 1, 0] = np.nan


def write(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.npz"


def test_training_arrays_are_divided_into_four_parts(path: Path) -> None:
    splits = load_dataset("npz", write(path, x_train=IMAGES, y_train=LABELS))
    sizes = [splits.weights.size, splits.architecture.size, splits.validation.size]
    assert [*sizes, splits.test.size] == [39, 9, 6, 6]
    assert splits.image_shape == (5, 4, 3)
    assert splits.class_names == ("0", "1", "2")
    at = splits.test.indices
    assert np.allclose(splits.test.images(), IMAGES[at] / 255.0)
    assert splits.test.labels.tolist() == LABELS[at].tolist()


def test_test_arrays_are_the_test_part(path: Path) -> None:
    arrays = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:7], "y_test": LABELS[:7]}
    splits = load_dataset("npz", write(path, **arrays))
    assert np.allclose(splits.test.images(), IMAGES[:7] / 255.0)
    sizes = [splits.weights.size, splits.architecture.size, splits.validation.size]
    assert sizes == [42, 12, 6]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_in_the_unit_interval_are_kept(path: Path, dtype: type) -> None:
    floats = (IMAGES / 255.0).astype(dtype)
    splits = load_dataset("npz", write(path, x_train=floats, y_train=LABELS))
    expected = floats[splits.weights.indices].astype(np.float32)
    assert np.array_equal(splits.weights.images(), expected)


def test_images_without_a_channel_axis_and_labels_with_one_more_are_taken(path: Path) -> None:
    splits = load_dataset("npz", write(path, x_train=IMAGES[..., 0], y_train=LABELS[:, None]))
    assert splits.image_shape == (5, 4, 1)
    assert splits.train.labels.shape == (splits.train.size,)


def test_the_seed_gives_another_division(path: Path) -> None:
    write(path, x_train=IMAGES, y_train=LABELS)
    first, again, other = (load_dataset("npz", path, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.test.indices, again.test.indices)
    assert not np.array_equal(first.test.indices, other.test.indices)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES}, "must hold x_train and y_train .* Received: x, without x_train"),
        ({"x_train": IMAGES}, "Received: x_train, without y_train"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES},
            "Received: x_test, x_train, y_train, without y_test",
        ),
        ({"x_train": IMAGES[0], "y_train": LABELS[:5]}, r"must be integers|one label|3"),
        ({"x_train": IMAGES[..., :2], "y_train": LABELS}, r"Received: \(60, 5, 4, 2\)"),
        ({"x_train": IMAGES[:0], "y_train": LABELS}, r"Received: \(0, 5, 4, 3\)"),
        (
            {"x_train": IMAGES.astype(np.int64), "y_train": LABELS},
            r"x_train in '.*' must be uint8 or floats in \[0, 1\]. Received: int64",
        ),
        (
            {"x_train": IMAGES.astype(np.float32), "y_train": LABELS},
            r"must be uint8 or floats in \[0, 1\]. Received: float32 from 0 to 255",
        ),
        (
            {"x_train": WITH_NAN, "y_train": LABELS},
            r"Received: NaN in 2 of 60 images, first in the one at index 7\.",
        ),
        ({"x_train": IMAGES, "y_train": LABELS[:9]}, "60 images in x_train, 9 in y_train"),
        ({"x_train": IMAGES, "y_train": LABELS / 1.0}, "must be integers of shape"),
        ({"x_train": IMAGES, "y_train": np.eye(3)[LABELS]}, r"float64 of shape \(60, 3\)"),
        ({"x_train": IMAGES, "y_train": LABELS - 1}, r"must count classes from 0. Received: -1"),
        ({"x_train": IMAGES, "y_train": LABELS + 1000}, "a label 1002 among 60 training images"),
        ({"x_train": IMAGES, "y_train": LABELS * 0}, "at least two classes"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, 1:], "y_test": LABELS},
            r"must have one shape. Received: \(5, 4, 3\) and \(4, 4, 3\)",
        ),
        ({"x_train": IMAGES[:4], "y_train": LABELS[:4]}, "must have enough images"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(path: Path, arrays: dict, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("npz", write(path, **arrays))
    assert "\n" not in str(caught.value)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return Path.mkdir, (self.folder,)


def test_nothing_in_a_file_is_executed(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trapped"
    write(path, x_train=np.array([Trap(folder)], dtype=object), y_train=LABELS)
    with pytest.raises(DataError, match=r"it holds pickled Python objects"):
        load_dataset("npz", path)
    path.write_bytes(pickle.dumps(Trap(folder)))
    with pytest.raises(DataError, match=r"it holds pickled Python objects"):
        load_dataset("npz", path)
    assert not folder.exists()


def test_files_that_are_no_archive_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file '.*'\."):
        load_dataset("npz", path)
    with pytest.raises(DataError, match="Is a directory"):
        load_dataset("npz", tmp_path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"could not be read as a .npz file"):
        load_dataset("npz", path)
    with path.open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(DataError, match=r"must be a .npz file. Received: one array"):
        load_dataset("npz", path)


def test_a_damaged_archive_is_refused_wherever_it_is_damaged(path: Path) -> None:
    np.savez_compressed(path, x_train=IMAGES, y_train=LABELS)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 25):
        path.write_bytes(whole[:place])
        with pytest.raises(DataError, match=r"data.npz'"):
            load_dataset("npz", path)
        path.write_bytes(whole[:place] + bytes(8) + whole[place + 8 :])
        # Damage may hit a byte that nobody reads; otherwise it must be a sentence.
        with contextlib.suppress(DataError):
            assert load_dataset("npz", path).train.size == 48


def test_an_archive_that_unpacks_to_more_than_memory_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, x_train=IMAGES, y_train=LABELS)
    monkeypatch.setattr("os.sysconf", lambda name: 64)
    with pytest.raises(DataError, match=r"must unpack to less than this machine's memory"):
        load_dataset("npz", path)


def test_an_archive_that_promises_more_than_memory_holds_is_refused(path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000000, 4, 4, 3), }"
    header = header.ljust(118) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        size = len(header).to_bytes(2, "little")
        archive.writestr("x_train.npy", b"\x93NUMPY\x01\x00" + size + header + bytes(100))
        archive.writestr("y_train.npy", b"")
    with pytest.raises(DataError, match=r"do not fit into memory|could not be read"):
        load_dataset("npz", path)
