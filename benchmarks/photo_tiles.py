"""Small pictures cut from a large photograph so that no two of them share a pixel.

A photograph is divided into tiles of `TILE` pixels, and each tile gives one picture at most. Tiles
form blocks of `BLOCK` x `BLOCK`; one block of five, along a knight's move, is for the test, so that
both parts see all of a photograph, and the test asks for places that were never trained on. Since
pictures are disjoint, any further division of them, as a search makes one, is disjoint as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

TILE = 36
BLOCK = 8
SIDE = 32
"""Of a picture, pixels."""

SMALLEST = 24
"""The smallest square of a photograph that becomes a picture; the largest is a whole tile."""

PLAIN = 4.0
"""A tile whose luminance deviates by less (of 255) shows nothing: sky, or what is out of focus."""


@dataclass(frozen=True, order=True)
class Tile:
    """A square of a photograph.

    Attributes:
        row, column: of the grid of tiles.
    """

    row: int
    column: int

    @property
    def is_test(self) -> bool:
        """Whether it lies in a block of the test."""
        return (self.column // BLOCK + 2 * (self.row // BLOCK)) % 5 == 0

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, pixels; right and bottom are outside."""
        left, top = TILE * self.column, TILE * self.row
        return left, top, left + TILE, top + TILE


def textured_tiles(photograph: Image.Image) -> list[Tile]:
    """The tiles that show something, row by row.

    Args:
        photograph: of the mode RGB.
    """
    grey = np.asarray(photograph.convert("L"), np.float64)
    rows, columns = grey.shape[0] // TILE, grey.shape[1] // TILE
    tiled = grey[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    places = np.argwhere(tiled.std(axis=(1, 3)) >= PLAIN)
    return [Tile(int(row), int(column)) for row, column in places]


def picture(photograph: Image.Image, tile: Tile, random: np.random.Generator) -> np.ndarray:
    """A square from a tile at a random scale and place, turned, mirrored and recoloured.

    Args:
        photograph: of the mode RGB.
        tile: the square must lie in it.
        random: decides everything; each picture takes the same number of values from it.

    Returns:
        uint8 of shape `(SIDE, SIDE, 3)`.
    """
    side = random.uniform(SMALLEST, TILE)
    left, top = random.uniform(0, TILE - side, 2)
    cut = photograph.crop(tile.box).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
    )
    turned = np.rot90(np.asarray(cut, np.float64), random.integers(4))
    mirrored = turned[:, ::-1] if random.random() < 0.5 else turned
    return recoloured(mirrored, random)


def recoloured(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The pixels in other light, so that a mean colour tells nothing and texture has to.

    The mean of each channel and the deviation of all become random ones, and colours turn around
    the grey axis.

    Args:
        pixels: of shape `(height, width, 3)`, 0 to 255.
        random: decides the light.
    """
    centred = (pixels - pixels.mean(axis=(0, 1))) @ hue_rotation(random.uniform(-HUE, HUE)).T
    deviation = max(float(centred.std()), 1.0)
    mean = 127.5 + random.uniform(-SHADE, SHADE) + random.uniform(-TINT, TINT, 3)
    lit = mean + centred * random.uniform(*CONTRAST) / deviation
    return (LEVEL * np.clip(np.rint(lit / LEVEL), 0, 255 // LEVEL)).astype(np.uint8)


HUE = np.pi / 6
"""The largest turn of colours, radians."""

SHADE, TINT = 40.0, 20.0
"""Largest shift of the mean brightness, and of each channel beside it, of 255."""

CONTRAST = (25.0, 50.0)
"""Deviation of a picture's values."""

LEVEL = 5
"""Of brightness; coarse enough to hide much of JPEG's own noise, and to pack a third smaller."""


def hue_rotation(angle: float) -> np.ndarray:
    """The rotation of (red, green, blue) around the grey axis (1, 1, 1), by Rodrigues' formula.

    Args:
        angle: radians.
    """
    axis = np.full(3, 3**-0.5)
    cross = np.cross(np.eye(3), axis)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
