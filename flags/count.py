"""`fbnetv2-count`: what a network costs, layer by layer, or how large a space is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from absl import flags

from fbnetv2_tf.builders.lookup import resolve_architecture
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.space import parse_space

from .common import define_architecture
from .cost_report import FORMATS, network_report, space_report
from .driver import Driver


@dataclass(frozen=True)
class CountOptions:
    """What `fbnetv2-count` was asked for.

    Attributes:
        architecture: text, zoo name, file or run folder; None where a space is counted.
        space: a preset, a file or the text of a space; None where a network is counted.
        format: `table`, `json` or `csv`.
    """

    architecture: str | None
    space: str | None
    format: str


def define(values: Any) -> None:
    """Registers the flags."""
    define_architecture(values)
    flags.DEFINE_string(
        "space",
        None,
        "In place of a network: a preset, a file, or the text of a space.",
        flag_values=values,
    )
    flags.DEFINE_enum("format", "table", FORMATS, "How to print the costs.", flag_values=values)


def options(values: Any) -> CountOptions:
    """Reads the flags."""
    if (values.architecture is None) == (values.space is None):
        received = "neither" if values.space is None else "both"
        raise InputError(f"Give one of --architecture and --space. Received: {received}.")
    return CountOptions(values.architecture, values.space, values.format)


def main(options: CountOptions) -> None:
    """Prints the costs."""
    if options.space is not None:
        print(space_report(parse_space(options.space), options.format), end="")
        return
    source = options.architecture or ""
    print(network_report(source, resolve_architecture(source), options.format), end="")


DRIVER = Driver(
    name="fbnetv2-count",
    summary="Counts multiply-adds, weights and memory of a network, or the networks of a space.",
    usage=(
        "fbnetv2-count --architecture=fbnetv2_f1",
        "fbnetv2-count --architecture=runs/first --format=json",
        "fbnetv2-count --space=fashion28",
    ),
    first=("architecture", "space", "format"),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
