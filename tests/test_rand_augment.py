"""RandAugment of Keras's layers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.augmentation import Augmentation
from fbnetv2_tf.rand_augment import RandAugment, operation_layers
from fbnetv2_tf.stateless_seeds import StatelessSeeds


@pytest.fixture(scope="module")
def images() -> tf.Tensor:
    rng = np.random.default_rng(1)
    return tf.constant(rng.random((10, 12, 12, 3), np.float32))


@pytest.fixture(scope="module")
def changed(images: tf.Tensor) -> dict[str, np.ndarray]:
    """What seeds 1, 1 again and 2 make of the images, out of a data set as in use."""
    layer = RandAugment(0.5, groups=3)
    seeds = tf.data.Dataset.from_tensor_slices(tf.constant([[1, 0], [1, 0], [2, 0]], tf.int64))
    dataset = seeds.map(lambda seed: layer(images, seed=seed), num_parallel_calls=2)
    assert dataset.element_spec.shape == (10, 12, 12, 3)
    return dict(zip(("first", "again", "other"), dataset.as_numpy_iterator(), strict=True))


def test_a_batch_is_a_function_of_its_seed(changed: dict[str, np.ndarray]) -> None:
    assert np.array_equal(changed["first"], changed["again"])
    assert not np.array_equal(changed["first"], changed["other"])


def test_pixels_stay_in_the_unit_interval(changed: dict[str, np.ndarray]) -> None:
    for result in changed.values():
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
        assert result.min() >= 0.0
        assert result.max() <= 1.0


def test_all_operations_change_images_by_the_seed_alone(images: tf.Tensor) -> None:
    for layer in operation_layers(0.7):

        def run(seed: int, layer: object = layer) -> np.ndarray:
            seeds = StatelessSeeds(tf.constant([seed, 0], tf.int64))
            drawn = layer.get_random_transformation(images, training=True, seed=seeds)
            return layer.transform_images(images, drawn, training=True).numpy()

        first = run(1)
        assert np.array_equal(first, run(1)), layer.name
        assert not np.allclose(first, images, atol=1e-4), layer.name


@pytest.mark.parametrize(("strength", "levels"), [(0.25, 128), (0.5, 64), (1.0, 16)])
def test_posterization_keeps_fewer_levels_the_stronger_it_is(strength: float, levels: int) -> None:
    layer = next(
        layer for layer in operation_layers(strength) if "posterization" in layer.name.lower()
    )
    ramp = tf.reshape(tf.range(256, dtype=tf.float32) / 255.0, (1, 16, 16, 1))
    seeds = StatelessSeeds(tf.constant([0, 0], tf.int64))
    drawn = layer.get_random_transformation(ramp, training=True, seed=seeds)
    assert len(np.unique(layer.transform_images(ramp, drawn))) == levels


def test_seeds_are_counted_and_not_remembered() -> None:
    seed = tf.constant([4, 2], tf.int64)
    one, two = StatelessSeeds(seed), StatelessSeeds(seed)
    drawn = [tuple(one.next().numpy()) for _ in range(3)]
    assert len(set(drawn)) == 3
    assert [tuple(two.next().numpy()) for _ in range(3)] == drawn


def test_recipe_with_rand_augment_changes_grey_images_too() -> None:
    grey = tf.fill((4, 8, 8, 1), np.uint8(90))
    recipe = Augmentation(rand_augment=1.0)
    seed = tf.constant([0, 1], tf.int64)
    result, _ = recipe(grey, tf.range(4), seed=seed, classes=4)
    assert result.shape == (4, 8, 8, 1)
    assert np.isfinite(result).all()
    assert not np.allclose(result, 90 / 255)
