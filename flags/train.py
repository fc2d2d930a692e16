"""`fbnetv2-train`: a searched network, or any architecture, trained and written as child.keras."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fbnetv2_tf.checkpoint_series import require_same
from fbnetv2_tf.errors import RunError
from fbnetv2_tf.report.forms import train_form
from fbnetv2_tf.run_folder import (
    ARCHITECTURE,
    CHECKPOINTS,
    CHILD,
    TENSORBOARD,
    TRAIN,
    RunFolder,
)
from fbnetv2_tf.units import format_quantity

from .driver import Driver
from .quiet import import_tensorflow
from .report import add_report
from .run_data import left_out
from .running import OTHER_WORKER
from .train_flags import TrainOptions, define, options
from .train_further import FURTHER_FLAGS, train_further
from .train_results import summary, training_results

if TYPE_CHECKING:
    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.datasets import DataSplits

TRAINING = "training"
"""The folder within the checkpoints that is this command's."""


def main(options: TrainOptions) -> None:
    """Trains, and writes the network and what came of it."""
    if options.further is not None:
        train_further(RunFolder(options.output), options.data, options.further)
        return
    from fbnetv2_tf.builders.lookup import resolve_architecture

    architecture = resolve_architecture(options.source)
    if options.inherited is not None and not options.inherited.is_file():
        raise RunError(f"--inherit needs '{options.inherited}', which fbnetv2-search writes.")
    run = RunFolder(options.output)
    with run.lock() if options.running.is_writer else contextlib.nullcontext():
        record = _identity(options, architecture)
        if _is_finished(run, record):
            found = run.read_record(TRAIN)
            train_form(found, str(run / TRAIN))
            print(f"The training in '{run.path}' is finished. {summary(found)}")
            return
        _train(run, architecture, options, record)


def _identity(options: TrainOptions, architecture: Architecture) -> dict[str, Any]:
    """What makes two trainings the same one."""
    return {
        "architecture": str(architecture),
        "inherited": options.inherited is not None,
        "dataset": options.data.name,
        "recipe": options.recipe,
        "dropout": options.dropout,
        "stochastic_depth": options.stochastic_depth,
        "precision": options.running.precision,
    }


def _is_finished(run: RunFolder, record: dict[str, Any]) -> bool:
    """Whether the folder has this training; raises `RunError` where it has another one."""
    if not (run.has(TRAIN) and run.has(CHILD)):
        return False
    theirs = run.read_record(TRAIN).get("training")
    if not isinstance(theirs, dict):
        return False
    require_same(run / TRAIN, _flat(theirs), _flat(record), "training")
    return True


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the settings of its recipe among the others, for sentences."""
    recipe = record.get("recipe")
    return {**record, **(recipe if isinstance(recipe, dict) else {}), "recipe": None}


def _train(
    run: RunFolder, architecture: Architecture, options: TrainOptions, record: dict[str, Any]
) -> None:
    import_tensorflow()
    import keras

    from fbnetv2_tf.datasets import image_errors
    from fbnetv2_tf.distribution import worker_errors
    from fbnetv2_tf.recipe import Recipe
    from fbnetv2_tf.system_errors import system_errors
    from fbnetv2_tf.training import train_child
    from fbnetv2_tf.training_log import TrainingLog

    recipe = Recipe(**options.recipe)
    strategy = options.running.prepare()
    data = options.data.load(image_side=architecture.side, channels=architecture.input_channels)
    architecture = _for_classes(architecture, data.classes)
    keras.utils.set_random_seed(recipe.seed)
    model = _start(architecture, options)
    checkpoints = run / CHECKPOINTS / TRAINING
    log, callbacks = TrainingLog(), []
    if options.running.is_writer:
        _describe(architecture, data)
        board = keras.callbacks.TensorBoard(str(run / TENSORBOARD / TRAINING), write_graph=False)
        callbacks += [log, board]
    began = time.monotonic()
    with (
        image_errors(),
        worker_errors(strategy),
        system_errors(),
        options.running.saving(checkpoints) as saving,
    ):
        try:
            trained = train_child(
                model,
                data,
                recipe,
                strategy=strategy,
                saving=saving,
                identity={k: v for k, v in record.items() if k != "recipe"},
                callbacks=tuple(callbacks),
            )
        finally:
            log.close()
    if not options.running.is_writer:
        print(OTHER_WORKER)
        return
    what = {
        "training": record,
        "seconds": round(time.monotonic() - began, 1),
        "flags": options.flagfile.split("\n"),
    }
    results = training_results(architecture, data, options.data.as_json(), trained)
    _write(run, architecture, _without_policy(model, architecture, options), {**results, **what})
    print(f"{summary(results)} Written: {run / CHILD}")
    if data.unreadable:
        print(left_out(data))
    add_report(run)


def _write(run: RunFolder, architecture: Architecture, model: Any, results: dict[str, Any]) -> None:
    """Writes the network and what came of it, and removes the checkpoints."""
    from fbnetv2_tf.builders.keras_file import save_model

    checkpoints = run / CHECKPOINTS / TRAINING
    if not run.has(ARCHITECTURE):
        run.write_text(ARCHITECTURE, f"{architecture}\n")
    save_model(model, run / CHILD)
    run.write_json(TRAIN, results)
    shutil.rmtree(checkpoints, ignore_errors=True)
    with contextlib.suppress(OSError):  # the search's own checkpoints may be beside it
        checkpoints.parent.rmdir()


def _for_classes(architecture: Architecture, classes: int) -> Architecture:
    """The same network with a classifier for so many classes."""
    head = replace(architecture.blocks[-1], channels=classes)
    return replace(architecture, blocks=(*architecture.blocks[:-1], head))


def _start(architecture: Architecture, options: TrainOptions) -> Any:
    from fbnetv2_tf.builders.keras_file import load_model
    from fbnetv2_tf.builders.model import build_model
    from fbnetv2_tf.builders.weights import copy_weights

    model = build_model(
        architecture,
        dropout=options.dropout,
        stochastic_depth=options.stochastic_depth,
        dtype=options.running.policy,
    )
    if options.inherited is not None:
        copy_weights(load_model(options.inherited), model)
    return model


def _without_policy(model: Any, architecture: Architecture, options: TrainOptions) -> Any:
    """The trained network as it is used: in float32, without what only training does."""
    from fbnetv2_tf.builders.model import build_model
    from fbnetv2_tf.builders.weights import copy_weights

    if options.running.policy == "float32" and not options.dropout and not options.stochastic_depth:
        return model
    plain = build_model(architecture, dtype="float32")
    copy_weights(model, plain)
    return plain


def _describe(architecture: Architecture, data: DataSplits) -> None:
    from fbnetv2_tf.counting import count

    cost = count(architecture)
    print(data.describe())
    print(
        f"Network: {format_quantity(cost.macs)} multiply-adds, {cost.parameters:,} parameters",
        flush=True,
    )


DRIVER = Driver(
    name="fbnetv2-train",
    summary="Trains a searched network, or any architecture, and writes child.keras.",
    usage=(
        "fbnetv2-train --run=runs/first",
        "fbnetv2-train --architecture=fbnetv2_f1 --dataset=directory --data_dir=photos "
        "--output=runs/f1",
        "fbnetv2-train --run=runs/first --qat",
    ),
    first=(
        "run",
        "architecture",
        "dataset",
        "data_dir",
        "output",
        "epochs",
        "batch_size",
        "learning_rate",
        "inherit",
        "seed",
        *FURTHER_FLAGS,
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
