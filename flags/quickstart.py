"""`make quickstart`: a whole search on the shipped data set, by the commands a user would type."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absl import flags

from fbnetv2_tf.errors import RunError
from fbnetv2_tf.run_folder import ARCHITECTURE, CHILD, RunFolder
from fbnetv2_tf.units import format_quantity

from . import export, search, train
from .common import define_path, define_quantity
from .driver import DONE, Driver

FILES = {"none": "model.tflite", "int8": "model_int8.tflite"}


@dataclass(frozen=True)
class QuickstartOptions:
    """What the quickstart was asked for."""

    output: Path
    max_macs: float
    short: bool


def define(values: Any) -> None:
    """Registers the flags."""
    define_path(values, "output", "The run folder.")
    define_quantity(values, "max_macs", "The most multiply-adds for one image; 600K by default.")
    flags.DEFINE_boolean(
        "short",
        False,
        "Train for so few epochs that it only shows that it works.",
        flag_values=values,
    )


def options(values: Any) -> QuickstartOptions:
    """Reads the flags."""
    output = values.output or Path("runs") / ("quickstart_short" if values.short else "quickstart")
    return QuickstartOptions(output, values.max_macs or 600_000, values.short)


def main(options: QuickstartOptions) -> None:
    """Searches, trains, exports twice, and prints what came of it."""
    began = time.monotonic()
    epochs = {"search": 2, "train": 1} if options.short else {"search": 12, "train": 16}
    folder = f"--output={options.output}"
    few = ["--candidates=4"] if options.short else []
    _command(
        search.DRIVER,
        [
            folder,
            f"--max_macs={options.max_macs:.0f}",
            f"--epochs={epochs['search']}",
            *few,
        ],
    )
    _command(
        train.DRIVER, [f"--run={options.output}", f"--epochs={epochs['train']}", "--augment=flip"]
    )
    for quantization, file in FILES.items():
        _command(
            export.DRIVER,
            [
                f"--run={options.output}",
                f"--quantization={quantization}",
                f"--output={options.output / file}",
            ],
        )
    _print_table(RunFolder(options.output), options)
    print(f"{time.monotonic() - began:.0f} seconds in all; everything is in {options.output}")


def _command(driver: Driver[Any], arguments: Sequence[str]) -> None:
    """Runs a command as a user would, and stops where it does not end well."""
    print(f"\n$ {driver.name} {' '.join(arguments)}", flush=True)
    code = driver.run(arguments)
    if code != DONE:
        raise RunError(f"The quickstart stopped: {driver.name} must end with 0. Received: {code}.")


def _print_table(run: RunFolder, options: QuickstartOptions) -> None:
    """Prints the architecture, its cost against the budget, and how good its files are."""
    import keras
    from rich.console import Console
    from rich.table import Table

    from fbnetv2_tf.architecture import parse_architecture
    from fbnetv2_tf.builders.litert import LiteModel
    from fbnetv2_tf.builders.tflite_proof import accuracy, keras_logits
    from fbnetv2_tf.counting import count
    from fbnetv2_tf.datasets import load_dataset

    architecture = parse_architecture(run.read_text(ARCHITECTURE))
    test = load_dataset("fashion_mnist_10k").test
    images, labels = test.images(), test.labels
    reference = keras_logits(keras.models.load_model(run / CHILD), images)
    table = Table(box=None, padding=(0, 2))
    for column in ("", f"accuracy on {test.size:,} test images", "same class as Keras", "size"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("Keras", f"{100 * accuracy(reference, labels):.2f} %", "", _size(run / CHILD))
    for quantization, file in FILES.items():
        logits = LiteModel.load(run / file).predict(images)
        same = (logits.argmax(axis=1) == reference.argmax(axis=1)).mean()
        name = f".tflite {'float32' if quantization == 'none' else quantization}"
        table.add_row(
            name,
            f"{100 * accuracy(logits, labels):.2f} %",
            f"{100 * same:.2f} %",
            _size(run / file),
        )
    macs = count(architecture).macs
    print(f"\n{architecture}\n")
    print(
        f"{macs:,} multiply-adds of at most {options.max_macs:,.0f}: "
        f"{100 * macs / options.max_macs:.1f} % of the budget is used\n"
    )
    Console(width=100).print(table)
    print()


def _size(path: Path) -> str:
    return f"{format_quantity(path.stat().st_size / 1024, 'KiB')}"


DRIVER = Driver(
    name="quickstart",
    summary="Searches, trains and exports a small network on the data set in the package.",
    usage=("python -m fbnetv2_tf.flags.quickstart",),
    first=("output", "max_macs", "short"),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The entry point."""
    DRIVER.console()


if __name__ == "__main__":
    console()
