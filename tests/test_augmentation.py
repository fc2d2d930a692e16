"""Random changes to batches of images, each checked against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.augmentation import (
    PRESETS,
    Augmentation,
    augmentation,
    mirror_half,
    random_boxes,
    shift,
    zoom,
)
from fbnetv2_tf.errors import DataError

SEED = np.array([3, 5], np.int64)


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def apply(recipe: Augmentation, images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    labels = tf.range(len(images)) % 3
    changed, labels = recipe(
        tf.constant(images), labels, seed=tf.constant([seed, 5], tf.int64), classes=3
    )
    return changed.numpy(), labels.numpy()


@pytest.mark.parametrize("channels", [1, 3])
def test_half_of_the_images_are_mirrored_and_the_others_untouched(channels: int) -> None:
    images = random_images(400, 6, 5, channels)
    changed = mirror_half(tf.constant(images), SEED).numpy()
    is_mirrored = (changed == images[:, :, ::-1]).all((1, 2, 3))
    is_same = (changed == images).all((1, 2, 3))
    assert (is_mirrored ^ is_same).all()
    assert 150 < is_mirrored.sum() < 250


@pytest.mark.parametrize(
    ("height", "width", "channels", "padding"), [(6, 6, 1, 2), (5, 8, 3, 1), (7, 4, 1, 3)]
)
def test_each_image_is_a_crop_of_the_padded_image(
    height: int, width: int, channels: int, padding: int
) -> None:
    images = random_images(300, height, width, channels).astype(np.float32) + 1.0
    changed = shift(tf.constant(images), padding, SEED).numpy()
    margin = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    padded = np.pad(images, margin)
    places = set()
    for image, whole in zip(changed, padded, strict=True):
        found = [
            (top, left)
            for top in range(2 * padding + 1)
            for left in range(2 * padding + 1)
            if np.array_equal(whole[top : top + height, left : left + width], image)
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) == (2 * padding + 1) ** 2


def test_light_recipe_gives_only_shifted_and_mirrored_pixels() -> None:
    images = random_images(50, 8, 8, 1)
    changed, labels = apply(PRESETS["light"], images)
    assert changed.dtype == np.float32
    assert changed.shape == images.shape
    assert labels.tolist() == [number % 3 for number in range(50)]
    levels = np.unique(np.round(changed * 255.0, 3))
    assert set(levels) <= set(range(256))


@pytest.mark.parametrize("side", [(40, 40), (30, 60)])
def test_boxes_cover_the_share_of_the_area_and_keep_the_aspect_ratio(side: tuple[int, int]) -> None:
    height, width = side
    boxes = random_boxes(2000, height, width, (0.2, 0.4), SEED).numpy()
    assert boxes.min() >= 0.0
    assert boxes.max() <= 1.0 + 1e-6
    box_height = (boxes[:, 2] - boxes[:, 0]) * height
    box_width = (boxes[:, 3] - boxes[:, 1]) * width
    area = box_height * box_width / (height * width)
    ratio = box_width / box_height
    assert area.min() == pytest.approx(0.2, abs=0.002)
    assert area.max() == pytest.approx(0.4, abs=0.002)
    assert ratio.min() == pytest.approx(3 / 4, abs=0.01)
    assert ratio.max() == pytest.approx(4 / 3, abs=0.01)


def test_the_whole_area_leaves_a_square_image_as_it_is() -> None:
    images = random_images(64, 9, 9, 3).astype(np.float32)
    boxes = random_boxes(64, 9, 9, (1.0, 1.0), SEED).numpy()
    changed = zoom(tf.constant(images), (1.0, 1.0), SEED).numpy()
    is_whole = np.isclose(boxes, [0.0, 0.0, 1.0, 1.0]).all(1)
    assert np.allclose(changed[is_whole], images[is_whole], atol=1e-3)
    assert (boxes[:, 2] - boxes[:, 0] >= 0.86).all()


def test_zoom_is_bilinear_within_its_box() -> None:
    # A linear ramp stays linear under bilinear resizing, from the box's left to its right.
    ramp = np.broadcast_to(np.linspace(0, 1, 16, dtype=np.float32)[:, None], (20, 16, 16, 1))
    changed = zoom(tf.constant(ramp), (0.3, 0.8), SEED).numpy()[..., 0]
    boxes = random_boxes(20, 16, 16, (0.3, 0.8), SEED).numpy()
    assert np.allclose(changed[:, :, 0], boxes[:, 1:2], atol=1e-5)
    assert np.allclose(changed[:, :, -1], boxes[:, 3:4], atol=1e-5)


def test_mixup_blends_images_and_labels_by_the_same_weight() -> None:
    # Image k is black but for pixel k, so the pixels tell what an image was mixed of.
    images = np.eye(6, dtype=np.float32).reshape(6, 2, 3, 1)
    recipe = Augmentation(mixup=0.4)
    changed, labels = apply(recipe, images)
    weights = changed.reshape(6, 6)
    assert labels.dtype == np.float32
    assert np.allclose(weights.sum(1), 1.0)
    assert ((weights > 0.0).sum(1) <= 2).all()
    classes = np.eye(3)[np.arange(6) % 3]
    assert np.allclose(labels, weights @ classes, atol=1e-6)
    assert not np.allclose(labels, classes)
    assert recipe.mixes_labels
    assert not PRESETS["light"].mixes_labels


@pytest.mark.parametrize(
    "recipe",
    [
        Augmentation(flip=True),
        Augmentation(crop_padding=2),
        Augmentation(random_resized_crop=(0.3, 1.0)),
        Augmentation(mixup=0.2),
    ],
    ids=["flip", "crop", "zoom", "mixup"],
)
def test_a_batch_is_a_function_of_its_seed(recipe: Augmentation) -> None:
    images = random_images(16, 8, 8, 3)
    first, again, other = (apply(recipe, images, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.min() >= 0.0
    assert first.max() <= 1.0


def test_recipes_run_in_the_function_of_a_data_set_and_keep_the_static_shape() -> None:
    images, labels = tf.constant(random_images(8, 8, 8, 3)), tf.range(8)
    recipe = Augmentation(flip=True, crop_padding=1, random_resized_crop=(0.5, 1.0), mixup=0.2)

    def change(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return recipe(images, labels, seed=tf.stack([number, 0]), classes=8)

    dataset = tf.data.Dataset.range(3).map(change, num_parallel_calls=2)
    assert dataset.element_spec[0].shape == (8, 8, 8, 3)
    runs = [[changed.numpy() for changed, _ in dataset] for _ in range(2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0][0], runs[0][1])


def test_images_stay_float32_under_a_mixed_policy() -> None:
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        changed, labels = apply(Augmentation(mixup=0.2), random_images(4, 8, 8, 3))
    finally:
        keras.config.set_dtype_policy("float32")
    assert (changed.dtype, labels.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_padding": -1}, "`crop_padding` must not be negative. Received: -1"),
        ({"random_resized_crop": (0.0, 1.0)}, "`random_resized_crop` must be two shares"),
        ({"random_resized_crop": (0.9, 0.5)}, "`random_resized_crop` must be two shares"),
        ({"rand_augment": 1.5}, r"`rand_augment` must be in \[0, 1\]. Received: 1.5"),
        ({"mixup": -0.1}, "`mixup` must be 0 or positive. Received: -0.1"),
        ({"mixup": float("nan")}, "`mixup` must be 0 or positive. Received: nan"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Augmentation(**settings)


def test_presets_are_found_by_name() -> None:
    assert augmentation("light") == Augmentation(flip=True, crop_padding=2)
    assert augmentation("none") is None
    assert augmentation(None) is None
    assert augmentation(Augmentation()) is None
    recipe = Augmentation(mixup=0.3)
    assert augmentation(recipe) is recipe


def test_a_recipe_is_written_in_tokens() -> None:
    assert augmentation("mixup0.4_crop3") == Augmentation(crop_padding=3, mixup=0.4)
    strong = augmentation("flip_zoom0.35_rand0.5_mixup0.2")
    assert strong == PRESETS["strong"]


@pytest.mark.parametrize(
    "text", ["", "flip_", "flip_flip", "crop", "mixup-1", "zoom1e9", "x" * 999]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"each once and joined by '_'\. Received: "):
        augmentation(text)


@pytest.mark.parametrize("text", ["zoom0", "rand2"])
def test_numbers_out_of_their_range_are_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"must be"):
        augmentation(text)


def test_a_misspelt_preset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match=r"one of none, flip, .*Did you mean 'light'\?"):
        augmentation("lite")
