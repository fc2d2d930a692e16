"""The four limits: their units, and the budget that is made of them."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.limits import LIMITS, read_limits
from fbnetv2_tf.objectives import Budget

ALL = {"max_macs": 6e5, "max_weights": 3e4, "max_activation_kib": 24, "max_latency_ms": 0.75}
OWN_UNITS = {"macs": 6e5, "weights": 3e4, "activation_bytes": 24_576, "latency_ns": 750_000}


def test_limits_are_read_in_the_units_of_their_resources() -> None:
    assert read_limits(ALL) == OWN_UNITS
    assert read_limits(dict.fromkeys(ALL)) == {}


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "60M", True])
@pytest.mark.parametrize("name", ALL)
def test_what_is_no_limit_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(BudgetError, match=f"`{name}` must be a positive number. Received"):
        Budget(**{name: value})


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ("macs", "600k"),
        ("weights", "30.0k"),
        ("activation_bytes", "24.0 KiB"),
        ("latency_ns", "0.750 ms"),
    ],
)
def test_a_person_reads_kib_and_milliseconds(resource: str, text: str) -> None:
    assert LIMITS[resource].text(OWN_UNITS[resource]) == text


@pytest.mark.parametrize(
    ("shares", "pulling", "penalty"),
    [
        ({"activation_bytes": 1.5}, {"activation_bytes"}, 0.4054651),
        ({"macs": 1.5, "latency_ns": 1.5}, {"macs", "latency_ns"}, 0.8109302),
        ({"weights": 0.8}, {"weights"}, 0.2231436),
    ],
    ids=["one above", "two above", "none above"],
)
def test_exceeded_limits_pull_or_else_the_tightest(
    shares: dict[str, float], pulling: set[str], penalty: float
) -> None:
    budget = Budget(**ALL, weight=2.0)
    costs = {r: tf.Variable(0.5 * limit, dtype=tf.float64) for r, limit in OWN_UNITS.items()}
    for resource, share in shares.items():
        costs[resource].assign(share * OWN_UNITS[resource])
    with tf.GradientTape() as tape:
        total = budget(tf.constant(1.0), costs, tf.constant(0.5))
    assert float(total) == pytest.approx(1 + 2.0 / 0.5 * penalty, rel=1e-5)
    gradients = tape.gradient(total, costs)
    assert {r for r, g in gradients.items() if float(g) != 0.0} == pulling


def test_a_budget_comes_back_from_its_config() -> None:
    budget = Budget(**ALL, weight=0.3)
    assert Budget(**budget.get_config()).limits == budget.limits
