"""A network as pixels, for places that take no SVG: the bars of `network_picture`, and the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..architecture import Architecture
from ..space import Space
from .network_shape import Column, network_columns, scale_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMN, BAR, TOP, HEIGHT, ROW, SIZE = 76, 48, 40, 220, 22, 17
COLOURS = ("#c99a2c", "#8a9a2f", "#3f9160", "#1f8a8f", "#2e6fae", "#6259b3", "#914a92")
INK, OUTLINE, PAPER = "#1d2733", "#9aa5b1", "#ffffff"


def network_image(architecture: Architecture, space: Space | None = None) -> NDArray[np.uint8]:
    """Draws a network.

    Args:
        architecture: the network.
        space: where it was searched; what it could have had is drawn in outline.

    Returns:
        RGB pixels (height, width, 3).
    """
    columns = network_columns(architecture, space)
    size = (COLUMN * len(columns), TOP + HEIGHT + 6 * ROW)
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    for place, column in enumerate(columns):
        _column(draw, column, COLUMN * place, scale_of(columns))
    return np.asarray(image, dtype=np.uint8)


def _column(draw: ImageDraw.ImageDraw, column: Column, left: int, scale: int) -> None:
    """One block: its bar, its channels above, its tokens below."""
    middle = left + COLUMN / 2
    if column.range is not None:
        draw.rectangle(_box(middle, column.range[1] / scale), outline=OUTLINE)
    box = _box(middle, column.channels / scale)
    is_skip = column.kind == "sk"
    colour = COLOURS[column.shade]
    draw.rectangle(box, fill=None if is_skip else colour, outline=colour, width=2)
    font = ImageFont.load_default(SIZE)
    draw.text((middle, TOP - 12), str(column.channels), INK, font=font, anchor="mm")
    stride = " s2" if column.stride > 1 else ""
    rows = (
        column.kind,
        f"{column.side}x{column.side}",
        f"k{column.kernel}{stride}" if column.kernel else "",
        f"e{column.expansion}" if column.expansion else "",
        f"{column.activation}{' se' if column.se else ''}",
    )
    for row, text in enumerate(rows):
        place = (middle, TOP + HEIGHT + ROW * (row + 0.8))
        draw.text(place, text, INK, font=font, anchor="mm")


def _box(middle: float, share: float) -> tuple[float, float, float, float]:
    half = max(2.0, min(1.0, share) * HEIGHT) / 2
    centre = TOP + HEIGHT / 2
    return (middle - BAR / 2, centre - half, middle + BAR / 2, centre + half)
