"""What came of a contest: a table for each budget, one over all of them, and a picture.

    python -m benchmarks.contest_report --data=fashion_mnist [--plot=contest.png]

The percentile of a network is the share of random networks of its cost that are worse, half of
those that are equal. Its interval is a bootstrap over random networks and seeds: 95 % of
re-drawn contests gave a mean percentile inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from absl import flags

import fbnetv2_tf as fb
from benchmarks.contest import CHANCE, CHOSEN, Contest, Contestant, names_of
from benchmarks.searching import table
from benchmarks.sentences import run
from benchmarks.tasks import task_of
from benchmarks.trials import BACKENDS, RESULTS, Verdicts

RESAMPLED = 2000

STYLES: dict[str, dict[str, Any]] = {
    CHANCE: {"color": "lightgrey", "zorder": 1},
    "search": {"color": "black", "marker": "*", "s": 110, "zorder": 3},
}
"""How the picture marks what it is about, and what it is held against."""


@dataclass(frozen=True)
class Results:
    """Of one way of choosing at one budget.

    Attributes:
        accuracies: test accuracy of each seed's network in %, the mean over its trainings.
        chance: of each random network of the budget.
    """

    accuracies: np.ndarray
    chance: np.ndarray

    def percentiles(self) -> np.ndarray:
        """Of each seed's network among the random ones, 0 to 100."""
        return percentiles(self.accuracies, self.chance)


