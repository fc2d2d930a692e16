"""Class folders of real image files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fbnetv2_tf.augmentation import Augmentation
from fbnetv2_tf.datasets import folders as folders_module
from fbnetv2_tf.datasets import image_errors, load_dataset
from fbnetv2_tf.errors import DataError

from .image_folders import CLASSES, damage, files, fill, load, numbers, parts, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "data")


def test_folders_are_classes_and_every_image_is_in_one_part(root: Path) -> None:
    splits = load(root)
    assert splits.class_names == CLASSES
    assert splits.image_shape == (6, 6, 3)
    assert [part.size for part in parts(splits)] == [26, 6, 4, 4]
    found = [path for part in parts(splits) for path in files(part)]
    assert sorted(found) == sorted(root.glob("*/*.png"))


def test_images_are_right_and_belong_to_their_labels(root: Path) -> None:
    train = load(root).train
    (images, labels) = next(iter(train.dataset(40)))
    assert images.dtype == tf.float32
    assert labels.numpy().tolist() == train.labels.tolist()
    for image, path in zip(images.numpy(), files(train), strict=True):
        with Image.open(path) as original:
            assert np.allclose(image * 255.0, original.getpixel((0, 0)), atol=1e-4)


def test_epochs_are_shuffled_anew_and_the_same_in_another_process(root: Path) -> None:
    dataset = load(root).train.dataset(8, shuffle_seed=4)
    assert dataset.cardinality() == 4
    assert [part.shape for part in dataset.element_spec] == [(None, 6, 6, 3), (None,)]
    first, second = numbers(dataset), numbers(dataset)
    assert first != second
    assert sorted(first) == sorted(second)
    assert numbers(load(root).train.dataset(8, shuffle_seed=4, first_epoch=1)) == second


@pytest.mark.parametrize("on_bad_image", ["fail", "skip"])
def test_an_epoch_goes_on_at_any_batch(root: Path, on_bad_image: str) -> None:
    if on_bad_image == "skip":
        damage(files(load(root).train)[3])
    splits = load(root, on_bad_image=on_bad_image)
    settings: dict[str, Any] = {"shuffle_seed": 4, "augment": "strong"}
    whole = [images.numpy() for images, _ in splits.train.epoch(8, 2, **settings)]
    rest = [images.numpy() for images, _ in splits.train.epoch(8, 2, first_batch=2, **settings)]
    for images, expected in zip(rest, whole[2:], strict=True):
        np.testing.assert_array_equal(images, expected)


def test_split_depends_on_content_and_not_on_names(root: Path) -> None:
    before = sorted(path.read_bytes() for path in files(load(root).test))
    for number, path in enumerate(sorted(root.glob("*/*.png"))):
        path.rename(path.with_name(f"z{number * 7 % 40:02d}.png"))
    (root / "ant").rename(root / "ape")
    assert sorted(path.read_bytes() for path in files(load(root).test)) == before


def test_copies_of_an_image_land_in_one_part(root: Path) -> None:
    original = (root / "ant" / "03.png").read_bytes()
    for place in range(10):
        (root / "bee" / f"copy{place}.png").write_bytes(original)
    counts = [
        sum(path.read_bytes() == original for path in files(part)) for part in parts(load(root))
    ]
    assert sorted(counts) == [0, 0, 0, 11]


def test_images_are_found_at_any_depth_and_other_files_passed_over(root: Path) -> None:
    save(root / "ant" / "deep" / "deeper" / "UPPER.PNG", 90)
    (root / "ant" / "notes.txt").write_text("not an image")
    (root / "ant" / ".hidden.png").write_bytes(b"nor this")
    save(root / "ant" / ".cache" / "thumbnail.png", 91)
    save(root / ".git" / "x.png", 92)
    splits = load(root)
    assert len(splits.train.examples.paths) == 41
    assert splits.class_names == CLASSES


def test_a_link_to_a_folder_above_ends(root: Path) -> None:
    (root / "ant" / "loop").symlink_to(root / "ant", target_is_directory=True)
    assert len(load(root).train.examples.paths) == 40


def test_links_to_files_and_folders_are_followed(root: Path, tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "far.png", 95)
    (root / "ant" / "far").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(load(root).train.examples.paths) == 41


def test_a_file_name_that_is_no_text_can_be_read_and_named(root: Path) -> None:
    name = os.fsencode(root / "ant") + b"/caf\xe9.png"
    with open(name, "wb") as file:
        file.write((root / "ant" / "00.png").read_bytes()[:50])
    with image_errors(), pytest.raises(DataError, match="caf"):
        load(root).train.images()


def test_part_folders_are_parts_of_their_own(tmp_path: Path) -> None:
    fill(tmp_path / "train", 10)
    fill(tmp_path / "val", 3, start=100)
    fill(tmp_path / "test", 2, start=120)
    splits = load(tmp_path)
    assert sorted(files(splits.validation)) == sorted((tmp_path / "val").glob("*/*.png"))
    assert sorted(files(splits.test)) == sorted((tmp_path / "test").glob("*/*.png"))
    assert len(set(files(splits.train))) == 20
    assert (splits.weights.size, splits.architecture.size) == (16, 4)


def test_without_a_test_folder_the_test_images_come_from_the_training_ones(tmp_path: Path) -> None:
    fill(tmp_path / "train", 20)
    fill(tmp_path / "validation", 3, start=100)
    splits = load(tmp_path)
    assert sorted(files(splits.validation)) == sorted((tmp_path / "validation").glob("*/*.png"))
    assert [splits.test.size, splits.architecture.size, splits.weights.size] == [4, 8, 28]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "plane"):
        for number in range(10):
            save(tmp_path / name / f"{number}.png", number)
    assert load(tmp_path).class_names == ("plane", "train")


def test_grey_images_of_any_side(root: Path) -> None:
    splits = load_dataset("directory", root, image_side=5, channels=1)
    assert splits.image_shape == (5, 5, 1)
    assert splits.test.images(2).shape == (2, 5, 5, 1)


def test_orientation_of_a_photograph_is_followed(root: Path) -> None:
    image = Image.new("RGB", (40, 40), "black")
    image.paste("white", (0, 0, 40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(root / "ant" / "photo.jpg", quality=95, exif=exif)
    examples = load(root).train.examples
    at = next(at for at, path in enumerate(examples.paths) if path.endswith(b"photo.jpg"))
    ((photo, _),) = examples.epoch(tf.constant([at], tf.int64), 1)
    # Turned clockwise, the white upper half is on the right.
    assert photo[0, :, 5].numpy().min() > 0.9
    assert photo[0, :, 0].numpy().max() < 0.1


def test_a_random_resized_crop_is_cut_from_the_whole_file(tmp_path: Path) -> None:
    for name in CLASSES:
        for number in range(10):
            rows, columns = np.mgrid[0:64, 0:64]
            pixels = np.stack([rows * 4, columns * 4, rows * 0 + number * 9], -1).astype(np.uint8)
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / name / f"{name}{number}.png")
    recipe = Augmentation(random_resized_crop=(0.05, 0.2))
    dataset = load(tmp_path).train.dataset(16, shuffle_seed=0, augment=recipe)
    images = np.concatenate([images for images, _ in dataset])
    again = np.concatenate([images for images, _ in dataset])
    assert not np.array_equal(np.sort(images, 0), np.sort(again, 0))
    # A box covers at most 0.2 of the area, so its sides span at most about half of the ramps.
    spans = images[..., :2].max((1, 2)) - images[..., :2].min((1, 2))
    assert spans.min() > 0.1
    assert spans.max() < 0.55


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, r"must have at least two class folders of images. Received: no folder"),
        (lambda root: save(root / "cat" / "0.png", 0), "Received: one class, 'cat'"),
        (
            lambda root: (fill(root), (root / "cow").mkdir()),
            r"The class folder '.*/cow' has no images",
        ),
        (
            lambda root: (fill(root / "train"), fill(root / "val"), fill(root / "valid")),
            "one folder for the validation part. Received: 'val' and 'valid'",
        ),
        (
            lambda root: (
                fill(root / "train"),
                fill(root / "test"),
                save(root / "test/cow/0.png", 1),
            ),
            r"'.*/test' must have the classes of the training images. Received: 'cow'",
        ),
        (lambda root: fill(root, 2), "must have enough images for every part"),
    ],
    ids=["nothing", "one class", "empty class", "two validations", "unknown class", "too few"],
)
def test_folders_that_are_no_data_set_are_refused(
    tmp_path: Path, make: object, message: str
) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'.*/nowhere' is not a folder that can be read: No such"):
        load(tmp_path / "nowhere")
    file = save(tmp_path / "file.png", 0)
    with pytest.raises(DataError, match=r"is not a folder that can be read: Not a directory"):
        load(file)


def test_files_on_a_slow_disk_are_inspected_by_many_threads(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = load(root)
    monkeypatch.setattr(folders_module, "_SLOW_SECONDS", 0.0)
    monkeypatch.setattr(folders_module, "_TRIAL", 4)
    slow = load(root)
    assert slow.test.examples.paths == quick.test.examples.paths
    assert np.array_equal(slow.test.indices, quick.test.indices)
