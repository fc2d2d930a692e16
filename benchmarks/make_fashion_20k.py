"""Makes the judge's data from Debian's package `dataset-fashion-mnist`.

    apt-get install dataset-fashion-mnist
    python -m benchmarks.make_fashion_20k

The first 2,000 training images of each class, and the 10,000 test images, in their order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.make_fashion_mnist_10k import DEBIAN_FOLDER
from benchmarks.trials import DATA
from fbnetv2_tf.datasets.idx import read_idx

EACH = 2000
"""Training images of a class."""


def main() -> None:
    """Reads the idx files and writes the arrays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=DEBIAN_FOLDER, help="of the idx files")
    parser.add_argument("--output", type=Path, default=DATA, help="the .npz file to write")
    options = parser.parse_args()
    arrays = {}
    for short, name in (("train", "train"), ("test", "t10k")):
        arrays[f"x_{short}"] = read_idx(options.folder / f"{name}-images-idx3-ubyte.gz")
        arrays[f"y_{short}"] = read_idx(options.folder / f"{name}-labels-idx1-ubyte.gz")
    labels = arrays["y_train"]
    first = np.sort(np.concatenate([np.flatnonzero(labels == c)[:EACH] for c in np.unique(labels)]))
    arrays["x_train"], arrays["y_train"] = arrays["x_train"][first], labels[first]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.output, **arrays)
    print(f"{options.output}: {len(first)} training and {len(arrays['x_test'])} test images")


if __name__ == "__main__":
    main()
