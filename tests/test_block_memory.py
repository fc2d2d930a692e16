"""Peak activation memory against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.block_memory import block_peak, peak_activation_bytes
from fbnetv2_tf.execution import live_elements

from .strategies import architectures

WORKED = {
    # image 8*8*3 and map 4*4*8
    "in_hw8_c3 cn_k3_s2_c8_nre fc_c2": 192 + 128,
    # three maps of 4*4*8 while hard-swish runs
    "in_hw8_c3 cn_k3_s2_c8_nhs fc_c2": 3 * 128,
    # kept input, hidden before and after the depthwise part
    "in_hw4_c8 ir_k3_s1_e3_c8_nre fc_c2": 128 + 2 * 384,
    # without a residual the input is gone by then
    "in_hw4_c8 ir_k3_s1_e3_c16_nre fc_c2": 2 * 384,
    # kept input and three maps
    "in_hw4_c8 ir_k3_s1_e3_c8_nhs fc_c2": 128 + 3 * 384,
    # the gated map beside the one that the gate is computed from, and the gate
    "in_hw4_c8 ds_k3_s1_c8_se0.5_nre fc_c2": 128 + 2 * 128 + 8,
    "in_hw8_c8 ds_k3_s2_c64_se1_nre fc_c2": 128 + 1024,
    # an identity is no operator; the head widens the map and then has its mean
    "in_hw4_c8 sk_s1_c8_nre ip_e4_c16_nre fc_c2": 128 + 512,
    "in_hw4_c8 sk_s2_c16_nre fc_c2": 128 + 64,
    "in_hw4_c8 pl fc_c2": 128 + 8,
}


@pytest.mark.parametrize(("text", "expected"), WORKED.items(), ids=WORKED)
def test_worked_by_hand(text: str, expected: int) -> None:
    assert peak_activation_bytes(parse_architecture(text)) == expected


def test_arrays_of_alternatives_give_what_numbers_give() -> None:
    widths, ratios, words = (8, 16), (0.0, 0.25), ("re", "hs")
    table = block_peak(
        "ir",
        side=6,
        input_channels=np.array(widths).reshape(2, 1, 1),
        stride=1,
        expansion=2.0,
        channels=16,
        se=np.array(ratios).reshape(1, 2, 1),
        activation=np.array(words).reshape(1, 1, 2),
    )
    for place in np.ndindex(2, 2, 2):
        i, j, k = place
        one = block_peak(
            "ir",
            side=6,
            input_channels=widths[i],
            stride=1,
            expansion=2.0,
            channels=16,
            se=ratios[j],
            activation=words[k],
        )
        assert table[place] == one


@given(architectures())
def test_it_is_the_most_that_lives_while_any_operator_of_the_file_runs(
    architecture: Architecture,
) -> None:
    assert peak_activation_bytes(architecture) == max(live_elements(architecture).values())
