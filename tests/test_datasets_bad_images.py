"""Images of a class folder that cannot be read: named, skipped and counted."""

from __future__ import annotations

import io
import logging
import os
import re
import struct
import zlib
from pathlib import Path

import pytest
import tensorflow as tf
from PIL import Image

from fbnetv2_tf.datasets import image_errors
from fbnetv2_tf.errors import DataError

from .image_folders import CLASSES, damage, files, fill, load, numbers, parts


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "data")


def test_files_that_cannot_be_images_are_named_at_once(root: Path) -> None:
    (root / "ant" / "empty.jpg").touch()
    (root / "bee" / "page.png").write_text("<html>404</html>")
    os.mkfifo(root / "bee" / "pipe.png")
    with pytest.raises(DataError) as caught:
        load(root)
    message = str(caught.value)
    assert message.startswith(f"3 of 43 images in '{root}' cannot be read: ")
    assert "ant/empty.jpg' (empty file)" in message
    assert "bee/page.png' (not a JPEG, PNG, GIF, BMP or WebP file)" in message
    assert "\n" not in message


def test_many_bad_files_are_counted_and_some_are_named(root: Path) -> None:
    for number in range(30):
        (root / "ant" / f"bad{number:02d}.jpg").touch()
    with pytest.raises(DataError, match=r"30 of 70 .*bad04.jpg' \(empty file\) and 25 more;"):
        load(root)


def test_an_image_that_cannot_be_decoded_is_named_when_it_is_met(root: Path) -> None:
    path = damage(files(load(root).train)[3])
    dataset = load(root).train.dataset(8, shuffle_seed=0)
    message = re.escape(f"'{path}' is not a readable image (")
    with pytest.raises(DataError, match=message), image_errors():
        numbers(dataset)


def test_an_image_is_named_from_within_fit(root: Path) -> None:
    import keras

    path = damage(files(load(root).train)[3])
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(DataError, match=re.escape(str(path))), image_errors():
        model.fit(load(root).train.dataset(8, shuffle_seed=0), verbose=0)


def test_other_errors_pass_through() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="another"), image_errors():
        tf.debugging.Assert(False, ["another"])
    with pytest.raises(KeyError), image_errors():
        raise KeyError("x")


def test_bad_images_are_skipped_named_and_counted(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = load(root)
    bad = [damage(path) for path in files(good.train)[:5]]
    (root / "ant" / "empty.jpg").touch()
    caplog.set_level(logging.WARNING)
    splits = load(root, on_bad_image="skip")
    assert [path for path, _ in splits.unreadable] == [str(root / "ant" / "empty.jpg")]
    dataset = splits.train.dataset(8, shuffle_seed=0)
    # Others take their places, so an epoch has all its batches.
    assert dataset.cardinality() == -(-splits.train.size // 8)
    first, second = numbers(dataset), numbers(dataset)
    assert len(first) == len(second) == splits.train.size
    assert not {int(path.stem) * 2 + CLASSES.index(path.parent.name) for path in bad} & set(first)
    trained_on = {str(path) for path in files(splits.train)}
    expected = sorted(
        [str(root / "ant" / "empty.jpg"), *(str(p) for p in bad if str(p) in trained_on)]
    )
    assert [path for path, _ in splits.unreadable] == expected
    for path in expected:
        assert sum(f"Skipped '{path}'" in line for line in caplog.messages) == 1


def png_with(height: int, width: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(pixels)),
            chunk(b"IEND", b""),
        ]
    )


def write_bad_files(folder: Path, good: dict[str, bytes]) -> list[Path]:
    """Files that are broken in ten different ways."""
    jpeg, png, gif, webp = (good[kind] for kind in ("jpeg", "png", "gif", "webp"))
    contents = {
        "empty.jpg": b"",
        "page.jpg": b"<!DOCTYPE html><html>404</html>",
        "zeros.png": bytes(500),
        "half.jpg": jpeg[: len(jpeg) // 2],
        "half.gif": gif[: len(gif) // 2],
        "half.webp": webp[: len(webp) // 2],
        "checksum.png": png[:45] + bytes([png[45] ^ 0xFF]) + png[46:],
        "header.jpg": jpeg[:20],
        "huge.png": png_with(60_000, 60_000, bytes(100)),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "link.png").symlink_to(folder / "nowhere.png")
    return sorted([*(folder / name for name in contents), folder / "link.png"])


def test_ten_kinds_of_damage_are_all_named(root: Path) -> None:
    image = Image.effect_noise((40, 30), 50).convert("RGB")
    good = {}
    for kind in ("jpeg", "png", "gif", "webp"):
        file = io.BytesIO()
        image.save(file, kind)
        good[kind] = file.getvalue()
    bad = write_bad_files(root / "ant", good)
    splits = load(root, on_bad_image="skip")
    for part in parts(splits):
        numbers(part.dataset(8))
    assert [path for path, _ in splits.unreadable] == [str(path) for path in bad]
    reasons = dict(splits.unreadable)
    assert reasons[str(root / "ant" / "link.png")] == "no such file or directory"
    assert all(reason and "\n" not in reason for reason in reasons.values())


def test_evaluation_leaves_bad_images_out(root: Path) -> None:
    path = damage(files(load(root).test)[0])
    splits = load(root, on_bad_image="skip")
    part = next(part for part in parts(splits) if path in files(part))
    assert len(numbers(part.dataset(8))) == part.size - 1
    assert [found for found, _ in splits.unreadable] == [str(path)]


def test_a_part_of_nothing_but_bad_images_is_an_error(root: Path) -> None:
    for path in files(load(root).train):
        damage(path)
    splits = load(root, on_bad_image="skip")
    with pytest.raises(DataError, match="More than half of the images"), image_errors():
        numbers(splits.weights.dataset(8, shuffle_seed=0))
