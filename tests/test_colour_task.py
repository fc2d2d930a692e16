"""The task in colour: pictures of one photograph are disjoint, and the seed decides them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.colour_task import build, chosen_tiles, read_photographs
from benchmarks.photo_tiles import (
    BLOCK,
    LEVEL,
    SIDE,
    TILE,
    Tile,
    hue_rotation,
    picture,
    recoloured,
    textured_tiles,
)

ROWS, COLUMNS = 12, 22


def photograph(seed: int = 0) -> Image.Image:
    """Noise, of ROWS x COLUMNS tiles and a rest that is smaller than one."""
    shape = (ROWS * TILE + 5, COLUMNS * TILE + 3, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def pixels_of(tiles: list[Tile]) -> np.ndarray:
    """How many of the tiles hold each pixel."""
    count = np.zeros((ROWS * TILE + 5, COLUMNS * TILE + 3), int)
    for left, top, right, bottom in (tile.box for tile in tiles):
        count[top:bottom, left:right] += 1
    return count


def test_no_pixel_is_in_two_tiles() -> None:
    tiles = textured_tiles(photograph())
    assert len(tiles) == ROWS * COLUMNS
    assert pixels_of(tiles).max() == 1


def test_training_and_test_are_of_disjoint_regions() -> None:
    random = np.random.default_rng(0)
    image = photograph()
    train = chosen_tiles(image, False, 150, random)
    test = chosen_tiles(image, True, 40, random)
    assert (pixels_of(train) + pixels_of(test)).max() == 1
    of_test = {(tile.row // BLOCK, tile.column // BLOCK) for tile in test}
    assert not of_test & {(tile.row // BLOCK, tile.column // BLOCK) for tile in train}


def test_one_block_of_five_is_for_the_test() -> None:
    side = 5 * BLOCK
    shares = [Tile(row, column).is_test for row in range(side) for column in range(side)]
    assert np.mean(shares) == 0.2


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_shows_nothing_outside_its_tile(seed: int) -> None:
    tile = Tile(3, 4)
    image = photograph()
    inside = image.crop(tile.box)
    alone = Image.new("RGB", image.size)
    alone.paste(inside, tile.box[:2])
    one, other = (picture(i, tile, np.random.default_rng(seed)) for i in (image, alone))
    assert one.shape == (SIDE, SIDE, 3)
    np.testing.assert_array_equal(one, other)


def test_plain_tiles_are_left_out() -> None:
    image = photograph()
    image.paste((90, 120, 200), Tile(2, 7).box)
    left = set(textured_tiles(image))
    assert Tile(2, 7) not in left
    assert len(left) == ROWS * COLUMNS - 1


def test_the_seed_decides_every_picture() -> None:
    images = [photograph(0), photograph(1)]
    first, again, other = (build(images, 40, 10, seed) for seed in (0, 0, 1))
    assert first["x_train"].shape == (80, SIDE, SIDE, 3)
    assert first["x_test"].shape == (20, SIDE, SIDE, 3)
    assert np.bincount(first["y_train"]).tolist() == [40, 40]
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    assert not np.array_equal(first["x_test"], other["x_test"])


def test_the_mean_colour_tells_nothing() -> None:
    pixels = np.random.default_rng(0).uniform(0, 60, (SIDE, SIDE, 3))
    one, other = (
        recoloured(pixels + tint, np.random.default_rng(5)) for tint in ((0, 0, 0), (150, 20, 80))
    )
    assert np.abs(one.astype(int) - other).max() <= LEVEL
    assert set(np.unique(one % LEVEL)) == {0}


def test_hues_turn_around_grey() -> None:
    turn = hue_rotation(2 * np.pi / 3)
    np.testing.assert_allclose(turn @ [1, 1, 1], [1, 1, 1], atol=1e-12)
    np.testing.assert_allclose(turn @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_too_few_tiles_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"must have 999 tiles of a part\. Received: "):
        chosen_tiles(photograph(), False, 999, np.random.default_rng(0))


def test_a_missing_photograph_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"apt-get install lomiri-wallpapers-16\.04"):
        read_photographs(tmp_path)
