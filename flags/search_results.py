"""What `fbnetv2-search` writes when it has searched: one child, or one for each budget."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fbnetv2_tf.atomic_files import replacing
from fbnetv2_tf.budget_front import Child, front_table, held, plot_front
from fbnetv2_tf.counting import RESOURCES, count
from fbnetv2_tf.limits import LIMITS
from fbnetv2_tf.report import write_report
from fbnetv2_tf.run_folder import (
    ARCHITECTURE,
    CANDIDATES,
    FLAGS,
    SEARCH,
    SPACE,
    RunFolder,
    machine,
    versions,
)
from fbnetv2_tf.units import format_quantity

from .kept_scores import KeptScores, digest
from .report import add_report
from .run_data import DataChoice

if TYPE_CHECKING:
    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.builders.supernet import Supernet
    from fbnetv2_tf.datasets import DataSplits
    from fbnetv2_tf.derivation import Landscape
    from fbnetv2_tf.scoring import Score

    from .search_flags import SearchOptions

Ranked: TypeAlias = "list[Ranking]"
"""Architectures with their scores on the validation images, best first."""

INHERITED = "inherited.keras"
FINALISTS = "finalists.json"
BATCH, COMPARED = 256, 24
"""Images of a batch, and the most batches, that candidates are compared on."""

IN_MEMORY = 1 << 30
"""Bytes of them that are kept, not read again for each candidate."""

TOLD = 4
"""Lines about how far the comparison is."""

SAVED_EVERY = 10.0
"""Seconds between writing the scores of candidates."""

FRONT_TABLE, FRONT_PLOT = "budgets.txt", "budgets.png"

UNITS = {
    "macs": "multiply-adds for one image",
    "weights": "elements",
    "activation_bytes": "bytes, int8",
    "latency_ms": "milliseconds for one image, by the table with its margin",
}


@dataclass(frozen=True)
class Ranking:
    """A candidate.

    Attributes:
        architecture: the network.
        score: on the validation images, with inherited weights.
        trained: the same after a training of its own; None for all but finalists.
    """

    architecture: Architecture
    score: Score
    trained: Score | None = None


@dataclass(frozen=True)
class Budgets:
    """The budgets of a search.

    Attributes:
        landscape: the exact costs of the space.
        others: resource -> limit, the same for every child.
        macs: the limits on multiply-adds, ascending; one child for each.
    """

    landscape: Landscape
    others: Mapping[str, float]
    macs: tuple[float, ...]

    @property
    def each(self) -> list[dict[str, float]]:
        """The limits of each child."""
        if not self.macs:
            return [dict(self.others)]
        return [{"macs": limit, **self.others} for limit in self.macs]

    @cached_property
    def held(self) -> dict[str, float]:
        """The limits that the search holds its expected costs at: those that bind."""
        limits = {"macs": held(self.macs), **self.others} if self.macs else self.others
        return {r: limit for r, limit in limits.items() if self.landscape.binds(r, limit)}


def finished(run: RunFolder) -> str:
    """What a finished search has found."""
    if run.has(FRONT_TABLE):
        return "\n" + run.read_text(FRONT_TABLE).rstrip()
    return run.read_text(ARCHITECTURE).strip()


def write_results(
    run: RunFolder,
    net: Supernet,
    data: DataSplits,
    options: SearchOptions,
    budgets: Budgets,
    epochs: list[dict[str, Any]],
    told: dict[str, Any],
) -> None:
    """Derives a child for each budget and writes what the search has found.

    Args:
        run: the folder.
        net, data, options, budgets: the search.
        epochs: what is known of each.
        told: further entries of search.json.
    """
    calibration = list(data.weights.dataset(BATCH, shuffle_seed=0).take(4))
    validation = _compared_on(data)
    made_with = {"search": told["identity"], "weights": digest(net.variables)}
    scores = KeptScores(run, CANDIDATES, made_with, SAVED_EVERY)
    common = {**_common(net, data, options, budgets, epochs), **told}
    if len(budgets.each) == 1:
        ranked = _rank(net, options, budgets.each[0], validation, calibration, scores)
        ranked = _with_finalists(run, data, options, ranked)
        record = _write_child(run, net, budgets, budgets.each[0], ranked, calibration)
        run.write_json(SEARCH, {**record, **common})
        _print_child(budgets, ranked[0].architecture)
        _board(run, net, budgets, ranked)
        add_report(run)
        return
    children = []
    for limits in budgets.each:
        ranked = _rank(net, options, limits, validation, calibration, scores)
        inner = RunFolder(run / f"macs_{limits['macs']:.0f}")
        inner.write_text(SPACE, f"{net.space}\n")
        inner.write_text(FLAGS, options.flagfile)
        ranked = _with_finalists(inner, data, options, ranked)
        record = _write_child(inner, net, budgets, limits, ranked, calibration)
        inner.write_json(SEARCH, {**record, **common})
        write_report(inner.path)
        _board(inner, net, budgets, ranked)
        architecture, score = ranked[0].architecture, _best_known(ranked[0])
        text, name = str(architecture), inner.path.name
        limit = limits["macs"]
        cost = {r: budgets.landscape.cost(architecture, r) for r in (*limits, "weights")}
        children.append(Child(limit, text, cost, score.loss, score.accuracy, name))
    table = front_table(children, budgets.others)
    run.write_text(FRONT_TABLE, table + "\n")
    if importlib.util.find_spec("matplotlib") is None:
        print("No plot: it needs matplotlib (pip install 'fbnetv2-tf[report]').")
    else:
        plot_front(run / FRONT_PLOT, children)
    run.write_json(SEARCH, {"children": [_child_record(child) for child in children], **common})
    print(table)
    add_report(run)


def _common(
    net: Supernet,
    data: DataSplits,
    options: SearchOptions,
    budgets: Budgets,
    epochs: list[dict[str, Any]],
) -> dict[str, Any]:
    parts = ("weights", "architecture", "validation", "test")
    return {
        "images": {part: getattr(data, part).size for part in parts},
        "held": _in_milliseconds(budgets.held),
        "latency_margin": getattr(budgets.landscape.latency, "margin", None),
        "machine": machine(),
        "space": str(net.space),
        "space_size": str(net.space.size),
        "expected_cost": _in_milliseconds(net.expected_cost()),
        "dataset": DataChoice(options.dataset, options.data_dir, options.on_bad_image).as_json(),
        "options": {k: v for k, v in asdict(options).items() if k != "flagfile"},
        "versions": versions(),
        "units": UNITS,
        "probabilities": {name: p.tolist() for name, p in net.probabilities().items()},
        "history": epochs,
    }


def _compared_on(data: DataSplits) -> Any:
    """The batches of validation images that candidates are compared on, in memory if they fit.

    Always the same ones, but in random order: a part's own may be class after class.
    """
    images = min(data.validation.size, COMPARED * BATCH)
    batches = data.validation.epoch(BATCH, 0, shuffle_seed=0).take(COMPARED)
    return list(batches) if images * np.prod(data.image_shape) * 4 <= IN_MEMORY else batches


def _rank(
    net: Supernet,
    options: SearchOptions,
    limits: Mapping[str, float],
    validation: Any,
    calibration: Any,
    scores: KeptScores,
) -> Ranked:
    """The candidates of a budget with their scores, the one that is taken first."""
    losses: list[float] = []

    def tell(number: int, of: int, architecture: Architecture, score: Score) -> None:
        scores.keep(architecture, score)
        losses.append(score.loss)
        if number * TOLD // of > (number - 1) * TOLD // of:
            print(f"candidate {number}/{of}  the least loss {min(losses):.3f}", flush=True)

    try:
        ranked = net.rank(
            limits,
            candidates=options.candidates if options.derive == "sampled" else 1,
            validation=validation,
            calibration=calibration,
            seed=options.settings["seed"],
            watch=tell,
            known=scores.known,
        )
    finally:
        if losses:
            scores.write()
    return [
        Ranking(
            c.architecture, c.score or net.scorer.score(c.architecture, validation, calibration)
        )
        for c in ranked
    ]


def _with_finalists(
    run: RunFolder, data: DataSplits, options: SearchOptions, ranked: Ranked
) -> Ranked:
    """The ranking after its first few were trained a little; those come first, in a new order.

    What is known of a finalist is kept at once, so a search that is stopped here goes on here.
    """
    finalists = ranked[: options.finalists] if options.derive == "sampled" else []
    if len(finalists) < 2:
        return ranked
    from fbnetv2_tf.builders.finalists import compare_finalists, finalist_recipe

    settings = options.settings
    recipe = finalist_recipe(options.finalist_epochs, settings["batch_size"], settings["seed"])
    scores = KeptScores(run, FINALISTS, asdict(recipe))

    def keep(architecture: Architecture, score: Score) -> None:
        scores.keep(architecture, score)
        done = sum(finalist.architecture in scores.known for finalist in finalists)
        print(
            f"finalist {done}/{len(finalists)}  "
            f"validation {100 * score.accuracy:.1f} %  loss {score.loss:.3f}",
            flush=True,
        )

    trained = compare_finalists(
        [finalist.architecture for finalist in finalists],
        lambda side: data if side == data.image_shape[0] else options.load(side),
        recipe,
        dict(scores.known),
        keep,
    )
    inherited = {finalist.architecture: finalist.score for finalist in finalists}
    first = [Ranking(c.architecture, inherited[c.architecture], c.score) for c in trained]
    return first + ranked[len(finalists) :]


def _best_known(ranking: Ranking) -> Score:
    return ranking.trained or ranking.score


def _write_child(
    run: RunFolder,
    net: Supernet,
    budgets: Budgets,
    limits: Mapping[str, float],
    ranked: Ranked,
    calibration: Any,
) -> dict[str, Any]:
    """Writes the child with inherited weights, and its architecture; returns its record."""
    architecture = ranked[0].architecture
    recalibration = net.scorer.recalibration
    before = [variable.numpy() for variable in recalibration.statistics]
    net.select(architecture)
    recalibration.run(calibration)
    net.unselect()
    child = net.child(architecture)
    for variable, value in zip(recalibration.statistics, before, strict=True):
        variable.assign(value)
    run.path.mkdir(parents=True, exist_ok=True)
    with replacing(run / INHERITED) as path:
        child.save(path)
    run.write_text(ARCHITECTURE, f"{architecture}\n")
    resources = dict.fromkeys((*RESOURCES, "activation_bytes", *limits))
    costs = {r: budgets.landscape.cost(architecture, r) for r in resources}
    return {
        "architecture": str(architecture),
        "cost": _in_milliseconds(costs),
        "limits": _in_milliseconds(limits),
        "candidates": [_candidate_record(ranking) for ranking in ranked],
    }


def _board(run: RunFolder, net: Supernet, budgets: Budgets, ranked: Ranked) -> None:
    """Tells TensorBoard what was taken."""
    from fbnetv2_tf.search_board import board_result

    architecture, score = ranked[0].architecture, _best_known(ranked[0])
    macs = float(budgets.landscape.cost(architecture, "macs"))
    metrics = {"validation_accuracy": score.accuracy, "validation_loss": score.loss, "macs": macs}
    board_result(run, net, architecture, metrics)


def _candidate_record(ranking: Ranking) -> dict[str, Any]:
    cost = count(ranking.architecture)
    return {
        "architecture": str(ranking.architecture),
        **asdict(ranking.score),
        "trained": asdict(ranking.trained) if ranking.trained else None,
        "macs": cost.macs,
        "weights": cost.weights,
    }


def _print_child(budgets: Budgets, architecture: Architecture) -> None:
    landscape = budgets.landscape
    print(f"Architecture: {architecture}")
    used = "".join(
        f", {100 * landscape.cost(architecture, r) / limit:.1f} % of the budget on {LIMITS[r].noun}"
        for r, limit in budgets.each[0].items()
    )
    macs, weights = (landscape.cost(architecture, r) for r in ("macs", "weights"))
    print(f"{format_quantity(macs)} multiply-adds, {weights:,} weights{used}")


def _child_record(child: Child) -> dict[str, Any]:
    return {**asdict(child), "cost": _in_milliseconds(child.cost)}


def _in_milliseconds(costs: Mapping[str, float]) -> dict[str, float]:
    """Costs for a file, where a latency is in milliseconds."""
    found = dict(costs)
    if "latency_ns" in found:
        found["latency_ms"] = found.pop("latency_ns") / LIMITS["latency_ns"].scale
    return found
