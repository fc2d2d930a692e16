"""`fbnetv2-report`: report.html of a run, or several runs side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.report import compare, write_report
from fbnetv2_tf.run_folder import RunFolder

from .common import define_path
from .driver import Driver

COMPARISON = Path("comparison.html")


@dataclass(frozen=True)
class ReportOptions:
    """What `fbnetv2-report` was asked for.

    Attributes:
        runs: folders.
        output: the file of a comparison.
    """

    runs: tuple[Path, ...]
    output: Path


def define(values: Any) -> None:
    """Registers the flags."""
    flags.DEFINE_list(
        "run", [], "Run folders, with or without the flag's name.", flag_values=values
    )
    define_path(values, "output", f"The file of a comparison. Default: {COMPARISON}.")


def options(values: Any) -> ReportOptions:
    """Reads the flags."""
    if not values.run:
        raise InputError("Name a run folder, such as fbnetv2-report runs/first. Received: none.")
    runs = tuple(Path(run).expanduser() for run in values.run)
    if len(runs) == 1 and values.output is not None:
        raise InputError(
            "--output is for a comparison; the report of one run is written into its folder. "
            f"Received: '{values.output}' and one run."
        )
    return ReportOptions(runs, values.output or COMPARISON)


def main(options: ReportOptions) -> None:
    """Writes the pages, and says where."""
    for run in options.runs:
        print(f"Report: {write_report(run)}")
    if len(options.runs) > 1:
        print(f"Comparison: {compare(options.runs, options.output)}")


def add_report(run: RunFolder) -> None:
    """Writes the report of a run that has something new, and says where, or why not.

    What the command was asked for is done by then, so a folder with damaged files is no failure.
    """
    try:
        print(f"Report: {write_report(run.path)}")
    except InputError as error:
        print(f"No report: {error}")


DRIVER = Driver(
    name="fbnetv2-report",
    summary="Writes report.html of a run: what was found, and how. Of several, a comparison too.",
    usage=(
        "fbnetv2-report runs/first",
        "fbnetv2-report runs/first runs/second --output=comparison.html",
    ),
    first=("run", "output"),
    define=define,
    options=options,
    main=main,
    listed="run",
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
