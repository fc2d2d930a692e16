"""Squeeze-and-excite as one operation, and all its gradients, against TensorFlow's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import normalized_activation
from fbnetv2_tf.activations import mixed_value
from fbnetv2_tf.excitation import Choices, Layers, excited

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return tf.constant(RANDOM.normal(size=shape).astype(np.float32))


X, DIRECTION = normal(2, 3, 4, 5), normal(2, 3, 4, 5)
MASKS = {"hidden": [[1.0], [1.0], [0.7], [0.2], [0.2]], "squeezed": [1.0, 0.6, 0.5]}
LAYERS = [normal(5, 3), normal(3), normal(3, 5), normal(5)]


def expected(x: Any, layers: Layers, names: Any, choices: Choices) -> tf.Tensor:
    """The formula, differentiated operation by operation."""
    one = tf.ones([])
    hidden, squeezed = (one if each is None else each for each in choices[2:])
    z = (
        tf.reduce_mean(x, axis=[1, 2]) * tf.reshape(hidden, [-1])
    ) @ layers.reduce_kernel + layers.reduce_bias
    h = mixed_value(z, names, choices.weights)
    u = (h * squeezed) @ layers.expand_kernel + layers.expand_bias
    gate, presence = tf.nn.relu6(u + 3) / 6, choices.presence
    factor = gate if presence is None else 1 + presence * (gate - 1)
    return x * (factor * tf.reshape(hidden, [-1]))[:, None, None]


@pytest.mark.parametrize("least", [0, 10**9], ids=["compiled", "operators"])
@pytest.mark.parametrize("masks", [(), ("hidden", "squeezed"), ("squeezed",)], ids=len)
@pytest.mark.parametrize("presence", [None, 0.3])
@pytest.mark.parametrize("names", [("sw",), ("re", "hs")])
def test_values_and_gradients_are_tensorflows(
    names: tuple[str, ...],
    presence: float | None,
    masks: tuple[str, ...],
    least: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalized_activation, "LEAST_ELEMENTS", least)
    chosen = {"weights": tf.constant([0.3, 0.7])} if len(names) > 1 else {}
    chosen |= {} if presence is None else {"presence": tf.constant(presence)}
    chosen |= {name: tf.constant(MASKS[name]) for name in masks}
    given: list[Any] = [X, *LAYERS, *chosen.values()]

    def step(function: Any, *given: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(given)
            choices = Choices(**dict(zip(chosen, given[5:], strict=True)))
            y = function(given[0], Layers(*given[1:5]), names, choices)
            total = tf.reduce_sum(y * DIRECTION)
        return y, *tape.gradient(total, given)

    found = [tf.function(step, autograph=False)(f, *given) for f in (excited, expected)]
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_gate_is_float32_and_the_map_stays_of_its_dtype() -> None:
    x = tf.cast(X, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch([x, LAYERS])
        y = excited(x, Layers(*LAYERS), ["re"])
    of_map, of_layers = tape.gradient(y, [x, LAYERS])
    assert (y.dtype, of_map.dtype) == (tf.bfloat16, tf.bfloat16)
    assert all(gradient.dtype == tf.float32 for gradient in of_layers)


def test_a_map_of_any_side_has_the_gradient_too() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 5])], autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = excited(x, Layers(*LAYERS), ["re"])
        return tape.gradient(y, x)

    assert gradient(X).shape == X.shape


def test_fixed_choices_have_no_gradient_and_the_layers_the_same() -> None:
    choices = Choices(
        tf.constant([0.3, 0.7]),
        tf.constant(0.4),
        *map(tf.constant, MASKS.values()),
    )
    found = []
    for fixed in (False, True):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([X, LAYERS, choices])
            y = excited(X, Layers(*LAYERS), ["re", "hs"], choices, fixed)
        found.append(tape.gradient(y, [X, *LAYERS]))
        of_choices = tape.gradient(y, list(choices))
        assert all((gradient is None) is fixed for gradient in of_choices)
    for learned, constant in zip(*found, strict=True):
        np.testing.assert_array_equal(learned, constant)


def test_blocks_of_the_same_widths_are_traced_once() -> None:
    def operations(blocks: int) -> int:
        @tf.function(input_signature=[tf.TensorSpec(X.shape)], autograph=False)
        def step(x: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x
                for _ in range(blocks):
                    y = excited(y, Layers(*LAYERS), ["re"])
            return tape.gradient(y, x)

        return len(step.get_concrete_function().graph.get_operations())

    assert operations(2) - operations(1) < 35
