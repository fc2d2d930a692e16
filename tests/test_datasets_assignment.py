"""Division by content hash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fbnetv2_tf.datasets.assignment import (
    NO_TEST,
    OWN_TEST,
    Shares,
    assign,
    content_hash,
    content_hashes,
    require_parts,
)
from fbnetv2_tf.errors import DataError


def hashed(count: int, start: int = 0) -> np.ndarray:
    return content_hashes(b"image %d" % number for number in range(start, start + count))


def names_by_image(parts: dict[str, np.ndarray], images: int) -> list[str]:
    names = [""] * images
    for name, positions in parts.items():
        for position in positions:
            names[position] = name
    return names


def test_hash_is_the_published_blake2b() -> None:
    # hashlib.blake2b(b"abc", digest_size=8, key=b"0"), fixed for ever: all divisions rest on it.
    assert content_hash(b"abc") == 0x86F449F959A4F30D
    assert content_hash(b"abc", seed=1) != content_hash(b"abc")


@pytest.mark.parametrize(
    ("shares", "sizes"), [(NO_TEST, [10, 10, 16, 64]), (OWN_TEST, [0, 10, 18, 72])]
)
def test_shares_are_kept_within_each_class(shares: Shares, sizes: list[int]) -> None:
    labels = np.repeat(np.arange(3, dtype=np.int32), 100)
    parts = assign(hashed(300), labels, shares)
    for label in range(3):
        assert [int((labels[at] == label).sum()) for at in parts.values()] == sizes


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    contents=st.data(),
)
@settings(max_examples=50, deadline=None)
def test_parts_are_disjoint_and_complete_and_duplicates_stay_together(
    labels: list[int], contents: st.DataObject
) -> None:
    images = contents.draw(st.lists(st.integers(0, 30), min_size=len(labels), max_size=len(labels)))
    hashes = content_hashes(b"%d" % image for image in images)
    parts = assign(hashes, np.array(labels, np.int32), NO_TEST)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    names = names_by_image(parts, len(labels))
    for image in set(images):
        assert len({name for name, other in zip(names, images, strict=True) if other == image}) == 1


def test_division_does_not_depend_on_the_order_of_the_images() -> None:
    labels = np.tile(np.arange(4, dtype=np.int32), 25)
    hashes = hashed(100)
    order = np.random.default_rng(3).permutation(100)
    names = np.array(names_by_image(assign(hashes, labels, NO_TEST), 100))
    shuffled = names_by_image(assign(hashes[order], labels[order], NO_TEST), 100)
    assert names[order].tolist() == shuffled


def test_images_added_later_move_few_others() -> None:
    labels = np.zeros(1100, np.int32)
    before = names_by_image(assign(hashed(1000), labels[:1000], NO_TEST), 1000)
    after = names_by_image(assign(hashed(1100), labels, NO_TEST), 1100)
    moved = sum(old != new for old, new in zip(before, after, strict=False))
    # Drawn anew, about half of the images would be elsewhere.
    assert moved < 30


def test_another_seed_is_another_division() -> None:
    labels = np.zeros(1000, np.int32)
    contents = [b"%d" % number for number in range(1000)]
    tests = [
        set(assign(content_hashes(contents, seed), labels, NO_TEST)["test"]) for seed in (0, 1)
    ]
    assert len(tests[0]) == len(tests[1]) == 100
    assert len(tests[0] & tests[1]) < 30


def test_an_empty_part_is_refused() -> None:
    labels = np.array([0, 0, 1, 1], np.int32)
    parts = assign(hashed(4), labels, NO_TEST)
    with pytest.raises(DataError, match=r"Received: 4 images, which leave the \w+ part empty"):
        require_parts(parts, 4, "'here'")


@pytest.mark.parametrize("shares", [NO_TEST, OWN_TEST])
@pytest.mark.parametrize("images", [8, 9, 10, 15, 40])
def test_eight_images_of_one_class_fill_every_part(shares: Shares, images: int) -> None:
    parts = assign(hashed(images), np.zeros(images, np.int32), shares)
    if shares is OWN_TEST:
        del parts["test"]
    require_parts(parts, images, "'here'")
