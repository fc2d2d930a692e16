"""How well a supernet's weights rank networks: against their accuracy when trained from scratch.

    python -m benchmarks.ranking --networks=benchmarks/results/ranked.txt [--runs=runs/first]

The networks are those that `benchmarks.judge` has trained. Kendall's tau and Spearman's rho are of
the inherited validation loss (statistics of BatchNorm re-estimated) and the accuracy from scratch
on the test images, over networks of all costs and within narrow bands of multiply-adds, where cost
says nothing. "MACs alone" is the ranking that takes no supernet; the last row is the highest
correlation that the noise of the trainings allows (`benchmarks/rank_correlation.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from absl import flags

import fbnetv2_tf as fb
from benchmarks.rank_correlation import (
    Way,
    by_another_training,
    by_scores,
    by_the_truth,
)
from benchmarks.sandwich import loaded
from benchmarks.searching import table
from benchmarks.sentences import run
from benchmarks.supernets import ScoringSupernet, SearchedSupernet
from benchmarks.tasks import space_of, task_of
from benchmarks.trials import FINALIST, RESULTS, Trial, Verdicts, recipe_of
from fbnetv2_tf.atomic_files import replacing
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import parse_quantity

DATA = flags.DEFINE_string("data", "fashion_mnist", "Name of the prepared data.")
RUNS = flags.DEFINE_list("runs", [], "Run folders of finished searches.")
FAIR = flags.DEFINE_integer("fair_epochs", None, "In place of the searches' own.")
SANDWICH = flags.DEFINE_list("sandwich", [], "Weights that benchmarks.sandwich has written.")
BANDS = flags.DEFINE_list("bands", None, "Upper ends of bands 3 % wide; by default the budgets.")
SPLIT = flags.DEFINE_string("split", None, "Multiply-adds that divide those of no band in two.")
NETWORKS = flags.DEFINE_string("networks", None, "Only the networks of this file, a line each.")
JUDGED = flags.DEFINE_string("results", str(RESULTS), "What the judge has written.")
KEPT = flags.DEFINE_string(
    "scores",
    str(RESULTS.with_name("inherited.json")),
    "A file of losses, network -> way to rank -> loss: all of it is shown, and runs that it lacks "
    "are added.",
)
LEFT_OUT = flags.DEFINE_boolean(
    "left_out",
    False,
    "Hold all against the means of all trainings but one, as a whole training is.",
)
PLOT = flags.DEFINE_string(
    "plot", None, "A picture to draw of the losses of the first run, or of the first that are kept."
)

Losses = dict[str, dict[str, float]]
"""Network -> way to rank -> validation loss with inherited weights."""


def judged(
    verdicts: Verdicts, space: fb.Space, only: set[str] | None, data: str
) -> dict[str, list[float]]:
    """Network -> test accuracy of each training by the recipe, of those in the space."""
    return {
        network: verdicts.tests(network, data)
        for network in verdicts.networks(data)
        if (only is None or network in only) and fb.parse_architecture(network) in space
    }


def macs(network: str) -> int:
    """Multiply-adds of a network."""
    return int(fb.count(fb.parse_architecture(network)).macs)


def groups(
    networks: Sequence[str], bands: Sequence[float], split: float | None = None
) -> dict[str, list[str]]:
    """The networks of each band, before them those of no band, which are spread over the costs.

    With `split`, those of no band are there once more, in two parts: up to it, and above.
    """
    inside = {
        f"{band / 1e3:.0f} K": [n for n in networks if 0.97 * band <= macs(n) <= band]
        for band in bands
    }
    banded = {network for names in inside.values() for network in names}
    across = [n for n in networks if n not in banded]
    parts = {}
    if split is not None:
        parts = {
            f"to {split / 1e3:.0f} K": [n for n in across if macs(n) <= split],
            "above": [n for n in across if macs(n) > split],
        }
    return {"across": across, **parts, **inside}


def rows(parts: Mapping[str, Sequence[str]], ways: Mapping[str, Way]) -> list[list[str]]:
    """A row for each way to rank; a group is left empty where a way has no correlation."""
    lines = [["ranked by", *(f"{name} ({len(inside)})" for name, inside in parts.items())]]
    for name, way in ways.items():
        found = [way(inside) for inside in parts.values()]
        lines.append([name, *(f"{each[0]:.2f} / {each[1]:.2f}" if each else "" for each in found)])
    return lines


def by_an_epoch(verdicts: Verdicts, networks: Sequence[str], data: str) -> dict[str, float]:
    """The score by which `fbnetv2-search --finalists=` takes its network, of those that have it."""
    short = {n: verdicts.of(Trial(n, 0, FINALIST, data)) for n in networks}
    return {n: -verdict.loss for n, verdict in short.items() if verdict}


def scored(networks: Sequence[str], supernets: Mapping[str, ScoringSupernet], path: Path) -> Losses:
    """The losses in the file, to which those by these supernets are added.

    Raises:
        InputError: where losses are kept by the name of one of them already.
    """
    losses: Losses = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, supernet in supernets.items():
        if all(name in losses.get(network, ()) for network in networks):
            raise InputError(
                f"'{path}' must not have the losses of another '{name}'. Received: all of them. "
                "Name the folder otherwise, leave it out, or give another --scores."
            )
        for network in networks:
            of_network = losses.setdefault(network, {})
            if name not in of_network:
                of_network[name] = round(supernet.score(network)[0], 4)
        with replacing(path) as new:
            new.write_text(json.dumps(losses, indent=1) + "\n", encoding="utf-8")
    return losses


def by_way(losses: Losses, networks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Way to rank -> network -> loss, of these networks."""
    found: dict[str, dict[str, float]] = {}
    for network in networks:
        for name, loss in losses.get(network, {}).items():
            found.setdefault(name, {})[network] = loss
    return found


