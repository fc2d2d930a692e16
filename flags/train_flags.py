"""The flags of `fbnetv2-train`, and what it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.run_folder import INHERITED, RunFolder

from .common import AUGMENT, define_architecture, define_path, define_run, one_of
from .driver import flagfile_text
from .run_data import DataChoice, data_choice, define_data
from .running import Running, define_distribution, define_running, running
from .train_further import Further, define_further, further_of


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
    flags.DEFINE_string("augment", "light", AUGMENT, flag_values=values)
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
