"""Makes the shipped fashion_mnist_10k.npz from Debian's package `dataset-fashion-mnist`.

    apt-get install dataset-fashion-mnist
    python benchmarks/make_fashion_mnist_10k.py

The file holds the 10,000 images and labels of the package's t10k files, unchanged and in their
order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fbnetv2_tf.datasets.idx import read_idx

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
SHIPPED = Path(__file__).parents[1] / "fbnetv2_tf/datasets/data/fashion_mnist_10k.npz"


def main() -> None:
    """Reads the t10k files and writes the compressed arrays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=DEBIAN_FOLDER, help="where the idx files are"
    )
    parser.add_argument("--output", type=Path, default=SHIPPED, help="the .npz file to write")
    options = parser.parse_args()
    images = read_idx(options.folder / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(options.folder / "t10k-labels-idx1-ubyte.gz")
    np.savez_compressed(options.output, images=images, labels=labels)
    size_kib = options.output.stat().st_size // 1024
    print(f"{options.output}: {len(images)} images of {images.shape[1:]}, {size_kib} KiB")


if __name__ == "__main__":
    main()
