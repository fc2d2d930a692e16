"""A task in colour from real photographs: from which of ten was this 32x32 picture cut?

    apt-get install lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    python -m benchmarks.colour_task

writes `runs/data/photographs.npz`: 25,000 pictures to train and search with, 6,000 to test, as many
of each class. The photographs are wallpapers that Debian packages under free licences. Brightness,
contrast and tint of each picture are random, and it is turned and scaled at random, so what tells
the photographs apart is texture, and how colours differ inside it: leaves, rock, bark, fur, frost.
`benchmarks/photo_tiles.py` has the law that no pixel is in two pictures.

The same photographs and seed give the same file; Pillow decodes, so another version of its JPEG
library may change a last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from benchmarks.photo_tiles import Tile, picture, textured_tiles
from benchmarks.sentences import run

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "runs" / "data" / "photographs.npz"
FOLDER = Path("/usr/share/backgrounds")
PACKAGES = "lomiri-wallpapers-16.04 lomiri-wallpapers-20.04"

PHOTOGRAPHS = (
    "Dragonfly_by_Bolly.jpg",
    "Kleiber_by_Lukas_Baubkus.jpg",
    "Wine_by_Jakkub_Mede.jpg",
    "aitzgorri_by_Aitzol_Berasategi.jpg",
    "analogpattern_by_Peter_Nerlich.jpg",
    "friends_by_Aitzol_Berasategi.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "seeding_by_Clements_Engelhardt.jpg",
    "sunset_by_Aitzol_Berasategi.jpg",
)
"""The classes, in the order of their labels: those with enough that is not plain."""

TRAIN, TEST = 2500, 600
"""Pictures of a class. A tenth of `TRAIN` becomes a search's validation part."""

Arrays = dict[str, np.ndarray]


def build(photographs: Sequence[Image.Image], train: int, test: int, seed: int) -> Arrays:
    """The arrays of a data set of the kind `npz`.

    Args:
        photographs: one for each class, RGB.
        train, test: pictures of each class.
        seed: another seed gives other tiles, and other pictures of them.

    Returns:
        `x_train`, `x_test` uint8 `(pictures, 32, 32, 3)`, and `y_train`, `y_test` int32.

    Raises:
        ValueError: A photograph has too few tiles.
    """
    arrays: Arrays = {}
    for part, number in (("train", train), ("test", test)):
        pictures = []
        for label, photograph in enumerate(photographs):
            random = np.random.default_rng([seed, label, part == "test"])
            tiles = chosen_tiles(photograph, part == "test", number, random)
            pictures += [picture(photograph, tile, random) for tile in tiles]
        arrays[f"x_{part}"] = np.stack(pictures)
        arrays[f"y_{part}"] = np.repeat(np.arange(len(photographs), dtype=np.int32), number)
    return arrays


def chosen_tiles(
    photograph: Image.Image, is_test: bool, number: int, random: np.random.Generator
) -> list[Tile]:
    """Different tiles of one part."""
    tiles = [tile for tile in textured_tiles(photograph) if tile.is_test == is_test]
    if len(tiles) < number:
        raise ValueError(
            f"A photograph must have {number} tiles of a part. Received: {len(tiles)}."
        )
    return [tiles[place] for place in random.choice(len(tiles), number, replace=False)]


def read_photographs(folder: Path) -> list[Image.Image]:
    """The photographs of the task.

    Raises:
        SystemExit: One is missing; the message says what to install.
    """
    missing = [name for name in PHOTOGRAPHS if not (folder / name).is_file()]
    if missing:
        raise SystemExit(
            f"There is no '{folder / missing[0]}': run `apt-get install {PACKAGES}`, or name the "
            "folder of these packages' photographs by --photographs."
        )
    return [Image.open(folder / name).convert("RGB") for name in PHOTOGRAPHS]


def main(_: list[str]) -> None:
    """Writes the file."""
    values = flags.FLAGS
    arrays = build(read_photographs(Path(values.photographs)), TRAIN, TEST, values.seed)
    path = Path(values.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    sizes = {name: array.shape for name, array in arrays.items()}
    print(f"{path}: {sizes}, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    flags.DEFINE_string("photographs", str(FOLDER), "The folder of the photographs.")
    flags.DEFINE_string("output", str(OUTPUT), "The file to write.")
    flags.DEFINE_integer("seed", 0, "Of the choice of tiles, and of how pictures are cut.")
    run(main)
