"""Formats, palettes and orientations from the first bytes of real files."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from fbnetv2_tf.datasets.image_header import (
    ImageFormat,
    exif_orientation,
    has_colour_palette,
    image_format,
)


def encoded(kind: str, mode: str = "RGB", **settings: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **settings)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_format_is_told_by_the_first_bytes(kind: str) -> None:
    assert image_format(encoded(kind)[:12]) == ImageFormat[kind]


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xd8", b"II*\0", b"<html>", b"RIFF\0\0\0\0WAVE", b"%PDF"]
)
def test_other_files_have_no_format(head: bytes) -> None:
    assert image_format(head) is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_read_from_a_jpeg(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = orientation
    assert exif_orientation(encoded("JPEG", exif=exif)) == orientation


def test_orientation_is_read_in_both_byte_orders() -> None:
    for order, mark in (("<", b"II"), (">", b"MM")):
        tiff = mark + struct.pack(order + "HIH", 42, 8, 1)
        tiff += struct.pack(order + "HHIHH", 0x0112, 3, 1, 6, 0)
        segment = b"Exif\0\0" + tiff
        jpeg = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment
        assert exif_orientation(jpeg) == 6


def test_without_the_tag_an_image_stays_as_it_is() -> None:
    assert exif_orientation(encoded("JPEG")) == 1


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_makes_no_sense_is_passed_over(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert exif_orientation(encoded("JPEG", exif=exif)) == 1


def test_damaged_headers_never_raise() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded("JPEG", exif=exif)[:200]
    rng = np.random.default_rng(5)
    for length in range(len(whole)):
        assert exif_orientation(whole[:length]) in range(1, 9)
    for _ in range(500):
        damaged = bytearray(whole)
        for place in rng.integers(2, len(whole), 4):
            damaged[place] = rng.integers(256)
        assert exif_orientation(bytes(damaged)) in range(1, 9)
        assert has_colour_palette(b"BM" + bytes(damaged)) in (False, True)


@pytest.mark.parametrize(("mode", "expected"), [("L", False), ("RGB", False), ("P", True)])
def test_colour_palettes_of_bmp_are_told_from_grey_ones(mode: str, expected: bool) -> None:
    assert has_colour_palette(encoded("BMP", mode)) is expected
