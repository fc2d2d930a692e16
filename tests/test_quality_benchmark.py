"""The contest that judges the search: who takes part, and that a verdict is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import fbnetv2_tf as fb
from benchmarks.contestants import BAND, BASELINES, random_networks, spread_networks
from benchmarks.evolution import best_random, evolved
from benchmarks.trials import JudgeRecipe, Trial, Verdict, keep, verdicts

SPACE = fb.parse_space("fashion28")


def macs(network: str) -> int:
    return int(fb.count(fb.parse_architecture(network)).macs)


@pytest.mark.parametrize("budget", [300_000, 1_000_000])
def test_random_networks_cost_what_the_searched_one_may(budget: int) -> None:
    networks = random_networks(SPACE, budget, 6, seed=1)
    assert len(set(networks)) == 6
    for network in networks:
        assert fb.parse_architecture(network) in SPACE
        assert BAND * budget <= macs(network) <= budget


def test_their_prior_is_fair_to_depth() -> None:
    networks = random_networks(SPACE, 1_000_000, 40, seed=2)
    skipped = sum(network.count("sk_s1") for network in networks) / (4 * len(networks))
    assert skipped < 0.25


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_fill_the_budget_without_a_search(name: str) -> None:
    for budget in (300_000, 600_000):
        assert 0.85 * budget <= macs(BASELINES[name](SPACE, budget)) <= budget


def test_spread_networks_reach_from_small_to_large() -> None:
    costs = [macs(network) for network in spread_networks(SPACE, 5, seed=3)]
    assert costs == sorted(costs)
    assert costs[-1] > 4 * costs[0]


def test_choosing_on_a_supernet_finds_what_the_loss_prefers() -> None:
    def loss(network: str) -> float:
        return float(network.count("_k5"))

    chance = [loss(n) for n in random_networks(SPACE, 600_000, 16, seed=4)]
    assert loss(best_random(SPACE, 600_000, 16, 4, loss)) == min(chance)
    found = evolved(SPACE, 600_000, 24, 4, loss)
    assert loss(found) <= min(chance)
    assert BAND * 600_000 <= macs(found) <= 600_000


def test_verdicts_are_kept_by_everything_that_decides_them(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "results.jsonl"
    assert verdicts(path) == {}
    trials = [
        Trial("a network"),
        Trial("a network", seed=1),
        Trial("a network", recipe=JudgeRecipe(learning_rate=0.1)),
        Trial("a network", backend="jax"),
    ]
    for number, trial in enumerate(trials):
        keep(trial, Verdict(0.5, number / 10, 1.0), path)
    assert [verdicts(path)[trial.key].test for trial in trials] == [0.0, 0.1, 0.2, 0.3]