def percentiles(values: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The share of `chance` below each value, and half of what equals it, in %."""
    worse = (chance < values[:, None]).mean(axis=1)
    equal = (chance == values[:, None]).mean(axis=1)
    return 100 * (worse + equal / 2)


def interval(results: Sequence[Results], seed: int = 0) -> tuple[float, float]:
    """95 % of bootstrapped mean percentiles are inside."""
    random = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLED):
        drawn = [
            percentiles(random.choice(r.accuracies, len(r.accuracies)), again)
            for r in results
            for again in [random.choice(r.chance, len(r.chance))]
        ]
        means.append(np.concatenate(drawn).mean())
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def results_of(members: Sequence[Contestant], verdicts: Verdicts, data: str) -> dict[str, Results]:
    """Way of choosing -> its results; without those that nothing was judged of."""

    def accuracies(name: str) -> np.ndarray:
        tests = [verdicts.tests(c.network, data) for c in members if c.name == name]
        return np.array([100 * np.mean(of_network) for of_network in tests if of_network])

    chance = accuracies(CHANCE)
    found = {}
    for name in names_of(members):
        found[name] = Results(accuracies(name), chance)
    return {name: results for name, results in found.items() if len(results.accuracies)}


def rows(found: dict[str, Results]) -> list[list[str]]:
    """A row for each way of choosing at one budget."""
    lines = [["chosen by", "networks", "test accuracy, %", "deviation", "percentile"]]
    for name, results in found.items():
        values = results.accuracies
        deviation = f"{values.std(ddof=1):.2f}" if len(values) > 1 else ""
        is_placed = name != CHANCE and len(results.chance)
        place = f"{results.percentiles().mean():.0f}" if is_placed else ""
        lines.append([name, str(len(values)), f"{values.mean():.2f}", deviation, place])
    if CHANCE in found:
        lines.append(["the best random one", "1", f"{found[CHANCE].chance.max():.2f}", "", ""])
    return lines


def summary(by_budget: Sequence[dict[str, Results]]) -> list[list[str]]:
    """A row for each way of choosing over all budgets: percentile and lead over chance."""
    lines = [
        ["over all budgets", "networks", "percentile", "95 % interval", "over the random mean"]
    ]
    for name in dict.fromkeys(name for found in by_budget for name in found):
        results = [found[name] for found in by_budget if name in found and CHANCE in found]
        if name == CHANCE or not results:
            continue
        places = np.concatenate([r.percentiles() for r in results])
        leads = np.concatenate([r.accuracies - r.chance.mean() for r in results])
        low, high = interval(results)
        error = lead_error(leads, results)
        lead = f"{leads.mean():+.2f}" + (f" ± {error:.2f}" if len(leads) > 1 else "")
        lines.append(
            [name, str(len(places)), f"{places.mean():.0f}", f"{low:.0f} to {high:.0f}", lead]
        )
    return lines


def lead_error(leads: np.ndarray, results: Sequence[Results]) -> float:
    """The standard error of a mean lead: of the networks that lead, and of the random means."""
    if len(leads) < 2:
        return float("nan")
    own = leads.var(ddof=1) / len(leads)
    shares = [len(r.accuracies) / len(leads) for r in results]
    chance = [
        share**2 * r.chance.var(ddof=1) / len(r.chance)
        for share, r in zip(shares, results, strict=True)
    ]
    return float(np.sqrt(own + sum(chance)))


def noise(verdicts: Verdicts, data: str) -> str:
    """How far trainings of one network lie apart: by another seed, and by another backend."""
    networks = verdicts.networks(data)
    by_backend = {
        b: {n: tests for n in networks if (tests := verdicts.under(n, b, data))} for b in BACKENDS
    }
    repeated = [np.var(t, ddof=1) for found in by_backend.values() for t in found.values() if t[1:]]
    lines = []
    if repeated:
        deviation = 100 * np.sqrt(np.mean(repeated))
        lines.append(
            f"A training's deviation by its seed: {deviation:.2f} ({len(repeated)} networks)"
        )
    for first, second in combinations(BACKENDS, 2):
        one, other = by_backend[first], by_backend[second]
        pairs = np.array([(np.mean(one[n]), np.mean(other[n])) for n in one if n in other])
        if len(pairs) > 1:
            differences = 100 * (pairs[:, 0] - pairs[:, 1])
            error = differences.std(ddof=1) / np.sqrt(len(pairs))
            lines.append(
                f"{first} over {second}: {differences.mean():+.2f} ± {error:.2f} ({len(pairs)})"
            )
    return "\n".join(lines)


def draw(contest: Contest, verdicts: Verdicts, data: str, path: Path) -> None:
    """Accuracy against multiply-adds: every random network as a point, the others marked."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    everyone = [c for budget in contest.budgets() for c in contest.members(budget)]
    for number, name in enumerate(names_of(everyone)):
        points = [
            (fb.count(fb.parse_architecture(c.network)).macs / 1e3, 100 * np.mean(tests))
            for c in everyone
            if c.name == name and (tests := verdicts.tests(c.network, data))
        ]
        if points:
            style = STYLES.get(name, {"marker": "osD^vPXhd"[number % 9], "zorder": 2})
            axes.scatter(*zip(*points, strict=True), label=name, **style)
    axes.set(xlabel="thousand multiply-adds", ylabel="test accuracy, %")
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def show(contest: Contest, verdicts: Verdicts, data: str) -> None:
    """Prints all tables."""
    by_budget = [results_of(contest.members(b), verdicts, data) for b in contest.budgets()]
    for budget, found in zip(contest.budgets(), by_budget, strict=True):
        if found:
            print(f"\nAt most {budget:,} multiply-adds\n{table(rows(found))}")
    print(f"\n{table(summary(by_budget))}\n\n{noise(verdicts, data)}")


def main(_: list[str]) -> None:
    """Prints the tables of what was judged so far."""
    values = flags.FLAGS
    contest = Contest(task_of(values.data, space=values.space).contest, CHOSEN)
    verdicts = Verdicts(RESULTS)
    show(contest, verdicts, values.data)
    if values.plot:
        draw(contest, verdicts, values.data, Path(values.plot))


if __name__ == "__main__":
    flags.DEFINE_string("data", "fashion_mnist", "Name of the prepared data.")
    flags.DEFINE_string("space", None, "As of benchmarks.quality; by default the task's.")
    flags.DEFINE_string("plot", None, "A picture to draw.")
    run(main)
