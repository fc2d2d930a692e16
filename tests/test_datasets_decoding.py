"""Image files against what Pillow makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fbnetv2_tf.datasets.decoding import central_part, decode, random_part, resize, upright


def picture(height: int = 12, width: int = 20, channels: int = 3) -> np.ndarray:
    """A smooth picture without symmetry, which JPEG keeps well."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 9 + 20, columns * 7 + 30, rows * 4 + columns * 5, 255 - rows * 15]
    return np.clip(np.stack(planes[:channels], -1), 0, 255).astype(np.uint8)


def decoded(
    path: Path, channels: int = 3, orientation: int = 1, is_bmp: bool = False
) -> np.ndarray:
    return decode(
        tf.constant(str(path)), tf.constant(is_bmp), tf.constant(orientation), channels
    ).numpy()


@pytest.mark.parametrize("extension", ["png", "bmp", "gif", "webp", "jpg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_format_decodes_as_pillow_decodes_it(
    tmp_path: Path, extension: str, channels: int
) -> None:
    path = tmp_path / f"image.{extension}"
    settings = {"webp": {"lossless": True}, "jpg": {"quality": 95}}.get(extension, {})
    Image.fromarray(picture()).save(path, **settings)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB" if channels == 3 else "L"))
    result = decoded(path, channels, is_bmp=extension == "bmp")
    assert result.dtype == np.uint8
    assert result.shape == (12, 20, channels)
    # Greys differ by the fourth digit of the weights, colours of JPEG by the decoder's speed.
    difference = result.reshape(12, 20, -1).astype(int) - expected.reshape(12, 20, -1)
    assert np.abs(difference).max() <= (8 if extension == "jpg" else 1)
    assert np.abs(difference).mean() <= 2


def test_grey_becomes_colour_by_repetition(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    grey = picture(channels=1)
    Image.fromarray(grey[..., 0]).save(path)
    assert np.array_equal(decoded(path, 3), np.repeat(grey, 3, -1))
    assert np.array_equal(decoded(path, 1), grey)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_blended_with_white(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "transparent.png"
    image = Image.fromarray(picture(channels=4), "RGBA").convert(mode)
    image.save(path)
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    difference = decoded(path).astype(int) - np.asarray(white.convert("RGB"))
    assert np.abs(difference).max() <= 1


def test_the_fourth_channel_of_bmp_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "image.bmp"
    pixels = picture(channels=4)
    pixels[..., 3] = 0
    Image.fromarray(pixels, "RGBA").save(path)
    assert np.array_equal(decoded(path, is_bmp=True), pixels[..., :3])


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert np.array_equal(decoded(path)[0, 0], [255, 0, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_followed_as_pillow_follows_it(orientation: int) -> None:
    image = Image.fromarray(picture())
    exif = image.getexif()
    exif[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    turned = upright(tf.constant(picture()), tf.constant(orientation)).numpy()
    assert np.array_equal(turned, expected)


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        (12, 20, slice(0, 12), slice(4, 16)),
        (20, 12, slice(4, 16), slice(0, 12)),
        (9, 9, slice(0, 9), slice(0, 9)),
        (1, 7, slice(0, 1), slice(3, 4)),
    ],
)
def test_the_largest_central_square_is_cut_out(
    height: int, width: int, rows: slice, columns: slice
) -> None:
    image = picture(height, width)
    part = central_part(tf.constant(image), 8, 8).numpy()
    assert np.array_equal(part, image[rows, columns])


def test_resizing_is_that_of_pillow() -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (40, 40, 3), np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR))
    result = resize(tf.constant(image), 16, 16)
    assert result.shape == (16, 16, 3)
    assert np.abs(result.numpy().astype(int) - expected).max() <= 1


def test_a_random_part_is_a_box_of_the_image_and_a_function_of_its_seed() -> None:
    image = picture()
    parts = [
        random_part(tf.constant(image), (0.1, 0.6), tf.constant([seed, 0], tf.int64)).numpy()
        for seed in (0, 0, *range(1, 20))
    ]
    assert np.array_equal(parts[0], parts[1])
    assert len({part.shape for part in parts}) > 5
    for part in parts:
        top = (int(part[0, 0, 0]) - 20) // 9
        left = (int(part[0, 0, 1]) - 30) // 7
        box = image[top : top + part.shape[0], left : left + part.shape[1]]
        assert np.array_equal(box, part)


def test_the_smallest_image_has_a_random_part() -> None:
    pixel = tf.constant(picture(1, 1))
    assert random_part(pixel, (0.01, 0.02), tf.constant([0, 0], tf.int64)).shape == (1, 1, 3)
