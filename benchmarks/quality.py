"""Whether the search finds better networks than chance, and than anything cheap.

    python -m benchmarks.make_fashion_20k
    python -m benchmarks.quality --budgets=300K,600K --search_seeds=0,1,2 --random=24

For each budget: the searched network of each seed, random networks of the same cost, the best of
them by inherited weights, evolution on the same supernet, the space's middle network and
MobileNetV3-Small scaled to the budget; every one trained from scratch by the one recipe of
`benchmarks.judge`, which is told nothing of where a network comes from. Searches and trainings
that were done before are read, so a run can be stopped at any time and later seeds are added.
`--list=FILE` writes the networks that the judge has not seen instead of training them here, for
several workers or another machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from absl import app, flags

import fbnetv2_tf as fb
from benchmarks.contestants import BASELINES, random_networks
from benchmarks.evolution import best_random, evolved
from benchmarks.searching import searched, table
from benchmarks.supernets import SearchedSupernet
from benchmarks.trials import DATA, RESULTS, Trial, Verdict, judge, verdicts
from fbnetv2_tf.units import parse_quantity

BUDGETS = flags.DEFINE_list("budgets", ["300K", "600K"], "Multiply-adds.")
SEARCH_SEEDS = flags.DEFINE_list("search_seeds", ["0", "1", "2"], "Seeds of the searches.")
METHODS = flags.DEFINE_list("methods", ["soft"], "Values of --sampling to search with.")
RANDOM = flags.DEFINE_integer("random", 24, "Random networks for each budget.")
CHILD_SEEDS = flags.DEFINE_list("child_seeds", ["0", "1"], "Trainings of each but the random ones.")
EPOCHS = flags.DEFINE_integer("epochs", 6, "Of a search.")
EVALUATIONS = flags.DEFINE_integer("evaluations", 64, "Networks scored on a supernet; 0 for none.")
FOLDER = flags.DEFINE_string("folder", "runs/quality", "Where the searches are kept.")
LIST = flags.DEFINE_string("list", None, "Write what is still to be judged here, and stop.")
PLOT = flags.DEFINE_string("plot", None, "A picture to draw.")

RANDOM_SEED = 7
CHANCE = "random"


@dataclass(frozen=True)
class Contestant:
    """A network in the contest.

    Attributes:
        name: how it was chosen; several seeds of one way have the same name.
        network: its text.
    """

    name: str
    network: str


def contestants(space: fb.Space, budget: int) -> Iterator[Contestant]:
    """All of one budget, cheap ones first; the searches run when they are reached."""
    for network in random_networks(space, budget, RANDOM.value, RANDOM_SEED):
        yield Contestant(CHANCE, network)
    for name, scaled in BASELINES.items():
        yield Contestant(name, scaled(space, budget))
    for method in METHODS.value:
        for seed in SEARCH_SEEDS.value:
            folder = Path(FOLDER.value) / f"{method}_{budget // 1000}k_{seed}"
            flags = {
                "space": "fashion28",
                "dataset": "npz",
                "data_dir": DATA,
                "max_macs": budget,
                "epochs": EPOCHS.value,
                "sampling": method,
                "seed": seed,
            }
            found = searched(folder, flags)
            yield Contestant(f"search, {method}", found["architecture"])
            if EVALUATIONS.value:
                yield from _by_supernet(space, budget, method, int(seed), SearchedSupernet(folder))


def _by_supernet(
    space: fb.Space, budget: int, method: str, seed: int, supernet: SearchedSupernet
) -> Iterator[Contestant]:
    arguments = (space, budget, EVALUATIONS.value, seed, lambda n: supernet.score(n)[0])
    yield Contestant(f"best random, {method} weights", best_random(*arguments))
    yield Contestant(f"evolution, {method} weights", evolved(*arguments))


def trials(contest: Sequence[Contestant]) -> list[Trial]:
    """What the judge has to run: one seed for the random networks, all for the others."""
    seeds = [int(seed) for seed in CHILD_SEEDS.value]
    wanted = [
        Trial(c.network, seed)
        for c in contest
        for seed in (seeds[:1] if c.name == CHANCE else seeds)
    ]
    return list(dict.fromkeys(wanted))


def accuracies(
    contest: Sequence[Contestant], known: Mapping[str, Verdict]
) -> dict[str, list[float]]:
    """Way of choosing -> test accuracy in % of each network, the mean over its trainings."""
    found: dict[str, list[float]] = {}
    for contestant in contest:
        keys = [Trial(contestant.network, int(seed)).key for seed in CHILD_SEEDS.value]
        values = [100 * known[key].test for key in keys if key in known]
        if values:
            found.setdefault(contestant.name, []).append(float(np.mean(values)))
    return found


def rows(found: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """A row for each way of choosing."""
    chance = np.array(found.get(CHANCE, []))
    lines = [["chosen by", "networks", "test accuracy", "deviation", "percentile of random"]]
    for name, values in found.items():
        percentiles = [100 * float(np.mean(chance < value)) for value in values if len(chance)]
        place = f"{np.mean(percentiles):.0f}" if percentiles and name != CHANCE else ""
        deviation = f"{np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
        lines.append([name, str(len(values)), f"{np.mean(values):.2f}", deviation, place])
    if len(chance):
        lines.append(["the best random one", "1", f"{chance.max():.2f}", "", "100"])
    return lines


def draw(contests: Mapping[int, Sequence[Contestant]], known: Mapping[str, Verdict]) -> None:
    """Accuracy against multiply-adds: every random network, and the others marked."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    everyone = [contestant for contest in contests.values() for contestant in contest]
    for number, name in enumerate(dict.fromkeys(c.name for c in everyone)):
        members = [c for c in everyone if c.name == name]
        points = [
            (fb.count(fb.parse_architecture(c.network)).macs / 1e3, values[name][0])
            for c in members
            if (values := accuracies([c], known))
        ]
        if points:
            chance = name == CHANCE
            style = {"color": "lightgrey"} if chance else {"marker": "os^vDP*X<>"[number % 10]}
            axes.scatter(*zip(*points, strict=True), label=name, zorder=1 if chance else 2, **style)
    axes.set(xlabel="thousand multiply-adds", ylabel="test accuracy, %")
    axes.legend(fontsize="small")
    figure.savefig(PLOT.value, dpi=120)


def main(_: list[str]) -> None:
    """Runs what is missing and prints a table for each budget."""
    space = fb.parse_space("fashion28")
    budgets = [round(parse_quantity(budget)) for budget in BUDGETS.value]
    contests = {budget: list(contestants(space, budget)) for budget in budgets}
    wanted = [trial for contest in contests.values() for trial in trials(contest)]
    missing = [trial for trial in wanted if trial.key not in verdicts(RESULTS)]
    if LIST.value:
        networks = dict.fromkeys(trial.network for trial in missing)
        Path(LIST.value).write_text("".join(f"{n}\n" for n in networks), encoding="utf-8")
        print(f"{len(networks)} networks of {len(missing)} trainings are in {LIST.value}")
    elif missing:
        from benchmarks.judge_data import load

        for _ in judge(missing, load(DATA), RESULTS):
            pass
    known = verdicts(RESULTS)
    for budget, contest in contests.items():
        print(f"\nAt most {budget:,} multiply-adds")
        print(table(rows(accuracies(contest, known))))
    if PLOT.value:
        draw(contests, known)


if __name__ == "__main__":
    app.run(main)
