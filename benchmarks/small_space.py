"""A size task that others can repeat: 2,592 networks, of which a stratified sample is trained.

    python -m benchmarks.small_space --sample=216 --list=sample.txt
    python -m benchmarks.judge --networks=sample.txt
    python -m benchmarks.quality --space=small --budgets=400K --random=0 --evaluations=0
    python -m benchmarks.small_space

The space (227 to 1,746 thousand multiply-adds) is so small that the best accuracy within a budget
is known up to noise, and a search has a regret: what that accuracy is above the one of the network
it found. `benchmarks/size_task.py` is the whole definition; data and recipe are the judge's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from absl import app, flags

import fbnetv2_tf as fb
from benchmarks.contest import CHOSEN, Contest, names_of
from benchmarks.searching import table
from benchmarks.size_task import SPACE, sample
from benchmarks.trials import RESULTS, Verdicts

SAMPLE = flags.DEFINE_integer("sample", 216, "Networks to train.")
LIST = flags.DEFINE_string("list", None, "The file to write them to, a line each.")


BEST = 5
"""So many of the most accurate networks stand for the best: one alone would be the luckiest."""


def best_accuracy(known: Mapping[str, float], budget: int) -> float:
    """The mean of the `BEST` most accurate networks within a budget."""
    within = [share for n, share in known.items() if _macs(n) <= budget]
    return float(np.mean(sorted(within)[-BEST:]))


def rows(contest: Contest, verdicts: Verdicts) -> list[list[str]]:
    """A row for each budget and way of choosing: regret is in points of accuracy."""
    space = fb.parse_space(SPACE)
    known = {
        n: float(np.mean(verdicts.tests(n)))
        for n in verdicts.networks()
        if fb.parse_architecture(n) in space
    }
    print(f"{len(known)} of {space.size} networks were trained")
    lines = [["budget", "chosen by", "seeds", "test accuracy, %", "the best, %", "regret"]]
    for budget in contest.budgets():
        best = 100 * best_accuracy(known, budget)
        members = contest.members(budget)
        for name in names_of(members):
            found = [
                100 * known[c.network] for c in members if c.name == name and c.network in known
            ]
            if found:
                mean = float(np.mean(found))
                cells = [f"{mean:.2f}", f"{best:.2f}", f"{best - mean:.2f}"]
                lines.append([f"{budget:,}", name, str(len(found)), *cells])
    return lines


def _macs(network: str) -> int:
    return int(fb.count(fb.parse_architecture(network)).macs)


def main(_: list[str]) -> None:
    """Writes the sample, or prints the regret of what was found."""
    if LIST.value:
        networks = sample(SAMPLE.value)
        text = "".join(f"{network}\n" for network in networks)
        Path(LIST.value).write_text(text, encoding="utf-8")
        print(f"{len(networks)} networks of {fb.parse_space(SPACE).size}")
        return
    print(table(rows(Contest("fashion_mnist_small", CHOSEN), Verdicts(RESULTS))))


if __name__ == "__main__":
    app.run(main)
