"""Several runs side by side: their figures, and the flags in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..limits import LIMITS
from ..units import KIB, format_quantity
from .answer import accuracy, model_files, per_cent
from .record import RunRecord

UNTOLD = ("output", "run")
"""Flags that differ between any two runs and say nothing."""


@dataclass(frozen=True)
class RunRow:
    """One run of the table, as text; "" for what is not known."""

    name: str
    dataset: str
    limits: str
    macs: str
    weights: str
    memory: str
    accuracy: str
    measured: str
    smallest: str


def run_rows(records: Sequence[RunRecord]) -> list[RunRow]:
    """The figures of each run."""
    return [_row(record) for record in records]


def differing_flags(records: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    """The flags of the searches and trainings that are not the same in all runs.

    Returns:
        Flag -> its value in each run, "" where a run does not have it.
    """
    told = []
    for record in records:
        search = dict(record.search.options) if record.search else {}
        training = record.training.settings if record.training else {}
        told.append(
            {f"search: {k}": _text(v) for k, v in search.items() if k not in UNTOLD}
            | {f"training: {k}": _text(v) for k, v in training.items()}
        )
    names = dict.fromkeys(name for each in told for name in each)
    rows = [(name, [each.get(name, "") for each in told]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _row(record: RunRecord) -> RunRow:
    cost, right = record.cost, accuracy(record)
    files = [file for file in model_files(record) if file.name.endswith(".tflite")]
    return RunRow(
        name=record.name,
        dataset=record.dataset,
        limits=", ".join(f"{LIMITS[r].text(v)} {LIMITS[r].noun}" for r, v in record.limits.items()),
        macs=format_quantity(cost.macs) if cost else "",
        weights=format_quantity(cost.weights) if cost else "",
        memory=format_quantity(cost.activation_bytes / 1024, KIB) if cost else "",
        accuracy="" if right is None else per_cent(right, 2),
        measured="" if right is None else "test" if record.training else "validation, inherited",
        smallest=f"{files[-1].size} ({files[-1].form})" if files else "",
    )


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)
