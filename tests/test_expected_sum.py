"""Joint tables as one padded array: against sums by hand, and against every table on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import expected_sum
from fbnetv2_tf.choice_weights import padded_rows
from fbnetv2_tf.choices_layout import choice_name, searched
from fbnetv2_tf.cost_tables import AXES, BlockTables, space_tables
from fbnetv2_tf.counting import RESOURCES
from fbnetv2_tf.expected_sum import ExpectedSum
from fbnetv2_tf.space import Space, parse_space

from .supernets import EVERY_KIND

SPACES = {name: parse_space(name) for name in ("fashion28", "fbnetv2_f", EVERY_KIND)}


def probabilities(space: Space) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {n: random.dirichlet(np.ones(len(a))) for n, a in searched(space).items()}


def made(space: Space, resource: str) -> tuple[ExpectedSum, dict[str, int]]:
    sizes = {name: len(alternatives) for name, alternatives in searched(space).items()}
    tables = [list(space_tables(space, side, resource)) for side in space.sides]
    return ExpectedSum(tables, sizes), sizes


def by_tables(tables: BlockTables, given: dict[str, np.ndarray]) -> float:
    """The expectation of one block, table by table, axis by axis."""
    vectors: dict[str, Any] = {a: given.get(choice_name(tables.index, a)) for a in AXES[1:]}
    vectors["input"] = given.get(choice_name(tables.source, "channels"))

    def total(found: tuple[np.ndarray, ...]) -> float:
        result = 0.0
        for table in found:
            for axis in AXES:
                weights = vectors[axis] if table.shape[0] > 1 else np.ones(1)
                table = np.tensordot(weights, table, 1)
            result += float(table)
        return result

    if not tables.block.skippable:
        return total(tables.present)
    kind = given[choice_name(tables.index, "kind")]
    return kind[0] * total(tables.present) + kind[1] * total(tables.skipped)


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", SPACES, ids=["fashion28", "fbnetv2_f", "every kind"])
def test_it_is_the_sum_over_all_tables(name: str, resource: str) -> None:
    space = SPACES[name]
    cost, sizes = made(space, resource)
    given = probabilities(space)
    found = cost(padded_rows(given, sizes))
    for side, value in zip(space.sides, found.numpy(), strict=True):
        wanted = sum(by_tables(tables, given) for tables in space_tables(space, side, resource))
        assert value == pytest.approx(wanted, rel=1e-12)


def test_groups_change_nothing_but_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SPACES["fbnetv2_f"]
    rows = padded_rows(probabilities(space), made(space, "macs")[1])
    whole, _ = made(space, "macs")
    monkeypatch.setattr(expected_sum, "SLACK", 0)
    parted, _ = made(space, "macs")
    assert len(whole.groups) < len(parted.groups)
    entries = [sum(group.tables.size for group in cost.groups) for cost in (whole, parted)]
    assert entries[1] < entries[0]
    np.testing.assert_allclose(whole(rows), parted(rows), rtol=1e-13)


def test_a_space_with_nothing_to_choose() -> None:
    cost, sizes = made(parse_space("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"), "macs")
    assert cost(padded_rows({}, sizes)).numpy().tolist() == [16 * 27 * 8 + 16]


def test_the_number_of_operations_does_not_depend_on_the_blocks() -> None:
    counts = []
    for name in ("fashion28", "fbnetv2_f"):
        cost, sizes = made(SPACES[name], "macs")
        spec = tf.TensorSpec([len(sizes), max(sizes.values())], tf.float64)
        graph = tf.function(cost, autograph=False).get_concrete_function(spec).graph
        counts.append(len(graph.get_operations()))
    assert counts[0] == counts[1] < 60
