"""Lines over epochs: one small chart for each kind of quantity."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .drawing import label, picture, tag, ticks

WIDTH, HEIGHT = 340, 210
LEFT, RIGHT, TOP, BOTTOM = 44, 74, 14, 30
"""Margins: of the tick labels, of the names at the lines' ends, above, and of the epochs."""


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: written at its end.
        values: one for each epoch; None where there is none.
    """

    name: str
    values: Sequence[float | None]

    @property
    def known(self) -> list[tuple[int, float]]:
        """Epoch, counted from 1, and value."""
        return [(e, v) for e, v in enumerate(self.values, start=1) if v is not None]


@dataclass(frozen=True)
class Axes:
    """Where values and epochs lie on the picture."""

    epochs: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        """Of an epoch, counted from 1."""
        share = (epoch - 1) / max(1, self.epochs - 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Of a value."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def line_chart(
    title: str,
    lines: Sequence[Line],
    text: Callable[[float], str],
    limit: float | None = None,
    low: float | None = None,
) -> Markup:
    """Draws lines that share a unit.

    Args:
        title: for the description.
        lines: at least one with a value.
        text: of a tick.
        limit: drawn as a dashed line.
        low: where the axis begins; None for a little below the least value.
    """
    values = [v for line in lines for _, v in line.known] + ([limit] if limit is not None else [])
    room_for_limit = 0.16 if limit is not None else 0.0
    axes = _axes(max(len(line.values) for line in lines), values, low, room_for_limit)
    ends = [f"{line.name} {text(line.known[-1][1])}" for line in lines if line.known]
    described = f"{title} over {axes.epochs} epochs; at the end: {', '.join(ends)}."
    parts = [*_grid(axes, text)]
    if limit is not None:
        y = axes.y(limit)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="limit"))
    known = [line for line in lines if line.known]
    at = _apart([axes.y(line.known[-1][1]) for line in known])
    for place, (line, y) in enumerate(zip(known, at, strict=True), start=1):
        # A chart of one line is named by its title; the value at its end says more.
        name = line.name if known[1:] else text(line.known[-1][1])
        parts += _line(axes, line, (name, y), f"series s{place}")
    if limit is not None:
        words = f"budget {text(limit)}"
        parts.append(label(WIDTH - RIGHT, axes.y(limit) + 13, words, "end", "tick"))
    return picture(WIDTH, HEIGHT, described, parts)


def _axes(epochs: int, values: Sequence[float], low: float | None, below: float) -> Axes:
    least = min(values) if low is None else min(low, *values)
    most = max(values)
    room = 0.06 * (most - least) or abs(most) * 0.1 or 1.0
    floor = least - max(room, below * (most - least)) if low is None else least
    return Axes(epochs, floor, most + room)


def _grid(axes: Axes, text: Callable[[float], str]) -> list[Markup]:
    parts = []
    for value in ticks(axes.low, axes.high, 4):
        y = axes.y(value)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(label(LEFT - 6, y + 4, text(value), "end", "tick"))
    for epoch in sorted({round(e) for e in ticks(1, axes.epochs, 4) if e >= 1} | {1}):
        parts.append(label(axes.x(epoch), HEIGHT - BOTTOM + 15, epoch, "middle", "tick"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(label(middle, HEIGHT - 3, "epoch", "middle", "tick"))
    return parts


def _line(axes: Axes, line: Line, name: tuple[str, float], class_: str) -> list[Markup]:
    points = " ".join(f"{axes.x(e):.1f},{axes.y(v):.1f}" for e, v in line.known)
    last = line.known[-1]
    return [
        tag("polyline", points=points, class_=class_),
        tag("circle", cx=axes.x(last[0]), cy=axes.y(last[1]), r=2.6, class_=f"dot {class_}"),
        label(WIDTH - RIGHT + 7, name[1] + 4, name[0], class_=f"name {class_}"),
    ]


def _apart(places: Sequence[float], least: float = 13.0) -> list[float]:
    """The same places, moved so that the names at them do not overlap."""
    order = sorted(range(len(places)), key=lambda place: places[place])
    moved = list(places)
    for before, after in itertools.pairwise(order):
        moved[after] = max(moved[after], moved[before] + least)
    lowest = float(HEIGHT - BOTTOM)
    for place in reversed(order):
        moved[place] = min(moved[place], lowest)
        lowest = moved[place] - least
    return moved
