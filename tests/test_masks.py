"""Masks against sums over every alternative, written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.masks import Width, fixed_width, kernel_mask, kernel_masks, prefix_masks
from fbnetv2_tf.rounding import hidden_channels, se_channels


def width(channels: tuple[int, ...], *weights: float) -> Width:
    return Width(channels, tf.constant(weights))


def distribution(found: Width) -> dict[int, float]:
    return dict(zip(found.channels, np.asarray(found.weights).tolist(), strict=True))


def test_mask_is_the_sum_of_prefixes() -> None:
    mask = width((2, 4, 3), 0.5, 0.2, 0.3).mask()
    np.testing.assert_allclose(mask, [1.0, 1.0, 0.5, 0.2], rtol=1e-6)


def test_mask_is_one_path_for_the_sum_of_padded_candidates() -> None:
    """FBNetV2 equation 4: `sum_i g_i pad(x @ W[:, :C_i]) == (x @ W) * M`."""
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(3, 4)), random.normal(size=(4, 6))
    channels, weights = (2, 5, 6), (0.1, 0.3, 0.6)
    summed = sum(
        g * np.pad(x @ kernel[:, :c], ((0, 0), (0, 6 - c)))
        for c, g in zip(channels, weights, strict=True)
    )
    mask = np.asarray(width(channels, *weights).mask())
    np.testing.assert_allclose((x @ kernel) * mask, summed, rtol=1e-6)


def test_a_fixed_width_has_no_mask() -> None:
    assert fixed_width(8).mask() is None


def test_hidden_width_is_joint_in_input_and_expansion() -> None:
    c_in, expansions = (8, 16), (1.0, 1.5, 2.0)
    p, q = (0.25, 0.75), (0.2, 0.3, 0.5)
    expected: dict[int, float] = {}
    for (c, a), (e, b) in itertools.product(
        zip(c_in, p, strict=True), zip(expansions, q, strict=True)
    ):
        hidden = hidden_channels(c, e)
        expected[hidden] = expected.get(hidden, 0.0) + a * b
    found = distribution(width(c_in, *p).expanded(expansions, tf.constant(q)))
    assert found == pytest.approx(expected, rel=1e-6)
    # 8 * 2 and 8 * 1.5 both become 16, and so does 16 * 1: three ways to one width.
    assert found[16] == pytest.approx(0.25 * 0.5 + 0.25 * 0.3 + 0.75 * 0.2, rel=1e-6)


def test_hidden_width_of_one_alternative_is_fixed() -> None:
    found = fixed_width(8).expanded((1.0, 1.04), tf.constant([0.5, 0.5]))
    assert found.is_fixed
    assert found.channels == (8,)


def test_squeezed_width_is_that_given_that_there_is_squeeze_and_excite() -> None:
    hidden, ratios = width((16, 64), 0.5, 0.5), (0.0, 0.25, 0.5)
    found = distribution(hidden.squeezed(ratios, tf.constant([0.5, 0.2, 0.3])))
    expected: dict[int, float] = {}
    for c, (ratio, p) in itertools.product((16, 64), ((0.25, 0.4), (0.5, 0.6))):
        squeezed = se_channels(c, ratio)
        expected[squeezed] = expected.get(squeezed, 0.0) + 0.5 * p
    assert found == pytest.approx(expected, rel=1e-6)


def test_squeezed_width_without_squeeze_and_excite_is_finite_with_its_gradient() -> None:
    weights = tf.constant([1.0, 0.0, 0.0])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        mask = width((16, 64), 0.5, 0.5).squeezed((0.0, 0.25, 0.5), weights).mask()
        total = tf.reduce_sum(mask)
    gradient = tf.convert_to_tensor(tape.gradient(total, weights))
    assert np.isfinite(mask).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (width((8, 16), 0.3, 0.7), 0.25 * 0.3 + 0.75 * 0.7),
        (width((16, 24), 0.4, 0.6), 0.75 * 0.4),
        (width((16,), 1.0), 0.75),
        (width((4, 24), 0.5, 0.5), 0.0),
    ],
    ids=["same widths", "one in common", "fixed", "none in common"],
)
def test_probability_of_equal_widths(other: Width, expected: float) -> None:
    mine = width((8, 16), 0.25, 0.75)
    assert float(mine.equals(other)) == pytest.approx(expected, rel=1e-6)
    assert float(other.equals(mine)) == pytest.approx(expected, rel=1e-6)


def test_equal_fixed_widths_are_certain() -> None:
    assert fixed_width(8).equals(fixed_width(8)) == 1.0
    assert fixed_width(8).equals(fixed_width(16)) == 0.0


def test_prefix_masks() -> None:
    np.testing.assert_array_equal(prefix_masks([2, 1, 3]), [[1, 1, 0], [1, 0, 0], [1, 1, 1]])


def test_kernel_mask_is_a_core_and_a_ring() -> None:
    mask = np.asarray(kernel_mask((3, 5), tf.constant([0.25, 0.75]), side=9, stride=1))
    expected = np.full((5, 5), 0.75)
    expected[1:4, 1:4] = 1.0
    np.testing.assert_allclose(mask, expected)


def test_a_kernel_of_one_on_an_even_map_with_stride_two_is_not_in_the_centre() -> None:
    (one, three) = kernel_masks((1, 3), side=8, stride=2)
    assert np.argwhere(one).tolist() == [[0, 0]]
    assert three.sum() == 9
    (one, _) = kernel_masks((1, 3), side=7, stride=2)
    assert np.argwhere(one).tolist() == [[1, 1]]


def test_one_kernel_needs_no_mask() -> None:
    assert kernel_mask((5,), None, side=8, stride=1) is None
