"""How well a supernet's weights rank networks: against their accuracy when trained from scratch.

    python -m benchmarks.ranking --runs=runs/soft_0,runs/sliced_0 [--plot=docs/pictures/ranking.png]

The networks are those that `benchmarks.judge` has trained. Kendall's tau and Spearman's rho are of
the inherited validation loss (statistics of BatchNorm re-estimated) and the accuracy from scratch
on the test images, over networks of all costs and within narrow bands of multiply-adds, where cost
says nothing. "MACs alone" is the ranking that takes no supernet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from absl import flags
from scipy import stats

import fbnetv2_tf as fb
from benchmarks.sandwich import loaded
from benchmarks.searching import table
from benchmarks.sentences import run
from benchmarks.supernets import SearchedSupernet
from benchmarks.tasks import space_of, task_of
from benchmarks.trials import FINALIST, RESULTS, Trial, Verdicts, recipe_of
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import parse_quantity

DATA = flags.DEFINE_string("data", "fashion_mnist", "Name of the prepared data.")
RUNS = flags.DEFINE_list("runs", [], "Run folders of finished searches.")
FAIR = flags.DEFINE_integer("fair_epochs", None, "In place of the searches' own.")
SANDWICH = flags.DEFINE_list("sandwich", [], "Weights that benchmarks.sandwich has written.")
BANDS = flags.DEFINE_list("bands", None, "Upper ends of bands 3 % wide; by default the budgets.")
NETWORKS = flags.DEFINE_string("networks", None, "Only the networks of this file, a line each.")
JUDGED = flags.DEFINE_string("results", str(RESULTS), "What the judge has written.")
PLOT = flags.DEFINE_string("plot", None, "A picture to draw of the first run.")

Scores = Mapping[str, float]

MOST = 0.9
"""Share of a group's networks that a way must know to be shown."""


def judged(space: fb.Space, path: Path, only: set[str] | None, data: str) -> dict[str, float]:
    """Network -> mean test accuracy by the recipe, of those in the space."""
    known = Verdicts(path)
    return {
        network: float(np.mean(known.tests(network, data)))
        for network in known.networks(data)
        if (only is None or network in only) and fb.parse_architecture(network) in space
    }


def correlation(truth: Scores, scores: Scores, networks: Sequence[str]) -> tuple[float, float]:
    """Kendall's tau and Spearman's rho; scores are the better the higher."""
    pairs = np.array([(truth[n], scores[n]) for n in networks])
    return (
        float(stats.kendalltau(pairs[:, 0], pairs[:, 1]).statistic),
        float(stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic),
    )


def macs(network: str) -> int:
    """Multiply-adds of a network."""
    return int(fb.count(fb.parse_architecture(network)).macs)


def groups(networks: Sequence[str], bands: Sequence[float]) -> dict[str, list[str]]:
    """The networks of each band, before them those of no band, which are spread over the costs."""
    inside = {
        f"{band / 1e3:.0f} K": [n for n in networks if 0.97 * band <= macs(n) <= band]
        for band in bands
    }
    banded = {network for names in inside.values() for network in names}
    return {"across": [n for n in networks if n not in banded], **inside}


def rows(truth: Scores, ways: Mapping[str, Scores], bands: Sequence[float]) -> list[list[str]]:
    """A row for each way to rank; a group is left empty where a way knows less than most of it."""
    parts = groups(list(truth), bands)
    lines = [["ranked by", *(f"{name} ({len(inside)})" for name, inside in parts.items())]]
    for way, scores in ways.items():
        cells = []
        for inside in parts.values():
            known = [network for network in inside if network in scores]
            knows = len(known) > 1 and len(known) >= MOST * len(inside)
            tau, rho = correlation(truth, scores, known) if knows else (0.0, 0.0)
            cells.append(f"{tau:.2f} / {rho:.2f}" if knows else "")
        lines.append([way, *cells])
    return lines


def by_training(verdicts: Verdicts, networks: Iterable[str], data: str) -> dict[str, Scores]:
    """What needs no supernet but trainings: the finalists' one, and the final ones themselves."""
    validations = {n: [v.validation for v in verdicts.finals(n, data)] for n in networks}
    short = {n: verdicts.of(Trial(n, 0, FINALIST, data)) for n in networks}
    return {
        "one epoch, loss": {n: -verdict.loss for n, verdict in short.items() if verdict},
        "validation accuracy": {n: float(np.mean(v)) for n, v in validations.items() if v},
    }


def draw(truth: Scores, scores: Scores, path: Path) -> None:
    """Accuracy from scratch against inherited loss; colour is cost."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    networks = list(truth)
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    points = axes.scatter(
        [-scores[n] for n in networks],
        [100 * truth[n] for n in networks],
        c=[macs(n) / 1e6 for n in networks],
        norm="log",
    )
    axes.set(xlabel="validation loss with inherited weights", ylabel="test accuracy, %")
    axes.invert_xaxis()
    figure.colorbar(points, label="million multiply-adds")
    figure.savefig(path, dpi=120)


def main(_: list[str]) -> None:
    """Prints the table."""
    supernets = [SearchedSupernet(Path(run), FAIR.value) for run in RUNS.value]
    task = task_of(DATA.value, space=supernets[0].record["space"] if supernets else None)
    space = space_of(task.space)
    bands = [parse_quantity(band) for band in BANDS.value or task.budgets]
    only = None
    if NETWORKS.value:
        only = set(Path(NETWORKS.value).read_text(encoding="utf-8").splitlines())
    truth = judged(space, Path(JUDGED.value), only, DATA.value)
    if not truth:
        raise InputError(f"None of the networks of {NETWORKS.value or space} has been judged.")
    ways: dict[str, Scores] = {"MACs alone": {network: macs(network) for network in truth}}
    for supernet in supernets:
        losses = {network: -supernet.score(network)[0] for network in truth}
        ways[supernet.folder.name] = losses
    for path in SANDWICH.value:
        trained = loaded(Path(path), task)
        ways[Path(path).name.partition(".")[0]] = {n: -trained.score(n)[0] for n in truth}
    if PLOT.value and supernets:
        draw(truth, ways[supernets[0].folder.name], Path(PLOT.value))
    ways |= by_training(Verdicts(Path(JUDGED.value)), truth, DATA.value)
    epochs = recipe_of(DATA.value).epochs
    print(f"{len(truth)} networks, trained for {epochs} epochs; Kendall / Spearman")
    print(table(rows(truth, ways, bands)))


if __name__ == "__main__":
    run(main)
