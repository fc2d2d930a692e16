"""A recipe: its schedule and its decay worked by hand, its limits."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.recipe import Recipe


def test_the_schedule_rises_then_falls_by_a_cosine() -> None:
    recipe = Recipe(epochs=5, learning_rate=0.4, warmup_epochs=1.0)
    rate = recipe.schedule(steps_per_epoch=10)
    # Ten steps of warm-up from a tenth; then 40 steps of cosine.
    assert [float(rate(step)) for step in (0, 5, 10)] == pytest.approx([0.04, 0.22, 0.4])
    assert float(rate(20)) == pytest.approx(0.4 * 0.5 * (1 + np.cos(np.pi / 4)))
    assert float(rate(30)) == pytest.approx(0.2)
    assert float(rate(50)) == pytest.approx(0.0, abs=1e-8)


def test_without_warmup_it_starts_at_the_learning_rate() -> None:
    rate = Recipe(epochs=2, learning_rate=0.4, warmup_epochs=0).schedule(steps_per_epoch=10)
    assert float(rate(0)) == pytest.approx(0.4)
    assert float(rate(10)) == pytest.approx(0.2)


def test_kernels_decay_and_nothing_else_does() -> None:
    image = keras.Input((4, 4, 1))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3, bias_initializer="ones")(image))
    model = keras.Model(image, keras.layers.Flatten()(x))
    recipe = Recipe(epochs=2, warmup_epochs=0, learning_rate=0.5, weight_decay=0.1)
    optimizer = recipe.optimizer(model, steps_per_epoch=100)
    before = [variable.numpy() for variable in model.trainable_variables]
    optimizer.apply([0 * value for value in before], model.trainable_variables)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        share = 1 - 0.5 * 0.1 if value.ndim > 1 else 1.0
        np.testing.assert_allclose(variable.numpy(), share * value, rtol=1e-5)


def test_the_gradient_is_clipped_as_a_whole() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    recipe = Recipe(epochs=2, warmup_epochs=0, learning_rate=1.0, momentum=0, weight_decay=0)
    optimizer = recipe.optimizer(model, steps_per_epoch=10**6)
    before = [variable.numpy() for variable in model.trainable_variables]
    optimizer.apply([np.full((2, 1), 300.0), np.full((1,), 400.0)], model.trainable_variables)
    moved = [v.numpy() - old for v, old in zip(model.trainable_variables, before, strict=True)]
    norm = np.sqrt(sum(float(np.sum(np.square(step))) for step in moved))
    assert norm == pytest.approx(recipe.gradient_norm, rel=1e-4)


@pytest.mark.parametrize(("policy", "scales"), [("mixed_float16", True), ("float32", False)])
def test_the_loss_is_scaled_where_gradients_could_vanish(policy: str, scales: bool) -> None:
    layers = [keras.Input((2,)), keras.layers.Dense(1, dtype=policy), keras.layers.Dense(1)]
    optimizer = Recipe().optimizer(keras.Sequential(layers), steps_per_epoch=10)
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == scales


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("warmup_epochs", 15.0),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("label_smoothing", 1.0),
        ("gradient_norm", 0.0),
        ("ema", 1.0),
    ],
)
def test_a_setting_outside_its_range_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"`{setting}` must be .* Received: {value}"):
        Recipe(**{setting: value})
