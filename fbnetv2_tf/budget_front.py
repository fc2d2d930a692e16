"""Several budgets from one search: where they lie, which one the search holds, table and plot.

The logits are one distribution, whatever budgets children are derived at. It is held at the
geometric middle of the budgets, so that every child is as near to it as can be in the logarithm
of cost; letting the budgets take turns has the same point of rest and adds noise. The derivation
then is exact for each budget.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .atomic_files import write_bytes
from .derivation import Landscape
from .errors import BudgetError
from .limits import LIMITS
from .units import format_quantity

MOST = 64
"""Budgets of one search."""


@dataclass(frozen=True)
class Child:
    """One budget's architecture.

    Attributes:
        limit: on its multiply-adds.
        architecture: its text.
        cost: resource -> cost, in the resources' own units.
        loss: on the validation images, with inherited weights.
        accuracy: the same, in [0, 1].
        folder: of its run, inside the search's.
    """

    limit: float
    architecture: str
    cost: Mapping[str, int]
    loss: float
    accuracy: float
    folder: str


def spread(landscape: Landscape, number: int, limits: Mapping[str, float]) -> tuple[int, ...]:
    """Limits on multiply-adds, evenly apart in their logarithm inside the range of a space.

    Args:
        landscape: of the space.
        number: how many.
        limits: further limits, on other resources; they narrow the range.

    Raises:
        BudgetError: where `number` is not from 2 to `MOST`.

    Example:
        >>> from .space import parse_space
        >>> space = parse_space("in_hw8_c3 cn_k3_s2_c8:64:8_nre fc_c2")
        >>> spread(Landscape(space), 3, {}), Landscape(space).range("macs")
        ((5839, 9820, 16515), (3472, 27776))
    """
    if not 2 <= number <= MOST:
        raise BudgetError(f"Budgets must be 2 to {MOST} in number. Received: {number}.")
    low, high = landscape.range("macs")
    if limits:
        low = max(low, landscape.reach("macs", False, limits))
        high = landscape.reach("macs", True, limits)
    steps = [(place + 1) / (number + 1) for place in range(number)]
    return tuple(math.floor(low * (high / low) ** step) for step in steps)


def held(limits: Sequence[float]) -> float:
    """The budget that one search for several holds: the geometric middle of least and greatest.

    Example:
        >>> held([300_000]), held([250_000, 500_000, 1_000_000])
        (300000, 500000.0)
    """
    if len(limits) == 1:
        return limits[0]
    return math.sqrt(min(limits) * max(limits))


def front_table(children: Sequence[Child], others: Mapping[str, float]) -> str:
    """The children as lines of text, one for each budget.

    Args:
        children: in the order of their budgets.
        others: the further limits.
    """
    nouns = [LIMITS[r].noun for r in others if r != "weights"]
    head = ["budget", "MACs", "used", "weights", *nouns, "loss", "accuracy", "folder"]
    rows = [head]
    for child in children:
        extra = [LIMITS[r].text(child.cost[r]) for r in others if r != "weights"]
        share = 100 * child.cost["macs"] / child.limit
        rows.append(
            [
                format_quantity(child.limit),
                format_quantity(child.cost["macs"]),
                f"{share:.1f} %",
                format_quantity(child.cost["weights"]),
                *extra,
                f"{child.loss:.3f}",
                f"{100 * child.accuracy:.1f} %",
                child.folder,
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(w.rjust(n) for w, n in zip(r, widths, strict=True)) for r in rows]
    return "\n".join(lines)


def plot_front(path: Path, children: Sequence[Child]) -> None:
    """Draws accuracy against multiply-adds, each child beside the budget it was derived for.

    matplotlib, an optional extra (`report`), is imported here only.

    Args:
        path: the picture; its suffix says the format.
        children: at least one.
    """
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    macs = [child.cost["macs"] / 1e6 for child in children]
    accuracies = [100 * child.accuracy for child in children]
    axes.plot(macs, accuracies, "o-", color="#1f5f8b", label="child, inherited weights")
    for place, child in enumerate(children):
        label = "budget" if place == 0 else None
        axes.axvline(child.limit / 1e6, color="#c0c0c0", linewidth=0.8, zorder=0, label=label)
    axes.set_xscale("log")
    for set_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        set_formatter(lambda millions, _: f"{millions:g}")
    axes.set_xlabel("multiply-adds for one image, millions")
    axes.set_ylabel("validation accuracy, %")
    axes.legend(frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:], dpi=150)
    write_bytes(path, content.getvalue())
