"""A size task that others can repeat: 2,592 networks, of which a stratified sample is trained.

    python -m benchmarks.small_space --sample=216 --list=sample.txt
    python -m benchmarks.judge --networks=sample.txt
    python -m benchmarks.quality --space=small --budgets=400K --random=0 --evaluations=0
    python -m benchmarks.small_space --budget=400K --again=again.txt
    python -m benchmarks.judge --networks=again.txt
    python -m benchmarks.small_space

The space (227 to 1,746 thousand multiply-adds) is so small that a fair sample of it can be trained,
and a search has a regret: what the best of the sample within its budget are above the network that
it found. A search chooses among all networks, so its regret may be below zero. The most accurate
of a hundred noisy trainings is a lucky one, so the best networks are chosen by their first training
and judged by three others (`--again`); what searches found is judged by the same number.
`benchmarks/size_task.py` is the whole definition; data and recipe are those of the judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from absl import flags

import fbnetv2_tf as fb
from benchmarks.contest import CHOSEN, Contest, names_of
from benchmarks.searching import table
from benchmarks.sentences import run
from benchmarks.size_task import SPACE, sample
from benchmarks.trials import RESULTS, Verdicts, final_trial
from fbnetv2_tf.units import parse_quantity

SAMPLE = flags.DEFINE_integer("sample", 216, "Networks to train.")
LIST = flags.DEFINE_string("list", None, "The file to write them to, a line each.")
AGAIN = flags.DEFINE_string("again", None, "The file to write the second trainings to.")
BUDGET = flags.DEFINE_string("budget", "400K", "Multiply-adds within which `--again` looks.")

CONTEST = "fashion_mnist_small"
"""Its name among the contests: that of the data and of the space."""

BEST = 5
"""So many of the most accurate networks stand for the best."""

LATER_SEEDS = (1, 2, 3)
"""Of the trainings that judge; that of seed 0 only chooses who is among the best."""


def best_networks(first: Mapping[str, float], budget: int) -> list[str]:
    """The `BEST` most accurate networks within a budget by their first training."""
    within = [network for network in first if _macs(network) <= budget]
    return sorted(within, key=lambda network: -first[network])[:BEST]


def later_accuracy(network: str, verdicts: Verdicts) -> float:
    """Mean test accuracy of the trainings that judge, in %; NaN where one of them is missing."""
    found = [verdicts.of(final_trial(network, seed)) for seed in LATER_SEEDS]
    return float(np.mean([100 * verdict.test if verdict else np.nan for verdict in found]))


def first_trainings(networks: Iterable[str], verdicts: Verdicts) -> dict[str, float]:
    """Network -> test accuracy of its training with seed 0, in [0, 1]; without the untrained."""
    judged = {network: verdicts.of(final_trial(network)) for network in networks}
    return {network: verdict.test for network, verdict in judged.items() if verdict}


def rows(contest: Contest, verdicts: Verdicts, first: Mapping[str, float]) -> list[list[str]]:
    """A row for each budget and way of choosing: regret is in points of accuracy."""
    lines = [["budget", "chosen by", "seeds", "test accuracy, %", "the best, %", "regret"]]
    for budget in contest.budgets():
        best = np.mean([later_accuracy(n, verdicts) for n in best_networks(first, budget)])
        members = contest.members(budget)
        for name in names_of(members):
            found = [later_accuracy(c.network, verdicts) for c in members if c.name == name]
            if not np.isnan(found).any():
                mean = np.mean(found)
                cells = [f"{mean:.2f}", f"{best:.2f}", f"{best - mean:.2f}"]
                lines.append([f"{budget:,}", name, str(len(found)), *cells])
    return lines


def second_trainings(contest: Contest, first: Mapping[str, float], budget: int) -> list[str]:
    """Lines for the judge: the best networks of a budget and the chosen ones, with later seeds."""
    chosen = [member.network for member in contest.members(budget)]
    networks = dict.fromkeys([*best_networks(first, budget), *chosen])
    return [f"{seed} {network}" for network in networks for seed in LATER_SEEDS]


def _macs(network: str) -> int:
    return int(fb.count(fb.parse_architecture(network)).macs)


def _write(path: str, lines: list[str]) -> None:
    Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} trainings are in {path}")


def main(_: list[str]) -> None:
    """Writes the sample or its second trainings, or prints the regret of what was found."""
    contest, verdicts = Contest(CONTEST, CHOSEN), Verdicts(RESULTS)
    networks = sample(SAMPLE.value)
    first = first_trainings(networks, verdicts)
    if LIST.value:
        _write(LIST.value, networks)
    elif AGAIN.value:
        budget = round(parse_quantity(BUDGET.value))
        _write(AGAIN.value, second_trainings(contest, first, budget))
    else:
        print(f"{len(first)} of {fb.parse_space(SPACE).size} networks were trained")
        print(table(rows(contest, verdicts, first)))


if __name__ == "__main__":
    run(main)
