"""Which image belongs to which part of a data set, decided by what the image is.

An image's rank is a hash of its own bytes, so a split needs no list of names and no random
generator whose stream may change: the same images give the same split on every machine and in every
later version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError


@dataclass(frozen=True)
class Shares:
    """The parts of a data set as fractions of all its images.

    Attributes:
        test: Fraction held back for the final figure; 0 when the data set comes with its own test
            images.
        validation: Fraction that compares networks, in [0, 1).
        architecture: Fraction that trains the architecture variables. What is left trains the
            weights.
    """

    test: float
    validation: float
    architecture: float


OWN_TEST = Shares(test=0.0, validation=0.1, architecture=0.18)
"""With own test images: 10 % validation, then 80/20 between weights and architecture."""

NO_TEST = Shares(test=0.1, validation=0.1, architecture=0.16)
"""Without test images: 10 % test, 10 % validation, then 80/20."""

PARTS = ("test", "validation", "architecture", "weights")


def content_hash(content: bytes | memoryview, seed: int = 0) -> int:
    """Hashes the bytes of an image to 64 bits with BLAKE2b, keyed by the seed.

    Args:
        content: The bytes.
        seed: Another seed gives another, equally valid, order of the same images.

    Returns:
        An integer in [0, 2^64).
    """
    digest = hashlib.blake2b(content, digest_size=8, key=b"%d" % seed).digest()
    return int.from_bytes(digest, "big")


def content_hashes(contents: Iterable[bytes | memoryview], seed: int = 0) -> NDArray[np.uint64]:
    """The `content_hash` of each image, shape `(images,)`."""
    return np.array([content_hash(content, seed) for content in contents], np.uint64)


def assign(
    hashes: NDArray[np.uint64], labels: NDArray[np.int32], shares: Shares
) -> dict[str, NDArray[np.int64]]:
    """Divides images into test, validation, architecture and weights, class by class.

    Within a class, images are ranked by hash: the first `test` fraction is the test part, and so
    on, each count rounded to the nearest image. Images with one hash (duplicates) always land in
    one part, even when they carry different labels. An image added later moves no other image,
    except for the few at a border between two parts.

    Args:
        hashes: One hash for each image, shape `(images,)`.
        labels: One class for each image, shape `(images,)`.
        shares: The fractions wanted.

    Returns:
        Sorted positions of the images of each part, by the names in `PARTS`; a part may be empty.
    """
    unique, group = np.unique(hashes, return_inverse=True)
    part_of_group = np.empty(len(unique), np.int64)
    group_label = np.full(len(unique), np.iinfo(np.int32).max, np.int32)
    np.minimum.at(group_label, group, labels)
    borders = np.cumsum([shares.test, shares.validation, shares.architecture])
    for label in np.unique(group_label):
        members = np.flatnonzero(group_label == label)
        cuts = np.floor(borders * len(members) + 0.5)
        part_of_group[members] = np.searchsorted(cuts, np.arange(len(members)), side="right")
    part = part_of_group[group]
    return {name: np.flatnonzero(part == number) for number, name in enumerate(PARTS)}


def require_parts(parts: dict[str, NDArray[np.int64]], images: int, where: str) -> None:
    """Refuses a division in which a part has no image.

    Raises:
        DataError: A part is empty.
    """
    empty = [name for name in reversed(PARTS) if name in parts and not len(parts[name])]
    if empty:
        raise DataError(
            f"{where} must have enough images for every part (8 in some class will do). "
            f"Received: {images} images, which leave the {empty[0]} part empty."
        )
