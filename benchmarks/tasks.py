"""The tasks that networks are judged on, by name: data, the space to search and the budgets.

    --data=fashion_mnist    grey, 28 pixels: clothes
    --data=photographs      colour, 32 pixels: from which photograph (benchmarks.colour_task)

Another `--data=NAME` is whatever `--dataset=`, `--data_dir=` and `--space=` say of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fbnetv2_tf as fb
from benchmarks.size_task import SPACE as SMALL_SPACE
from fbnetv2_tf.errors import InputError

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Task:
    """Data, and a contest on it.

    Attributes:
        data: what the judge's file and verdicts are called.
        dataset, data_dir: as of `fbnetv2-search`.
        space: as `space_of` takes it.
        budgets: multiply-adds.
        epochs: of a search.
    """

    data: str
    dataset: str
    data_dir: Path | None
    space: str
    budgets: tuple[str, ...]
    epochs: int = 4

    @property
    def contest(self) -> str:
        """The contest's name: of the data and the space."""
        return f"{self.data}_{Path(self.space).stem}"


TASKS = {
    task.data: task
    for task in (
        Task("fashion_mnist", "fashion_mnist", None, "fashion28", ("300K", "600K")),
        Task(
            "photographs",
            "npz",
            ROOT / "runs" / "data" / "photographs.npz",
            "colour32",
            ("600K", "1.5M"),
            epochs=16,
        ),
    )
}

SPACES = {"small": SMALL_SPACE, "colour32": str(ROOT / "benchmarks" / "colour32.txt")}
"""Spaces of the benchmarks alone."""


def task_of(
    data: str,
    dataset: str | None = None,
    data_dir: str | None = None,
    space: str | None = None,
    budgets: Sequence[str] | None = None,
) -> Task:
    """A task of the table, or another; what is given replaces what the table says.

    Raises:
        InputError: The table does not know the data, and no space is given.
    """
    known = TASKS.get(data)
    if known is None and space is None:
        raise InputError(f"`data` must be {' or '.join(TASKS)}, or have a space. Received: {data}.")
    known = known or Task(data, data, None, str(space), ())
    return Task(
        data,
        dataset or known.dataset,
        Path(data_dir) if data_dir else known.data_dir,
        space or known.space,
        tuple(budgets or known.budgets),
        known.epochs,
    )


def space_of(name: str) -> fb.Space:
    """A space of the benchmarks, a preset's, or a file's."""
    return fb.parse_space(SPACES.get(name, name))
