"""Derivation under several limits against the listing of every network of a small space."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fbnetv2_tf import path_search
from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.block_memory import peak_activation_bytes
from fbnetv2_tf.chain import INNER
from fbnetv2_tf.choices_layout import one_hot_rows, searched
from fbnetv2_tf.counting import count
from fbnetv2_tf.derivation import SHARES, Landscape
from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.space import Space, parse_space

SPACE = parse_space(
    "in_hw8/12_c3 cn_k3_s2_c8/16_nre/hs ir/sk_k3_s1_e1/3_c8/16_se0/0.5_nre ds_k3/5_s1_c8/24_nre "
    "fc_c2"
)
EVERY = list(SPACE.architectures())


def random_probabilities(space: Space, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.dirichlet(np.ones(len(a))) for name, a in searched(space).items()}


def log_probability(
    space: Space, architecture: Architecture, probabilities: dict[str, np.ndarray]
) -> float:
    """Choices inside a skipped block count at their most probable alternative."""
    total = 0.0
    for name, row in one_hot_rows(space, architecture).items():
        block, field = architecture.blocks[int(name[1:3])], name[4:]
        is_inner = block.kind == "sk" and field in INNER
        p = probabilities[name]
        total += math.log(p.max() if is_inner else float((row * p).sum()))
    return total


def costs(architecture: Architecture) -> dict[str, int]:
    cost = count(architecture)
    peak = peak_activation_bytes(architecture)
    return {"macs": cost.macs, "weights": cost.weights, "activation_bytes": peak}


COSTS = [costs(architecture) for architecture in EVERY]


def best_by_listing(limits: dict[str, int], probabilities: dict[str, np.ndarray]) -> float:
    """The score of the best network that fills a limit to the fullest share that can be filled."""
    scores = np.array([log_probability(SPACE, a, probabilities) for a in EVERY])
    table = {r: np.array([cost[r] for cost in COSTS]) for r in limits}
    kept = np.all([table[r] <= limit for r, limit in limits.items()], axis=0)
    binding = [r for r, limit in limits.items() if table[r].max() > limit]
    sums = [r for r in binding if r != "activation_bytes"] or binding
    for share in SHARES:
        full = [table[r] >= math.ceil(share * limits[r]) for r in sums] or [np.ones_like(kept)]
        chosen = kept & np.any(full, axis=0)
        if chosen.any():
            return float(scores[chosen].max())
    raise AssertionError("no network keeps the limits")


LIMITS = [
    {"macs": 40_000},
    {"macs": 60_000, "weights": 900},
    {"macs": 60_000, "activation_bytes": 2_000},
    {"weights": 1_200, "activation_bytes": 1_500},
    {"activation_bytes": 2_400},
    {"macs": 50_000, "weights": 1_000, "activation_bytes": 2_304},
    {"macs": 10**9, "weights": 1_000},
    {"macs": 10**9},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_the_best_network_under_all_limits_is_found(limits: dict[str, int], seed: int) -> None:
    probabilities = random_probabilities(SPACE, seed)
    found = Landscape(SPACE).fill(probabilities, limits)
    cost = costs(found.architecture)
    assert all(cost[resource] <= limit for resource, limit in limits.items())
    assert found.window.low <= cost[found.window.resource] <= found.window.high
    expected = best_by_listing(limits, probabilities)
    assert found.score == pytest.approx(expected, abs=1e-9)
    assert log_probability(SPACE, found.architecture, probabilities) == pytest.approx(expected)


@pytest.mark.parametrize("resource", ["macs", "weights", "activation_bytes"])
def test_the_range_of_a_resource_is_that_of_the_listing(resource: str) -> None:
    values = [cost[resource] for cost in COSTS]
    landscape = Landscape(SPACE, resource=resource)
    assert landscape.range(resource) == (min(values), max(values))
    assert landscape.cost(landscape.extreme(largest=False)) == min(values)
    assert landscape.cost(landscape.extreme(largest=True)) == max(values)


def test_draws_keep_every_limit_and_have_every_resolution() -> None:
    limits = {"macs": 60_000, "weights": 1_500, "activation_bytes": 2_400}
    landscape = Landscape(SPACE)
    window = landscape.fill({}, limits).window
    drawn = landscape.draw({}, window, 4, seed=3, limit=limits)
    assert len(drawn) == len(set(drawn)) > 1
    for architecture in drawn:
        cost = costs(architecture)
        assert all(cost[resource] <= limit for resource, limit in limits.items())
    free = landscape.draw({}, landscape.fill({}).window, 12, seed=3)
    assert {architecture.side for architecture in free} == {8, 12}


def test_a_limit_below_the_smallest_network_is_refused_with_its_cost() -> None:
    landscape = Landscape(SPACE)
    least = landscape.range("macs")[0]
    with pytest.raises(BudgetError, match=f"macs must be at least {least:,}.*{least - 1:,}"):
        landscape.check({"macs": least - 1, "weights": 10**6})
    with pytest.raises(BudgetError, match=r"peak activation memory must be.*0\.375 KiB.*0\.250"):
        landscape.fill({}, {"activation_bytes": 256})


def test_limits_that_exclude_each_other_are_refused_with_all_numbers() -> None:
    # A residual keeps its input alive; without one the block is wider and costs more.
    space = parse_space("in_hw4_c3 cn_k1_s1_c64_nre ir_k3_s1_e0.125_c64/72_nre fc_c2")
    narrow, wide = (costs(architecture) for architecture in space.architectures())
    assert narrow["macs"] < wide["macs"]
    assert narrow["activation_bytes"] == 3_072 > wide["activation_bytes"] == 1_280
    landscape = Landscape(space)
    landscape.check({"macs": narrow["macs"], "activation_bytes": 3_072})
    landscape.check({"macs": wide["macs"], "activation_bytes": 1_280})
    with pytest.raises(BudgetError, match=r"all limits together.*MACs .*peak .*1\.25 KiB"):
        landscape.check({"macs": narrow["macs"], "activation_bytes": 1_280})


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_large_space_is_filled_within_a_percent(share: float) -> None:
    space = parse_space("fashion28")
    landscape = Landscape(space)
    low, high = landscape.range("macs")
    limit = low + share * (high - low)
    for seed in range(3):
        found = landscape.fill(random_probabilities(space, seed), limit)
        cost = landscape.cost(found.architecture)
        assert 0.99 * limit <= cost <= limit


def test_a_search_that_is_given_up_still_keeps_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    space = parse_space("fashion28")
    landscape = Landscape(space)
    probabilities = random_probabilities(space, 1)
    limits = {"macs": 600_000, "weights": 28_000}
    proved = landscape.fill(probabilities, limits)
    monkeypatch.setattr(path_search, "MAXIMUM_EXPANSIONS", 3)
    given_up = landscape.fill(probabilities, limits)
    cost = costs(given_up.architecture)
    assert all(cost[resource] <= limit for resource, limit in limits.items())
    assert given_up.score < proved.score
