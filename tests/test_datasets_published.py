"""Local copies of MNIST, Fashion-MNIST and CIFAR in their own formats, and the missing network."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.datasets.idx import read_idx
from fbnetv2_tf.errors import DataError

RNG = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, images: int = 100, packed: bool = True) -> dict[str, np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "train-images-idx3-ubyte": RNG.integers(0, 256, (images, 6, 6), np.uint8),
        "train-labels-idx1-ubyte": (np.arange(images) % 10).astype(np.uint8),
        "t10k-images-idx3-ubyte": RNG.integers(0, 256, (20, 6, 6), np.uint8),
        "t10k-labels-idx1-ubyte": (np.arange(20) % 10).astype(np.uint8),
    }
    for name, array in arrays.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return arrays


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize(
    ("name", "folder"),
    [("fashion_mnist", "."), ("fashion_mnist", "FashionMNIST/raw"), ("mnist", "mnist")],
)
def test_idx_files_are_found_and_read(tmp_path: Path, name: str, folder: str, packed: bool) -> None:
    arrays = write_idx(tmp_path / folder, packed=packed)
    splits = load_dataset(name, tmp_path)
    test = arrays["t10k-images-idx3-ubyte"][..., None] / 255.0
    assert np.allclose(splits.test.images(), test)
    assert splits.test.labels.tolist() == arrays["t10k-labels-idx1-ubyte"].tolist()
    sizes = [splits.weights.size, splits.architecture.size, splits.validation.size]
    assert sizes == [70, 20, 10]
    assert splits.class_names[3] == {"fashion_mnist": "Dress", "mnist": "3"}[name]
    at = int(splits.weights.indices[5])
    assert np.allclose(
        splits.weights.images()[5, ..., 0], arrays["train-images-idx3-ubyte"][at] / 255
    )


def write_cifar10(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Writes five batches and a test batch; returns the test images and labels."""
    folder.mkdir(parents=True)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        planes = RNG.integers(0, 256, (20, 3, 32, 32), np.uint8)
        labels = (np.arange(20) % 10).astype(np.uint8)
        records = np.concatenate([labels[:, None], planes.reshape(20, -1)], 1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return planes.transpose(0, 2, 3, 1), labels


@pytest.mark.parametrize("folder", ["cifar-10-batches-bin", "."])
def test_binary_cifar10_is_read(tmp_path: Path, folder: str) -> None:
    images, labels = write_cifar10(
        tmp_path / "data" / folder if folder != "." else tmp_path / "data"
    )
    splits = load_dataset("cifar10", tmp_path / "data")
    assert splits.image_shape == (32, 32, 3)
    assert np.allclose(splits.test.images(), images / 255.0)
    assert splits.test.labels.tolist() == labels.tolist()
    assert splits.train.size + splits.validation.size == 100
    assert splits.class_names[3] == "cat"


@pytest.mark.parametrize("named", [True, False])
def test_binary_cifar100_is_read_with_fine_labels(tmp_path: Path, named: bool) -> None:
    for name in ("train", "test"):
        planes = RNG.integers(0, 256, (800, 3, 32, 32), np.uint8)
        fine = (np.arange(800) % 100).astype(np.uint8)
        records = np.concatenate([(fine // 5)[:, None], fine[:, None], planes.reshape(800, -1)], 1)
        (tmp_path / f"{name}.bin").write_bytes(records.tobytes())
    if named:
        names = "\n".join(f"fine{number}" for number in range(100))
        (tmp_path / "fine_label_names.txt").write_text(names + "\n")
    splits = load_dataset("cifar100", tmp_path)
    assert splits.test.labels.tolist() == fine.tolist()
    assert np.allclose(splits.test.images(2), planes[:2].transpose(0, 2, 3, 1) / 255.0)
    assert splits.class_names[7] == ("fine7" if named else "7")


def test_a_npz_file_with_the_data_set_s_name_is_read(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (100, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "cifar10.npz", x_train=images, y_train=np.arange(100) % 10)
    splits = load_dataset("cifar10", tmp_path)
    assert splits.class_names[0] == "airplane"
    np.savez(tmp_path / "cifar10.npz", x_train=images, y_train=np.arange(100) % 11)
    with pytest.raises(DataError, match=r"must have labels below 10. Received: 10"):
        load_dataset("cifar10", tmp_path)


def test_a_folder_without_the_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must hold cifar10: the binary version .*neither"):
        load_dataset("cifar10", tmp_path)
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").touch()
    with pytest.raises(DataError, match="pickles can run code"):
        load_dataset("cifar10", tmp_path)


def test_damaged_cifar_files_are_named(tmp_path: Path) -> None:
    write_cifar10(tmp_path / "data")
    path = tmp_path / "data" / "data_batch_3.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"data_batch_3.bin' must hold records of 3073 bytes"):
        load_dataset("cifar10", tmp_path / "data")
    path.write_bytes(b"\x0a" + whole[1:])
    with pytest.raises(DataError, match=r"data_batch_3.bin' must be less than 10. Received: 10"):
        load_dataset("cifar10", tmp_path / "data")
    path.unlink()
    with pytest.raises(DataError, match=r"data_batch_3.bin' could not be read: No such file"):
        load_dataset("cifar10", tmp_path / "data")


def test_more_labels_than_images_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(idx(np.zeros(99, np.uint8)))
    )
    with pytest.raises(DataError, match="Received: 100 images and 99 labels"):
        load_dataset("mnist", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Received: an empty file"),
        (b"\x89PNG\r\n", "Received: 89 50 4e 47"),
        (struct.pack(">HBB", 0, 13, 1), "not an idx file of unsigned bytes"),
        (struct.pack(">HBBI", 0, 8, 3, 5), "ends within its header"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"6 bytes of shape \(2, 3\). Received: 5 bytes"),
        (idx(np.zeros((2, 3), np.uint8)) + b"x", "Received: 7 bytes"),
        (struct.pack(">HBBII", 0, 8, 2, 2**32 - 1, 2**32 - 1), "Received: 0 bytes"),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    plain, packed = tmp_path / "file", tmp_path / "file.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    for path in (plain, packed):
        with pytest.raises(DataError, match=message):
            read_idx(path)


def test_damaged_gzip_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    whole = gzip.compress(idx(RNG.integers(0, 256, 500, np.uint8)))
    for content in (b"", whole[:100], b"no gzip", whole[:60] + bytes(40) + whole[100:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"file.gz'"):
            read_idx(path)


def test_without_a_network_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing listens on port 9, so the real download fails at once, wherever the test runs.
    for variable in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(DataError) as caught:
        load_dataset("cifar10")
    message = str(caught.value)
    assert message.startswith("The data set 'cifar10' could not be downloaded (")
    assert message.endswith(
        "give a folder with the binary version (data_batch_1.bin and so on) as data_dir."
    )
    assert "\n" not in message
