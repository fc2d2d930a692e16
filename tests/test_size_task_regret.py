"""The regret of the size task: who is among the best, and by which trainings they are judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fbnetv2_tf as fb
from benchmarks.contest import Contest
from benchmarks.size_task import sample
from benchmarks.small_space import (
    BEST,
    LATER_SEEDS,
    best_networks,
    first_trainings,
    later_accuracy,
    rows,
    second_trainings,
)
from benchmarks.trials import Verdict, Verdicts, final_trial, keep

BUDGET = 400_000


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Results in which later networks of the sample are better, and seed 0 flatters by 0.1."""
    path = tmp_path / "judge.jsonl"
    for place, network in enumerate(sample(16)):
        for seed in (0, *LATER_SEEDS):
            share = 0.5 + 0.01 * place + (0.1 if seed == 0 else 0.001 * seed)
            keep(final_trial(network, seed), "torch", Verdict(share, share, 1.0), path)
    return path


def within(networks: list[str]) -> list[str]:
    return [n for n in networks if fb.count(fb.parse_architecture(n)).macs <= BUDGET]


def test_the_best_are_the_first_of_their_budget(trained: Path) -> None:
    first = first_trainings(sample(16), Verdicts(trained))
    assert best_networks(first, BUDGET) == within(sample(16))[::-1][:BEST]


def test_only_later_trainings_judge_and_all_of_them_have_to(trained: Path, tmp_path: Path) -> None:
    network = sample(16)[3]
    assert later_accuracy(network, Verdicts(trained)) == pytest.approx(53.2)
    alone = tmp_path / "alone.jsonl"
    keep(final_trial(network, LATER_SEEDS[0]), "torch", Verdict(0.9, 0.9, 1.0), alone)
    assert np.isnan(later_accuracy(network, Verdicts(alone)))


def test_regret_is_what_the_best_are_above_what_was_found(trained: Path, tmp_path: Path) -> None:
    inside = within(sample(16))
    contest = Contest("small", tmp_path / "chosen.jsonl")
    contest.choose(BUDGET, "search", 0, lambda: inside[0])
    first = first_trainings(sample(16), Verdicts(trained))
    _, row = rows(contest, Verdicts(trained), first)
    best = [later_accuracy(n, Verdicts(trained)) for n in inside[-BEST:]]
    regret = np.mean(best) - later_accuracy(inside[0], Verdicts(trained))
    assert row[1:3] == ["search", "1"]
    assert float(row[5]) == pytest.approx(regret, abs=0.006)
    assert regret > 0
    lines = second_trainings(contest, first, BUDGET)
    assert len(lines) == len(LATER_SEEDS) * len({*inside[-BEST:], inside[0]})
