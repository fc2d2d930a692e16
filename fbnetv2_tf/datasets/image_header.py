"""What the first bytes of an image file say, read without decoding it."""

from __future__ import annotations

import enum
import struct

_ORIENTATION_TAG = 0x0112
_GREY_PALETTE = b"".join(bytes((level, level, level)) for level in range(256))


class ImageFormat(enum.IntEnum):
    """The formats that TensorFlow decodes."""

    JPEG = 1
    PNG = 2
    GIF = 3
    BMP = 4
    WEBP = 5


def image_format(head: bytes) -> ImageFormat | None:
    """The format that a file's first 12 bytes announce, whatever its name says.

    Args:
        head: The beginning of the file.

    Returns:
        The format, or `None` for anything else.

    Example:
        >>> image_format(b"GIF89a......").name
        'GIF'
    """
    if head[:3] == b"\xff\xd8\xff":
        return ImageFormat.JPEG
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return ImageFormat.PNG
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return ImageFormat.GIF
    if head[:2] == b"BM":
        return ImageFormat.BMP
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ImageFormat.WEBP
    return None


def has_colour_palette(head: bytes) -> bool:
    """Whether a BMP file has 8 bits a pixel that stand for colours.

    TensorFlow takes them for greys.

    Args:
        head: The first 2 KiB of a BMP file.
    """
    if len(head) < 30 or struct.unpack_from("<H", head, 28)[0] != 8:
        return False
    start = 14 + struct.unpack_from("<I", head, 14)[0]
    entries = head[start : start + 1024]
    colours = b"".join(entries[at : at + 3] for at in range(0, len(entries), 4))
    return colours != _GREY_PALETTE[: len(colours)]


def exif_orientation(head: bytes) -> int:
    """How a JPEG file is to be turned before it is looked at (EXIF tag 274).

    Args:
        head: The first bytes of a JPEG file; a few KiB are enough, since the tag comes early.

    Returns:
        1 to 8; 1 (as it is) when there is no such tag or it makes no sense.
    """
    place = 2
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], struct.unpack_from(">H", head, place + 2)[0]
        segment = head[place + 4 : place + 2 + length]
        if marker == 0xE1 and segment[:6] == b"Exif\0\0":
            return _orientation_in_tiff(segment[6:])
        if marker == 0xDA or length < 2:
            break
        place += 2 + length
    return 1


def _orientation_in_tiff(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    start = struct.unpack_from(order + "I", tiff, 4)[0]
    if start + 2 > len(tiff):
        return 1
    entries = struct.unpack_from(order + "H", tiff, start)[0]
    for place in range(start + 2, min(start + 2 + 12 * entries, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, place)
        if tag == _ORIENTATION_TAG:
            return value if kind == 3 and 1 <= value <= 8 else 1
    return 1
