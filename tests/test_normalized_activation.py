"""One compiled pass against BatchNorm, activation and sum by TensorFlow's own operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import normalized_activation as module
from fbnetv2_tf.batch_norm import FusedBatchNormalization

RANDOM = np.random.default_rng(0)
SHAPE = (6, 5, 5, 8)
X = RANDOM.normal(1.0, 2.0, SHAPE).astype(np.float32)
DIRECTION = RANDOM.normal(size=SHAPE).astype(np.float32)
WEIGHTS = np.array([0.3, 0.7], np.float32)
OTHERS = RANDOM.normal(size=(2, *SHAPE)).astype(np.float32)
PROBABILITIES = np.array([0.25, 0.4], np.float32)
MASK = np.array([1, 1, 1, 1, 0.5, 0.5, 0, 0], np.float32)


def both(
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    dtype: str,
    is_sum: bool = False,
    fixed: bool = False,
) -> list[Any]:
    """Outputs, moving statistics and gradients: compiled first, then operator by operator."""
    layer = FusedBatchNormalization()
    layer.build(SHAPE)
    random = np.random.default_rng(1)  # the same whichever tests ran before
    start = [random.uniform(0.5, 1.5, 8), random.normal(size=8), np.zeros(8), np.ones(8)]

    def step(x: tf.Tensor, weights: tf.Tensor) -> Any:
        variables = [layer.gamma.value, layer.beta.value]
        others, probabilities = tf.constant(OTHERS), tf.constant(PROBABILITIES)
        with tf.GradientTape() as tape:
            tape.watch([x, weights, others, probabilities])
            given = {"activations": names, "activation_weights": weights, "fixed": fixed}
            if is_sum:
                first, second = tf.unstack(tf.cast(others, dtype))
                given["added"] = [(first, None), (second, probabilities[0])]
                given["gain"] = probabilities[1] if names else None
            y = layer(tf.cast(x, dtype), scale=MASK, training=True, momentum=0.9, **given)
            total = tf.reduce_sum(tf.cast(y, tf.float32) * DIRECTION)
        assert y.dtype == dtype
        sources = [x, *variables, weights, others, probabilities]
        gradients = tape.gradient(total, sources, unconnected_gradients="zero")
        return y, gradients

    found = []
    for least in (0, 10**9):
        monkeypatch.setattr(module, "LEAST_ELEMENTS", least)
        layer.set_weights(start)
        function = tf.function(step, autograph=False)
        y, gradients = function(tf.constant(X), tf.constant(WEIGHTS))
        graph = function.get_concrete_function(tf.constant(X), tf.constant(WEIGHTS)).graph
        kinds = {operation.type for operation in graph.get_operations()}
        assert ("FusedBatchNormV3" in kinds) is (least > 0)
        found.append((y, layer.moving_mean.numpy(), layer.moving_variance.numpy(), *gradients))
    return found


@pytest.mark.parametrize("is_sum", [False, True], ids=["alone", "in_a_sum"])
@pytest.mark.parametrize(
    "names", [(), ("hs",), ("re", "hs")], ids=lambda names: "/".join(names) or "none"
)
def test_everything_is_that_of_the_operators(
    names: tuple[str, ...], is_sum: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = both(monkeypatch, names, "float32", is_sum)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("names", [(), ("re", "hs")])
def test_a_constant_mask_inside_the_pass_is_one_outside(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gamma's and beta's gradients too; what is constant has none."""
    compiled, _ = both(monkeypatch, names, "float32", fixed=True)
    learned, _ = both(monkeypatch, names, "float32")
    for ours, theirs in zip(compiled[:-3], learned[:-3], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert not np.any(compiled[-3])


def test_statistics_are_float32_whatever_the_map_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = both(monkeypatch, ("re", "hs"), "bfloat16", is_sum=True)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4)
    for mine, other in zip(ours, theirs, strict=True):
        mine, other = (np.asarray(tf.cast(value, tf.float32)) for value in (mine, other))
        np.testing.assert_allclose(mine, other, atol=0.06 * np.abs(other).max())


def test_only_large_maps_of_a_known_shape_are_compiled() -> None:
    seen = {}

    def look(x: tf.Tensor) -> tf.Tensor:
        seen[tuple(x.shape)] = module.is_worth_compiling(x)
        return x

    function = tf.function(look, autograph=False)
    for shape in ((64, 14, 14, 16), (2, 14, 14, 16), (None, 14, 14, 16)):
        function.get_concrete_function(tf.TensorSpec(shape))
    assert list(seen.values()) == [True, False, False]
    assert not module.is_worth_compiling(tf.zeros([64, 14, 14, 16]))


def test_nothing_of_the_size_of_the_map_is_kept_but_the_map() -> None:
    """The tape must not have the compiled functions return intermediates for its own gradient."""

    def step(x: tf.Tensor, weights: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            ones, zeros = tf.ones([16]), tf.zeros([16])
            y, *_ = module.normalized_activation(x, ones, zeros, 1e-5, ("re", "hs"), weights)
        return tape.gradient(y, x)

    function = tf.function(step, autograph=False)
    specs = tf.TensorSpec([64, 14, 14, 16]), tf.TensorSpec([2])
    calls = [
        operation
        for operation in function.get_concrete_function(*specs).graph.get_operations()
        if "PartitionedCall" in operation.type
    ]
    maps = [sum(t.shape.rank == 4 for t in operation.outputs) for operation in calls]
    assert sorted(maps) == [0, 1, 1]
    assert {operation.type for operation in calls} == {"PartitionedCall"}
