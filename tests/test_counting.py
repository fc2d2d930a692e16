"""Costs worked by hand; `test_model.py` and `test_zoo.py` hold them against layers and papers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.counting import RESOURCES, block_operators, count, layer_name, walk
from tests.strategies import any_architectures, architectures


def rows(text: str) -> list[tuple[object, ...]]:
    """The table of a text: name, output shape and the four resources of each row."""
    return [
        (row.name, row.output_shape, *(getattr(row, resource) for resource in RESOURCES))
        for row in count(parse_architecture(text)).layers
    ]


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ("cn_k3_s2_c8_nre", [("b01_conv", (4, 4, 8), 16 * 216, 216, 232, 0)]),
        (
            "ds_k5_s2_c8_nre",
            [
                ("b01_depthwise_conv", (4, 4, 3), 16 * 75, 75, 81, 0),
                ("b01_project_conv", (4, 4, 8), 16 * 24, 24, 40, 0),
            ],
        ),
        (
            "ir_k3_s2_e6_c8_se0.25_nre",  # hidden 18 -> 24, squeezed int(6) -> 8
            [
                ("b01_expand_conv", (8, 8, 24), 64 * 72, 72, 120, 0),
                ("b01_depthwise_conv", (4, 4, 24), 16 * 216, 216, 264, 0),
                ("b01_se_pool", (1, 1, 24), 0, 0, 0, 16 * 24),
                ("b01_se_reduce", (1, 1, 8), 192, 192, 200, 0),
                ("b01_se_expand", (1, 1, 24), 192, 192, 216, 0),
                ("b01_project_conv", (4, 4, 8), 16 * 192, 192, 208, 0),
            ],
        ),
        ("sk_s1_c3_nre", []),
        ("sk_s2_c3_nre", [("b01_conv", (4, 4, 3), 16 * 9, 9, 15, 0)]),
        ("sk_s1_c8_nre", [("b01_conv", (8, 8, 8), 64 * 24, 24, 40, 0)]),
        (
            "ip_e6_c16_nhs",  # no bias and no BatchNorm behind the pool
            [
                ("b01_expand_conv", (8, 8, 24), 64 * 72, 72, 120, 0),
                ("b01_pool", (1, 1, 24), 0, 0, 0, 64 * 24),
                ("b01_project_conv", (1, 1, 16), 384, 384, 384, 0),
            ],
        ),
        ("pl", [("b01_pool", (1, 1, 3), 0, 0, 0, 64 * 3)]),
    ],
)
def test_a_block_worked_by_hand(blocks: str, expected: list[tuple[object, ...]]) -> None:
    table = rows(f"in_hw8_c3 {blocks} fc_c10")
    assert table[:-2] == expected
    # The classifier: the pool of a 1x1 map counts, and its bias is a parameter but no weight.
    pool, dense = table[-2:]
    side, _, channels = pool[1][0], 1, pool[1][2]  # type: ignore[index]
    assert (side, pool[2:5]) == (1, (0, 0, 0))
    assert dense[2:] == (10 * channels, 10 * channels, 10 * channels + 10, 0)


def test_the_example_of_the_paper_in_figures() -> None:
    cost = count(parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
    assert (cost.macs, cost.weights, cost.parameters, cost.pooled_elements) == (3472, 232, 250, 128)


@settings(max_examples=50)
@given(any_architectures())
def test_totals_are_sums_of_ints(architecture: Architecture) -> None:
    cost = count(architecture)
    for resource in RESOURCES:
        total = getattr(cost, resource)
        assert type(total) is int
        assert total == sum(getattr(row, resource) for row in cost.layers)
        assert min((getattr(row, resource) for row in cost.layers), default=0) >= 0


@settings(max_examples=50)
@given(architectures())
def test_a_walk_knows_the_input_of_every_block(architecture: Architecture) -> None:
    steps = list(walk(architecture))
    assert [index for index, *_ in steps] == list(range(1, len(architecture.blocks)))
    assert steps[0][2:] == (architecture.side, architecture.input_channels)
    if architecture.blocks[-2].kind in ("ip", "pl"):
        assert steps[-1][2] == 1


def test_arrays_of_alternatives_cost_what_each_costs() -> None:
    inputs = np.array([8, 16]).reshape(2, 1, 1, 1, 1)
    expansions = np.array([1.7712, 3.0, 6.0]).reshape(3, 1, 1, 1)
    kernels = np.array([3, 5]).reshape(2, 1, 1)
    ratios = np.array([0.0, 0.25]).reshape(2, 1)
    channels = np.array([8, 24])
    joint = block_operators(
        "ir",
        side=7,
        input_channels=inputs,
        kernel=kernels,
        stride=2,
        expansion=expansions,
        channels=channels,
        se=ratios,
    )
    for resource in RESOURCES:
        table = sum(np.zeros((2, 3, 2, 2, 2), np.int64) + getattr(o, resource) for o in joint)
        for index in np.ndindex(table.shape):
            i, e, k, r, c = index
            one = block_operators(
                "ir",
                side=7,
                input_channels=int(inputs.ravel()[i]),
                kernel=int(kernels.ravel()[k]),
                stride=2,
                expansion=float(expansions.ravel()[e]),
                channels=int(channels[c]),
                se=float(ratios.ravel()[r]),
            )
            assert table[index] == sum(getattr(operator, resource) for operator in one)


def test_names_beyond_a_hundred_blocks() -> None:
    assert [layer_name(i, "bn") for i in (0, 7, 10, 123)] == [
        "b00_bn",
        "b07_bn",
        "b10_bn",
        "b123_bn",
    ]
