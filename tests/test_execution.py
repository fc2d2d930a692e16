"""Operators at run time, against what is written by hand, and against the converter's operators."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.block_memory import peak_activation_bytes
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from fbnetv2_tf.execution import execution_steps, lifetimes, live_elements
from tests.strategies import architectures


def operators(
    blocks: str, hard_swish: str = "decomposed"
) -> list[tuple[str, str, tuple[int, ...]]]:
    steps = execution_steps(parse_architecture(f"in_hw4_c2 {blocks} fc_c2"), hard_swish=hard_swish)
    return [(step.layer, step.operator, step.inputs) for step in steps[:-2]]


def test_relu_is_part_of_its_convolution() -> None:
    assert operators("cn_k3_s1_c8_nre") == [("b01_conv", "conv", (0,))]
    assert operators("cn_k3_s1_c8_nr6") == [("b01_conv", "conv", (0,))]


def test_hard_swish_is_one_operator_or_its_products() -> None:
    assert operators("cn_k3_s1_c8_nhs", "fused") == [
        ("b01_conv", "conv", (0,)),
        ("b01_conv", "unary", (1,)),
    ]
    # The classifier's pool reads it, so its factor is an operator of its own.
    assert operators("cn_k3_s1_c8_nhs") == [
        ("b01_conv", "conv", (0,)),
        ("b01_conv", "unary", (1,)),
        ("b01_conv", "binary", (1, 2)),
        ("b01_conv", "scale", (3,)),
    ]


def test_a_factor_before_one_convolution_is_folded_into_it() -> None:
    steps = operators("cn_k3_s1_c8_nhs cn_k3_s1_c8_nre")
    assert steps == [
        ("b01_conv", "conv", (0,)),
        ("b01_conv", "unary", (1,)),
        ("b01_conv", "binary", (1, 2)),
        ("b02_conv", "conv", (3,)),
    ]


def test_a_residual_keeps_its_input_and_a_gate_its_map() -> None:
    assert operators("ir_k3_s1_e4_c2_se0.25_nre") == [
        ("b01_expand_conv", "conv", (0,)),
        ("b01_depthwise_conv", "conv", (1,)),
        ("b01_se_pool", "pool", (2,)),
        ("b01_se_reduce", "conv", (3,)),
        ("b01_se_expand", "conv", (4,)),
        ("b01_se_scale", "binary", (2, 5)),
        ("b01_project_conv", "conv", (6,)),
        ("b01_add", "binary", (0, 7)),
    ]


def test_what_is_alive_worked_by_hand() -> None:
    text = "in_hw4_c2 ir_k3_s1_e4_c2_se0.25_nre fc_c3"
    assert live_elements(parse_architecture(text)) == {
        "b01_expand_conv": 32 + 128,  # the image, the hidden map
        "b01_depthwise_conv": 32 + 128 + 128,  # the image is kept for the addition
        "b01_se_pool": 32 + 128 + 8,
        "b01_se_reduce": 32 + 128 + 8 + 8,
        "b01_se_expand": 32 + 128 + 8 + 8,
        "b01_se_scale": 32 + 128 + 128 + 8,
        "b01_project_conv": 32 + 128 + 32,
        "b01_add": 32 + 32 + 32,
        "b02_pool": 32 + 2,
        "b02_dense": 2 + 3,
    }


@settings(max_examples=50)
@given(architectures())
def test_the_peak_is_that_of_the_blocks(architecture: Architecture) -> None:
    """Two roads to one number: lifetimes over the whole graph, and a formula for each block."""
    peak = max(live_elements(architecture).values())
    assert peak == peak_activation_bytes(architecture) == count(architecture).activation_bytes


@pytest.mark.parametrize("name", zoo)
def test_the_peak_of_the_zoo_is_that_of_its_blocks(name: str) -> None:
    architecture = zoo[name].architecture
    cost = count(architecture)
    assert cost.activation_bytes == peak_activation_bytes(architecture)
    assert cost.activation_bytes == max(row.activation_bytes for row in cost.layers)
    fused = max(live_elements(architecture, hard_swish="fused").values())
    assert cost.activation_bytes_float32 == 4 * fused <= 4 * cost.activation_bytes


@settings(max_examples=50)
@given(architectures())
def test_lifetimes_begin_before_they_end(architecture: Architecture) -> None:
    tensors = lifetimes(architecture)
    steps = execution_steps(architecture)
    assert len(tensors) == len(steps) + 1
    assert all(0 <= t.first <= t.last < len(steps) and t.elements > 0 for t in tensors)
    kept = lifetimes(architecture, keeps_image=True)
    assert kept[0].last == len(steps) - 1
    assert kept[1:] == tensors[1:]
