"""The same weights by name and as one matrix."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fbnetv2_tf.choice_weights import ChoiceWeights, padded_rows

SIZES = {"b01_kind": 2, "b02_channels": 3}
ROWS = np.array([[0.25, 0.75, 0.0], [0.2, 0.3, 0.5]], np.float32)


def test_by_name() -> None:
    weights = ChoiceWeights(tf.constant(ROWS), SIZES)
    assert list(weights) == list(SIZES)
    np.testing.assert_array_equal(weights["b01_kind"], ROWS[0, :2])
    np.testing.assert_array_equal(weights["b02_channels"], ROWS[1])


def test_rows_of_any_mapping() -> None:
    weights = ChoiceWeights(tf.constant(ROWS), SIZES)
    for mapping in (weights, dict(weights), {n: np.asarray(w) for n, w in weights.items()}):
        found = padded_rows(mapping, SIZES)
        assert found.dtype == tf.float64
        np.testing.assert_array_equal(found, ROWS)


def test_nothing_to_choose() -> None:
    assert ChoiceWeights(tf.zeros([0, 0]), {}) == {}
    assert padded_rows({}, {}).shape == (0, 0)
