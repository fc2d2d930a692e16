"""Accuracy against multiply-adds: the children of several budgets, or several runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..units import format_quantity
from .drawing import label, picture, tag, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 52, 70, 18, 40
LETTER, LINE = 6.5, 13
"""About the width of a letter of a name, and the height of its line."""


@dataclass(frozen=True)
class Point:
    """One network.

    Attributes:
        name: written beside it.
        macs: its multiply-adds.
        accuracy: 0 to 1.
        limit: its budget; None where it has none.
    """

    name: str
    macs: float
    accuracy: float
    limit: float | None = None


def front_chart(title: str, points: Sequence[Point], joined: bool) -> Markup:
    """Draws the networks; multiply-adds on a logarithmic axis.

    Args:
        title: for the description.
        points: at least one.
        joined: whether a line joins them, in the order of their cost.
    """
    ordered = sorted(points, key=lambda point: point.macs)
    limits = [p.limit for p in ordered if p.limit]
    edges = [math.log(v) for v in (*(p.macs for p in ordered), *limits)]
    room = 0.08 * (max(edges) - min(edges)) or 0.5
    low, high = min(edges) - room, max(edges) + room
    shares = [p.accuracy for p in ordered]
    spare = 0.15 * (max(shares) - min(shares)) or 0.02
    bottom, top = min(shares) - spare, max(shares) + spare

    def x(macs: float) -> float:
        return LEFT + (math.log(macs) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(accuracy: float) -> float:
        return HEIGHT - BOTTOM - (accuracy - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    parts = []
    for value in ticks(100 * bottom, 100 * top, 5):
        at = y(value / 100)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="grid"))
        parts.append(label(LEFT - 7, at + 4, f"{value:g} %", "end", "tick"))
    for limit in sorted(set(limits)):
        at = x(limit)
        parts.append(tag("line", x1=at, x2=at, y1=TOP, y2=HEIGHT - BOTTOM, class_="limit"))
        text = format_quantity(limit)
        parts.append(label(at, HEIGHT - BOTTOM + 15, text, "middle", "tick"))
    if not limits:
        for point in ordered:
            text = format_quantity(point.macs)
            parts.append(label(x(point.macs), HEIGHT - BOTTOM + 15, text, "middle", "tick"))
    if joined:
        line = " ".join(f"{x(p.macs):.1f},{y(p.accuracy):.1f}" for p in ordered)
        parts.append(tag("polyline", points=line, class_="series s1"))
    named: list[tuple[float, float, float]] = []
    for point in ordered:
        place = x(point.macs), y(point.accuracy)
        parts.append(tag("circle", cx=place[0], cy=place[1], r=4.5, class_="dot series s1"))
        text = f"{point.name} {100 * point.accuracy:.1f} %"
        is_right = place[0] > 0.6 * WIDTH
        below = 14 if joined and not is_right else -9
        beside = place[0] + (-8 if is_right else 8)
        anchor = "end" if is_right else "start"
        height = _free(beside, place[1] + below, LETTER * len(text), named)
        named.append((beside, height, LETTER * len(text)))
        parts.append(label(beside, height, text, anchor, "tick chosen"))
    axis = "multiply-adds for one image" + (" (dashed: the budgets)" if limits else "")
    parts.append(label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, axis, "middle", "tick"))
    said = "; ".join(
        f"{p.name}: {format_quantity(p.macs)}, {100 * p.accuracy:.1f} %" for p in ordered
    )
    return picture(WIDTH, HEIGHT, f"{title}. {said}.", parts, "front")


def _free(x: float, y: float, width: float, named: Sequence[tuple[float, float, float]]) -> float:
    """The height nearest below y at which a name beside x covers none of (x, y, width)."""
    while any(abs(x - a) < max(width, w) and abs(y - b) < LINE for a, b, w in named):
        y += 1
    return y
