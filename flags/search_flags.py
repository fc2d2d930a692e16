"""The flags of `fbnetv2-search`, and what it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import KIB, MS

from .common import AUGMENT, define_dataset, define_path, define_quantity
from .driver import flagfile_text
from .running import Running, define_distribution, define_running, running

if TYPE_CHECKING:
    from fbnetv2_tf.datasets import DataSplits


@dataclass(frozen=True)
class SearchOptions:
    """What `fbnetv2-search` was asked for; the flags of the same names say what each is."""

    output: Path
    space: str
    dataset: str
    data_dir: Path | None
    on_bad_image: str
    max_macs: tuple[float, ...] | None
    max_weights: float | None
    max_activation_kib: float | None
    max_latency_ms: float | None
    latency_table: Path | None
    latency_margin: float | None
    pareto: int | None
    objective: str
    penalty: float
    alpha: float
    beta: float
    sampling: str
    sharing: str
    derive: str
    candidates: int
    finalists: int
    finalist_epochs: int
    settings: dict[str, Any]
    running: Running
    flagfile: str

    @property
    def scores(self) -> bool:
        """Whether candidates are compared by their scores."""
        return self.derive == "sampled" and self.candidates > 1

    def load(self, side: int) -> DataSplits:
        """The data set with images of a side, pixels."""
        from fbnetv2_tf.datasets import load_dataset

        return load_dataset(
            self.dataset,
            self.data_dir,
            image_side=side,
            seed=0,
            on_bad_image="skip" if self.on_bad_image == "skip" else "fail",
        )

    def identity(self, data: DataSplits) -> dict[str, Any]:
        """What makes two searches the same one, as far as their states go."""
        names = ("objective", "penalty", "alpha", "beta", "sampling", "sharing")
        return {
            "dataset": self.dataset,
            "images": [data.weights.size, data.architecture.size],
            # Of what follows the search a checkpoint of the search is independent.
            **{name: value for name, value in self.settings.items() if name != "fair_epochs"},
            "precision": self.running.precision,
            **{name: getattr(self, name) for name in names},
        }


def define(values: Any) -> None:
    """Registers the flags."""
    define_path(values, "output", "The run folder that the search writes.")
    flags.DEFINE_string(
        "space", "fashion28", "A preset, a file, or the text of a space.", flag_values=values
    )
    define_dataset(values)
    flags.DEFINE_enum(
        "on_bad_image",
        "fail",
        ["fail", "skip"],
        "What to do about an image that cannot be read.",
        flag_values=values,
    )
    _define_limits(values)
    _define_settings(values)
    _define_method(values)
    define_running(values)
    define_distribution(values)


def _define_limits(values: Any) -> None:
    define_quantity(
        values,
        "max_macs",
        "The most multiply-adds for one image; of several, 300K,600K, one search makes a child "
        "each.",
        many=True,
    )
    define_quantity(values, "max_weights", "The most weights.")
    define_quantity(
        values,
        "max_activation_kib",
        "The most activation memory alive at one time in an int8 file, KiB (float32: four times).",
        unit=KIB,
    )
    define_quantity(
        values,
        "max_latency_ms",
        "The longest time for one image by --latency_table, milliseconds.",
        unit=MS,
    )
    define_path(values, "latency_table", "A table that fbnetv2-latency has written.")
    flags.DEFINE_float(
        "latency_margin",
        None,
        "The share by which latencies are counted longer than the table says, since it errs: 0.03 "
        "is 3 %. By default twice the median error of the table's own check.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "pareto",
        None,
        "Derive children at so many budgets, spread over the space, in place of --max_macs.",
        flag_values=values,
    )


# Name, default, help; `test_search_driver` holds the defaults against those of `SearchSettings`.
_INTEGERS = (
    ("epochs", 16, "Passes over the data, warm-up included."),
    ("warmup_epochs", 1, "Epochs at the start in which only the weights learn."),
    (
        "fair_epochs",
        1,
        "After the search, in which the weights learn with all alternatives equally probable, so "
        "that they tell candidates apart; where candidates are compared at all.",
    ),
    ("batch_size", 64, "Images in a step."),
    ("seed", 0, "Of everything random."),
)
_NUMBERS = (
    ("learning_rate", 0.15, "Of the weights, at the start."),
    ("weight_decay", 1e-4, "Of the weights."),
    ("gradient_norm", 5.0, "To which the gradient of the weights is clipped."),
    ("architecture_learning_rate", 0.05, "Of the architecture logits."),
    ("temperature", 5.0, "Of the sampling, at the start."),
    ("final_temperature", 0.5, "Of the sampling, at the end."),
)
_SETTINGS = (*(row[0] for row in _INTEGERS), *(row[0] for row in _NUMBERS), "augment")


def _define_settings(values: Any) -> None:
    """A flag for each of `SearchSettings`, which would take TensorFlow to import."""
    for name, whole, text in _INTEGERS:
        flags.DEFINE_integer(name, whole, text, flag_values=values)
    for name, number, text in _NUMBERS:
        flags.DEFINE_float(name, number, text, flag_values=values)
    flags.DEFINE_string("augment", "flip", AUGMENT, flag_values=values)


def _define_method(values: Any) -> None:
    flags.DEFINE_enum(
        "objective",
        "budget",
        ["budget", "paper"],
        "Hold the budget, or the paper's CE * alpha * log(MACs)^beta.",
        flag_values=values,
    )
    flags.DEFINE_float("penalty", 1.0, "Weight of the budget's penalty.", flag_values=values)
    flags.DEFINE_float("alpha", 0.2, "Of the paper's objective.", flag_values=values)
    flags.DEFINE_float("beta", 0.6, "Of the paper's objective.", flag_values=values)
    flags.DEFINE_enum(
        "sampling",
        "soft",
        ["soft", "hard", "mixed", "sliced"],
        "Weights of the choices: soft (Gumbel-softmax), hard (one-hot), mixed (hard where the "
        "network learns), or sliced (the same, computing only what was drawn: the fastest).",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "sharing",
        "path",
        ["path", "none"],
        "One path for all kinds of a block, or the paper's instantiated candidates.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "derive",
        "sampled",
        ["argmax", "sampled"],
        "The most probable architecture, or the best of --candidates by validation loss.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "candidates",
        256,
        "Compared by --derive=sampled, with inherited weights.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "finalists",
        0,
        "How many of the best candidates --derive=sampled trains a little before it takes one; 0 "
        "takes the best by inherited weights.",
        flag_values=values,
    )
    flags.DEFINE_integer("finalist_epochs", 1, "Of each finalist's training.", flag_values=values)


def options(values: Any) -> SearchOptions:
    """Reads the flags."""
    if values.output is None:
        raise InputError("--output must name the run folder to write, such as --output=runs/first.")
    names = [field.name for field in fields(SearchOptions)]
    given = {name: values[name].value for name in names if name in values}
    given["dataset"] = values.dataset or "fashion_mnist_10k"
    given["settings"] = {name: values[name].value for name in _SETTINGS}
    given["running"] = running(values)
    given["flagfile"] = flagfile_text("fbnetv2-search", values)
    return SearchOptions(**given)
