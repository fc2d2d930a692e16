"""The kernels' staircase."""

from __future__ import annotations

import numpy as np

from fbnetv2_tf.masks import kernel_steps


def test_a_three_is_the_centre_of_a_five() -> None:
    steps = kernel_steps((3, 5), side=9, stride=1)
    expected = np.ones((5, 5))
    expected[1:4, 1:4] = 0
    np.testing.assert_array_equal(steps, expected)


def test_the_order_of_the_kernels_does_not_matter() -> None:
    np.testing.assert_array_equal(kernel_steps((5, 1, 3), 8, 2), kernel_steps((1, 3, 5), 8, 2))


def test_a_kernel_of_one_on_an_even_map_with_stride_two_is_not_in_the_centre() -> None:
    assert np.argwhere(kernel_steps((1, 3), side=8, stride=2) == 0).tolist() == [[0, 0]]
    assert np.argwhere(kernel_steps((1, 3), side=7, stride=2) == 0).tolist() == [[1, 1]]
