"""A cost block by block: the network's bars in front of the largest network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .drawing import label, picture, tag

WIDTH, ROW, LEFT, RIGHT = 340, 19, 66, 54


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes:
        name: of the block.
        value: of the network.
        largest: of the largest network of the space; None where there is no space.
    """

    name: str
    value: float
    largest: float | None = None


def bar_chart(title: str, bars: Sequence[Bar], text: Callable[[float], str]) -> Markup:
    """Draws rows of bars in one unit.

    Args:
        title: for the description.
        bars: from the first block to the last.
        text: of a value.
    """
    most = max([1e-9, *(max(bar.value, bar.largest or 0) for bar in bars)])
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = []
    for place, bar in enumerate(bars):
        y = place * ROW
        parts.append(label(LEFT - 8, y + 13, bar.name, "end", "tick"))
        if bar.largest:
            width = bar.largest * scale
            parts.append(tag("rect", x=LEFT, y=y + 2, width=width, height=ROW - 4, class_="pale"))
        size = {"width": max(bar.value * scale, 0.6), "height": ROW - 9}
        parts.append(tag("rect", x=LEFT, y=y + 4.5, **size, class_="bar"))
        end = LEFT + max(bar.value, bar.largest or 0) * scale
        parts.append(label(end + 5, y + 13, text(bar.value), class_="tick"))
    highest = max(bars, key=lambda bar: bar.value)
    described = f"{title} block by block; the most is {text(highest.value)} in {highest.name}."
    return picture(WIDTH, len(bars) * ROW, described, parts)
