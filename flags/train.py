"""`fbnetv2-train`: a searched network, or any architecture, trained and written as child.keras."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.errors import InputError, RunError
from fbnetv2_tf.run_folder import (
    ARCHITECTURE,
    CHECKPOINTS,
    CHILD,
    INHERITED,
    TENSORBOARD,
    TRAIN,
    RunFolder,
)
from fbnetv2_tf.units import format_quantity

from .common import define_architecture, define_path, define_run, one_of
from .driver import Driver, flagfile_text
from .quiet import import_tensorflow
from .report import add_report
from .run_data import DataChoice, data_choice, define_data
from .running import OTHER_WORKER, Running, define_distribution, define_running, running
from .train_further import FURTHER_FLAGS, Further, define_further, further_of, train_further
from .train_results import summary, training_results

if TYPE_CHECKING:
    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.datasets import DataSplits

TRAINING = "training"
"""The folder within the checkpoints that is this command's."""


@dataclass(frozen=True)
class TrainOptions:
    """What `fbnetv2-train` was asked for.

    Attributes:
        source: a run folder, or an architecture in any form.
        output: the folder to write.
        inherited: the file with the weights to start from; None for fresh ones.
        data: the data set.
        recipe: settings of `Recipe` by name.
        dropout, stochastic_depth: as `build_model` takes them.
        running: how the training is carried out.
        flagfile: text that repeats the command.
        further: what the child of the run is to be trained for, where it is trained already.
    """

    source: str
    output: Path
    inherited: Path | None
    data: DataChoice
    recipe: dict[str, Any]
    dropout: float
    stochastic_depth: float
    running: Running
    flagfile: str
    further: Further | None


# Name, default, help; `test_train` holds the defaults against those of `Recipe`.
_INTEGERS = (
    ("epochs", 15, "Passes over the training images."),
    ("batch_size", 64, "Images in a step."),
    ("seed", 0, "Of everything random."),
)
_NUMBERS = (
    ("learning_rate", 0.2, "Of SGD with Nesterov momentum; it falls to 0 by a cosine."),
    ("warmup_epochs", 0.5, "Over which the learning rate rises first."),
    ("momentum", 0.9, "Of SGD."),
    ("weight_decay", 5e-3, "Times the learning rate, the share of a kernel lost in a step."),
    ("label_smoothing", 0.0, "Share of a label that goes to all classes alike."),
    ("gradient_norm", 5.0, "To which the gradient of all weights is clipped."),
    ("ema", 0.0, "Momentum of the moving average of the weights that is kept; 0 for none."),
    ("dropout", 0.0, "Rate before the classifier."),
    ("stochastic_depth", 0.0, "Rate at which the last residual branch is left out."),
)


def define(values: Any) -> None:
    """Registers the flags."""
    define_run(values)
    define_architecture(values)
    define_data(values)
    define_path(values, "output", "The folder to write. Default: the run folder.")
    flags.DEFINE_boolean(
        "inherit",
        False,
        "Start from the weights that the search left, instead of fresh ones.",
        flag_values=values,
    )
    for name, default, text in _INTEGERS:
        flags.DEFINE_integer(name, default, text, flag_values=values)
    for name, number, text in _NUMBERS:
        flags.DEFINE_float(name, number, text, flag_values=values)
    flags.DEFINE_string(
        "augment", "light", "Augmentation: none, light or strong.", flag_values=values
    )
    define_running(values)
    define_distribution(values)
    define_further(values)


def options(values: Any) -> TrainOptions:
    """Reads the flags."""
    given = one_of(values, "run", "architecture")
    if given == "architecture" and values.output is None:
        raise InputError("--output must name the folder to write, such as --output=runs/mine.")
    if given == "architecture" and values.inherit:
        raise InputError("--inherit needs --run: the folder of the search. Received: no --run.")
    run = RunFolder(values.run) if values.run else None
    recipe = [name for name, *_ in (*_INTEGERS, *_NUMBERS[:-2])]
    return TrainOptions(
        source=values.architecture if run is None else str(run.path),
        output=values.output or values.run,
        inherited=run / INHERITED if run and values.inherit else None,
        data=data_choice(values, run),
        recipe={**{name: values[name].value for name in recipe}, "augment": values.augment},
        dropout=values.dropout,
        stochastic_depth=values.stochastic_depth,
        running=running(values),
        flagfile=flagfile_text("fbnetv2-train", values),
        further=further_of(values, recipe),
    )


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
            print(f"The training in '{run.path}' is finished. {summary(run.read_record(TRAIN))}")
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
    if not (run.has(TRAIN) and run.has(CHILD)):
        return False
    return bool(run.read_record(TRAIN).get("training") == record)


def _train(
    run: RunFolder, architecture: Architecture, options: TrainOptions, record: dict[str, Any]
) -> None:
    import_tensorflow()
    import keras

    from fbnetv2_tf.datasets import image_errors
    from fbnetv2_tf.distribution import worker_errors
    from fbnetv2_tf.recipe import Recipe
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