def draw(truth: Mapping[str, float], losses: Mapping[str, float], path: Path) -> None:
    """Accuracy from scratch against inherited loss; colour is cost."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    networks = [network for network in truth if network in losses]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    points = axes.scatter(
        [losses[n] for n in networks],
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
    runs = [SearchedSupernet(Path(run), FAIR.value) for run in RUNS.value]
    task = task_of(DATA.value, space=runs[0].record["space"] if runs else None)
    space = space_of(task.space)
    suffix = "" if FAIR.value is None else f", {FAIR.value} fair epochs"
    supernets: dict[str, ScoringSupernet] = {run.folder.name + suffix: run for run in runs}
    for path in map(Path, SANDWICH.value):
        supernets[path.name.partition(".")[0]] = loaded(path, task)
    bands = [parse_quantity(band) for band in BANDS.value or task.budgets]
    only = None
    if NETWORKS.value:
        only = set(Path(NETWORKS.value).read_text(encoding="utf-8").splitlines())
    verdicts = Verdicts(Path(JUDGED.value))
    trainings = judged(verdicts, space, only, DATA.value)
    if not trainings:
        raise InputError(f"None of the networks of {NETWORKS.value or space} has been judged.")
    networks = list(trainings)
    losses = scored(networks, supernets, Path(KEPT.value))
    of_way = by_way(losses, networks)
    scores = {"MACs alone": {network: float(macs(network)) for network in networks}}
    for name, found in of_way.items():
        scores[name] = {network: -loss for network, loss in found.items()}
    scores["one epoch, loss"] = by_an_epoch(verdicts, networks, DATA.value)
    ways = {n: by_scores(trainings, found, LEFT_OUT.value) for n, found in scores.items()}
    ways["a whole training"] = by_another_training(trainings)
    if not LEFT_OUT.value:
        ways["a perfect predictor"] = by_the_truth(trainings)
    if PLOT.value:
        shown = next(iter([*supernets, *of_way]), None)
        if shown is None:
            raise InputError("`--plot` must have losses to draw. Received: no --runs, none kept.")
        truth = {network: float(np.mean(tests)) for network, tests in trainings.items()}
        draw(truth, of_way[shown], Path(PLOT.value))
    epochs = recipe_of(DATA.value).epochs
    print(f"{len(trainings)} networks, trained for {epochs} epochs; Kendall / Spearman")
    split = parse_quantity(SPLIT.value) if SPLIT.value else None
    print(table(rows(groups(networks, bands, split), ways)))


if __name__ == "__main__":
    run(main)
