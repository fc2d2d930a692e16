"""A network drawn to scale: height for channels, colour for resolution, a mark for the kind."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ..architecture import Architecture
from ..space import Space
from .drawing import label, picture, tag
from .network_shape import KINDS, Column, network_columns, scale_of

COLUMN, LEFT, TOP, HEIGHT, ROW = 46, 66, 22, 150, 19
BAR = 30
ROWS = ("kind", "map", "kernel", "expansion", "SE", "activation")


def network_picture(
    architecture: Architecture, space: Space | None = None, scale: int | None = None
) -> Markup:
    """Draws a network.

    Args:
        architecture: the network.
        space: where it was searched; what it could have had is drawn in outline.
        scale: channels of the full height, so that several pictures compare; None for its own.
    """
    columns = network_columns(architecture, space)
    scale = scale or scale_of(columns)
    parts: list[Markup] = []
    for place, column in enumerate(columns):
        parts += _bar(column, LEFT + place * COLUMN, scale)
    parts += _table(columns)
    described = "; ".join(column.words for column in columns)
    width = LEFT + COLUMN * len(columns)
    height = TOP + HEIGHT + 10 + ROW * len(ROWS) + 6
    drawn = picture(
        width, height, f"The network from left to right: {described}.", parts, "network"
    )
    # It grows with the page, and scrolls where it would become too small to read.
    return tag(
        "div", drawn, style=f"min-width: {0.86 * width:.0f}px; max-width: {1.45 * width:.0f}px"
    )


def kind_mark(kind: str, x: float, y: float) -> Markup:
    """The mark of a kind, around (x, y)."""
    if kind == "cn":
        return tag("rect", x=x - 5, y=y - 5, width=10, height=10, class_="mark")
    if kind == "ds":
        return tag("path", d=f"M{x} {y - 6}l6 6l-6 6l-6 -6z", class_="mark")
    if kind == "ir":
        return tag("path", d=f"M{x - 6} {y - 2}l6 -4l6 4v4l-6 4l-6 -4z", class_="mark")
    if kind == "sk":
        return tag("path", d=f"M{x - 7} {y}h11m-4 -4l4 4l-4 4", class_="mark open")
    if kind == "ip":
        return tag("circle", cx=x, cy=y, r=5.5, class_="mark")
    if kind == "pl":
        return tag("circle", cx=x, cy=y, r=4.5, class_="mark open")
    if kind == "fc":
        return tag("path", d=f"M{x} {y - 6}l6 11h-12z", class_="mark")
    return tag("rect", x=x - 5, y=y - 5, width=10, height=10, class_="mark open")


def legend_marks(architecture: Architecture) -> list[tuple[Markup, str]]:
    """Mark and words of every kind in a network, for the legend."""
    kinds = dict.fromkeys(block.kind for block in architecture.blocks)
    size = {"width": 16, "height": 16, "viewBox": "0 0 16 16", "aria_hidden": "true"}
    return [(tag("svg", kind_mark(kind, 8, 8), **size), KINDS[kind]) for kind in kinds]


def _bar(column: Column, x: float, scale: int) -> list[Markup]:
    """The bar of a block, centred; what the space has there in outline."""
    middle = TOP + HEIGHT / 2
    height = min(1.0, column.channels / scale) * HEIGHT
    left = x + (COLUMN - BAR) / 2
    parts = [tag("title", column.words)]
    if column.range is not None:
        outline = min(1.0, column.range[1] / scale) * HEIGHT
        size = {"width": BAR, "height": outline}
        parts.append(tag("rect", x=left, y=middle - outline / 2, rx=3, **size, class_="could"))
    size = {"width": BAR, "height": max(height, 2.0)}
    class_ = f"r{column.shade}" + (" thin" if column.kind == "sk" else "")
    parts.append(tag("rect", x=left, y=middle - height / 2, rx=3, **size, class_=class_))
    if column.channels > scale:
        d = f"M{left - 2} {middle + 6}l9 -6l8 6l9 -6l10 6"
        parts.append(tag("path", d=d, class_="break"))
    top = middle - max(height, min(1.0, (column.range or (0, 0))[1] / scale) * HEIGHT) / 2
    parts.append(label(x + COLUMN / 2, top - 6, column.channels, "middle", "count"))
    return [tag("g", *parts)]


def _table(columns: Sequence[Column]) -> list[Markup]:
    """Below the bars: the tokens of every block, a row for each."""
    top = TOP + HEIGHT + 10
    parts = []
    for row, name in enumerate(ROWS):
        y = top + ROW * row + 14
        parts.append(label(0, y, name, class_="tick"))
        if row:
            width = LEFT + COLUMN * len(columns)
            line = {"y1": y - 13.5, "y2": y - 13.5}
            parts.append(tag("line", x1=0, x2=width, **line, class_="grid"))
        for place, column in enumerate(columns):
            x = LEFT + COLUMN * (place + 0.5)
            parts += _cell(name, column, x, y)
    return parts


def _cell(name: str, column: Column, x: float, y: float) -> list[Markup]:
    if name == "kind":
        return [kind_mark(column.kind, x - 8, y - 5), label(x + 3, y, column.kind, class_="value")]
    if name == "map":
        swatch = {"width": 8, "height": 8}
        box = tag("rect", x=x - 14, y=y - 9, rx=2, **swatch, class_=f"r{column.shade}")
        return [box, label(x - 3, y, column.side, class_="value")]
    if name == "kernel":
        text = f"{column.kernel}×{column.kernel}" if column.kernel else ""
        text += " ↓" if column.stride > 1 else ""
    else:
        text = {
            "expansion": f"×{column.expansion}" if column.expansion else "",
            "SE": column.se,
            "activation": column.activation,
        }[name]
    return [label(x, y, text, "middle", "value")] if text else []
