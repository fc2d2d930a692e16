"""The two objectives by hand."""

from __future__ import annotations

import math
from typing import Any

import keras
import pytest
import tensorflow as tf

from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.objectives import Budget, Objective, PaperObjective, unit_below
from fbnetv2_tf.space import parse_space


def total(objective: Objective, loss: float, temperature: float = 1.0, **costs: float) -> float:
    tensors = {name: tf.constant(cost, tf.float64) for name, cost in costs.items()}
    return float(objective(tf.constant(loss), tensors, tf.constant(temperature)))


def test_no_objective_is_the_loss() -> None:
    assert total(Objective(), 1.5) == 1.5


@pytest.mark.parametrize("macs", [500.0, 2000.0], ids=["below", "above"])
def test_a_budget_pulls_from_both_sides(macs: float) -> None:
    budget = Budget(max_macs=1000, weight=0.5)
    assert total(budget, 1.0, macs=macs) == pytest.approx(1.0 + 0.5 * math.log(2), rel=1e-6)
    assert total(budget, 1.0, macs=1000.0) == pytest.approx(1.0)


def test_the_penalty_grows_as_the_temperature_falls() -> None:
    budget = Budget(max_macs=1000)
    excess = {t: total(budget, 1.0, temperature=t, macs=2000.0) - 1.0 for t in (4.0, 0.5)}
    assert excess[4.0] == pytest.approx(math.log(2) / 4, rel=1e-5)
    assert excess[0.5] == pytest.approx(math.log(2) * 2, rel=1e-5)


def test_every_exceeded_limit_pulls_and_below_all_of_them_the_tightest() -> None:
    budget = Budget(max_macs=1000, max_weights=100)
    assert budget.resources == ("macs", "weights")
    assert total(budget, 0.0, macs=500.0, weights=90.0) == pytest.approx(-math.log(0.9), rel=1e-5)
    assert total(budget, 0.0, macs=3000.0, weights=90.0) == pytest.approx(math.log(3), rel=1e-5)
    assert total(budget, 0.0, macs=3000.0, weights=200.0) == pytest.approx(math.log(6), rel=1e-5)


def test_the_gradient_of_a_budget_does_not_depend_on_units() -> None:
    slopes = []
    for scale in (1.0, 1e6):
        cost = tf.constant(2e3 * scale, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(cost)
            value = Budget(max_macs=1e3 * scale)(tf.constant(0.0), {"macs": cost}, tf.constant(1.0))
        slopes.append(float(tape.gradient(value, cost)) * float(cost))
    assert slopes == pytest.approx([1.0, 1.0], rel=1e-5)


def test_the_papers_unit_keeps_the_logarithm_of_every_cost_positive() -> None:
    assert [unit_below(cost) for cost in (2e6, 1e6, 999.0)] == [1e6, 1e3, 1.0]
    smallest, _ = Landscape(parse_space("fashion28")).range("macs")
    priced = total(PaperObjective(alpha=1.0, unit=unit_below(smallest)), 2.0, macs=smallest)
    assert priced > 2.0


def test_the_papers_objective_by_hand() -> None:
    objective = PaperObjective(alpha=0.2, beta=0.6, unit=1e6)
    assert objective.on_sample
    expected = 2.0 * 0.2 * math.log(60) ** 0.6
    assert total(objective, 2.0, macs=60e6) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        (Budget, {}, "must have a limit"),
        (Budget, {"max_macs": -1}, "`max_macs` must be a positive number"),
        (Budget, {"max_weights": math.inf}, "`max_weights` must be a positive number"),
        (PaperObjective, {"alpha": 0.0}, "`alpha` must be positive"),
        (PaperObjective, {"unit": -1.0}, "`unit` must be positive"),
    ],
)
def test_bad_arguments_are_refused(kind: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BudgetError, match=words):
        kind(**arguments)


@pytest.mark.parametrize(
    "objective",
    [Budget(max_macs=1e6, max_weights=5e4, weight=2.0), PaperObjective(beta=1.5, unit=1e3)],
)
def test_objectives_come_back(objective: Objective) -> None:
    saved = keras.saving.serialize_keras_object(objective)
    again = keras.saving.deserialize_keras_object(saved)
    assert type(again) is type(objective)
    assert again.get_config() == objective.get_config()  # type: ignore[attr-defined]
    assert again.resources == objective.resources
