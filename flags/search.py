"""`fbnetv2-search`: from a data set and a budget to an architecture."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fbnetv2_tf.budget_front import spread
from fbnetv2_tf.checkpoint_series import CheckpointSeries, require_same
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.latency_table import load_latency_table
from fbnetv2_tf.limits import LIMITS, read_limits
from fbnetv2_tf.run_folder import CHECKPOINTS, FAIR, FLAGS, SEARCH, RunFolder
from fbnetv2_tf.space import Space, parse_space
from fbnetv2_tf.units import format_quantity

from .driver import Driver
from .quiet import import_tensorflow
from .run_data import DEFAULT, left_out
from .running import OTHER_WORKER
from .search_flags import SearchOptions, define, options
from .search_results import Budgets, finished, write_results

if TYPE_CHECKING:
    from fbnetv2_tf.datasets import DataSplits
    from fbnetv2_tf.run_state import Saving
    from fbnetv2_tf.search import SearchSettings, Steps


def main(options: SearchOptions) -> None:
    """Searches, and writes the run folder."""
    space = parse_space(options.space)
    run = RunFolder(options.output)
    # Nothing slow is imported before what can be refused without it has been refused. What the
    # smallest network costs depends on the classes, which only the shipped data have said yet.
    plan_budgets(space, options, is_final=False)
    with run.lock() if options.running.is_writer else contextlib.nullcontext():
        import_tensorflow()
        strategy = options.running.prepare()
        data = options.load(max(space.sides))
        space = space.for_data(data.classes, data.image_shape[2])
        if options.running.is_writer:
            run.claim_space(str(space))
        budgets = plan_budgets(space, options)
        identity = {**options.identity(data), "limits": budgets.each}
        if budgets.landscape.latency is not None:
            identity["latency_table"] = budgets.landscape.latency.digest
        if run.has(SEARCH):
            require_same(run / SEARCH, run.read_record(SEARCH).get("identity"), identity, "search")
            print(f"The search in '{run.path}' is finished: {finished(run)}")
            return
        if options.running.is_writer:
            _describe(space, data, budgets)
        from fbnetv2_tf.datasets import image_errors
        from fbnetv2_tf.distribution import worker_errors
        from fbnetv2_tf.system_errors import system_errors

        with image_errors(), worker_errors(strategy), system_errors():
            _search(run, space, data, options, budgets, identity, strategy)
        if data.unreadable:
            print(left_out(data))


def plan_budgets(space: Space, options: SearchOptions, is_final: bool = True) -> Budgets:
    """The budgets of a search; refuses one that no architecture keeps, before any training.

    Args:
        space: the space; not `is_final` where it may come to have other classes.
        options: the flags.
    """
    given = {
        "max_weights": options.max_weights,
        "max_activation_kib": options.max_activation_kib,
        "max_latency_ms": options.max_latency_ms,
    }
    others = read_limits(given)
    table = None
    if options.latency_table is not None:
        table = load_latency_table(options.latency_table).with_margin(options.latency_margin)
    elif options.max_latency_ms is not None:
        raise BudgetError(
            "--max_latency_ms needs the device's latencies: give --latency_table=FILE, which "
            "fbnetv2-latency writes. Received: no table."
        )
    elif options.latency_margin is not None:
        raise BudgetError("--latency_margin needs --latency_table=FILE. Received: no table.")
    landscape = Landscape(space, latency=table)
    if options.pareto is not None and options.max_macs is not None:
        raise BudgetError("Give --max_macs or --pareto. Received: both.")
    macs = tuple(sorted(set(options.max_macs or ())))
    if options.pareto is not None:
        landscape.check(others)
        macs = spread(landscape, options.pareto, others)
    budgets = Budgets(landscape, others, macs)
    if options.objective == "budget" and not budgets.each[0]:
        low, high = landscape.range("macs")
        raise BudgetError(
            f"A search needs a budget: give --max_macs between {format_quantity(low)} and "
            f"{format_quantity(high)} (or --objective=paper)."
        )
    for limits in budgets.each if is_final or options.dataset == DEFAULT else ():
        landscape.check(limits)
    return budgets


def _describe(space: Space, data: DataSplits, budgets: Budgets) -> None:
    landscape = budgets.landscape
    low, high = landscape.range("macs")
    print(data.describe())
    print(
        f"Space: {space.size:.2e} architectures of {format_quantity(low)} "
        f"to {format_quantity(high)} multiply-adds"
    )
    for limit in budgets.macs:
        print(_budget_line(landscape, "macs", limit))
    for resource, limit in budgets.others.items():
        print(_budget_line(landscape, resource, limit))
    if landscape.latency is not None:
        print(f"Latency table: {landscape.latency}")
    if any(budgets.each) and not budgets.held:
        print("No limit binds: the search looks for the lowest loss alone.")
    sys.stdout.flush()


def _budget_line(landscape: Landscape, resource: str, limit: float) -> str:
    words = LIMITS[resource]
    low, high = map(words.text, landscape.range(resource))
    note = "" if landscape.binds(resource, limit) else "; it does not bind"
    return f"Budget: at most {words.text(limit)} {words.noun} (the space: {low} to {high}){note}"


def _search(
    run: RunFolder,
    space: Space,
    data: DataSplits,
    options: SearchOptions,
    budgets: Budgets,
    identity: dict[str, Any],
    strategy: Any,
) -> None:
    from fbnetv2_tf.loss_guard import LossGuard
    from fbnetv2_tf.run_state import RunState
    from fbnetv2_tf.search import SearchSettings, run_search, steps_of
    from fbnetv2_tf.search_alarms import search_alarms
    from fbnetv2_tf.search_board import SearchBoard
    from fbnetv2_tf.search_log import SearchLog

    settings = SearchSettings(**options.settings)
    steps = steps_of(data, settings.batch_size)
    with strategy.scope():
        net = _compiled(space, options, budgets, settings, steps)

    def describe() -> dict[str, Any]:
        probabilities = {name: p.tolist() for name, p in net.probabilities().items()}
        done = (len(state.epochs) + 1 - settings.warmup_epochs) / (
            settings.epochs - settings.warmup_epochs
        )
        alarms = search_alarms(space, probabilities, done) if done > 0 else []
        for alarm in alarms if options.running.is_writer else ():
            print(f"Warning: {alarm}", flush=True)
        return {"probabilities": probabilities, "alarms": alarms}

    with options.running.saving(run / CHECKPOINTS) as saving:
        state = RunState(saving, identity, steps.all, what="search", describe=describe)
        first = state.restore(net)
        if first < settings.epochs * steps.all and options.running.is_writer:
            # What followed another search, whose last checkpoint is gone.
            shutil.rmtree(run / CHECKPOINTS / FAIR, ignore_errors=True)
        callbacks = [LossGuard(state), state]
        log = SearchLog(budgets.held)
        if options.running.is_writer:
            run.write_text(FLAGS, options.flagfile)
            callbacks += [log]
            callbacks += [SearchBoard(run, net, _settings_told(options), budgets.held)]
        began = time.monotonic()
        try:
            run_search(net, data, settings, callbacks, first_step=first)
        finally:
            log.close()
        if options.scores and settings.fair_epochs:
            series = CheckpointSeries(run / CHECKPOINTS / FAIR)
            again = replace(saving, series=series)
            _train_fairly(net, data, settings, again, identity, options.running.is_writer)
        # Of a search that was stopped nobody knows how long it took in all.
        seconds = None if first else round(time.monotonic() - began, 1)
        told = {"seconds": seconds, "identity": identity}
    if not options.running.is_writer:
        print(OTHER_WORKER)
        return
    write_results(run, net, data, options, budgets, state.epochs, told)


def _train_fairly(
    net: Any,
    data: DataSplits,
    settings: SearchSettings,
    saving: Saving,
    identity: dict[str, Any],
    is_told: bool,
) -> None:
    """Trains the weights that score candidates, and says so."""
    from fbnetv2_tf.fair_training import train_fairly
    from fbnetv2_tf.search_log import SearchLog

    number = settings.fair_epochs
    log = SearchLog({})
    if is_told:
        epochs = "1 epoch" if number == 1 else f"{number} epochs"
        print(f"The weights learn for {epochs} more, without preferences, to score candidates.")
        sys.stdout.flush()
    try:
        identity = {**identity, "fair_epochs": number}
        train_fairly(net, data, settings, saving, identity, [log] if is_told else [])
    finally:
        log.close()


def _settings_told(options: SearchOptions) -> dict[str, Any]:
    """The flags that tell runs apart."""
    silent = ("settings", "flagfile", "output", "running")
    return {k: v for k, v in {**vars(options), **options.settings}.items() if k not in silent}


def _compiled(
    space: Space, options: SearchOptions, budgets: Budgets, settings: SearchSettings, steps: Steps
) -> Any:
    """The supernet of the search, compiled."""
    import keras

    from fbnetv2_tf.builders.supernet import build_supernet
    from fbnetv2_tf.search import compile_search

    keras.utils.set_random_seed(settings.seed)
    net = build_supernet(
        space,
        sampling=options.sampling,
        sharing=options.sharing,
        temperature=settings.temperature,
        seed=settings.seed,
        dtype=options.running.policy,
    )
    net.latency_table = budgets.landscape.latency
    compile_search(net, _objective(options, budgets), settings, steps)
    return net


def _objective(options: SearchOptions, budgets: Budgets) -> Any:
    from fbnetv2_tf.objectives import Budget, Objective, PaperObjective, unit_below

    if options.objective == "paper":
        smallest, _ = budgets.landscape.range("macs")
        return PaperObjective(options.alpha, options.beta, unit=unit_below(smallest))
    if not budgets.held:
        return Objective()
    limits = {LIMITS[r].argument: limit / LIMITS[r].scale for r, limit in budgets.held.items()}
    return Budget(**limits, weight=options.penalty)


DRIVER = Driver(
    name="fbnetv2-search",
    summary="Searches the best network of a space for a data set and a budget.",
    usage=(
        "fbnetv2-search --max_macs=600K --output=runs/first",
        "fbnetv2-search --max_macs=300K,600K,1.2M --max_activation_kib=24 --output=runs/three",
        "fbnetv2-search --dataset=directory --data_dir=photos --space=my_space.txt "
        "--max_macs=60M --output=runs/photos",
    ),
    first=(
        "output",
        "max_macs",
        "dataset",
        "data_dir",
        "space",
        "epochs",
        "batch_size",
        "seed",
        "derive",
        "candidates",
    ),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
