"""Names from strangers, as a terminal and a log can show them."""

from __future__ import annotations

_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
"""What Python makes of a byte in a file name that is no UTF-8."""


def printable(text: str) -> str:
    r"""A text on one line; line breaks, terminal commands and bytes that are no text written out.

    Example:
        >>> printable("caf\u00e9 a\nb\x1b[2J"), printable("\udce9")
        ('café a\\nb\\x1b[2J', '\\xe9')
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if _FIRST_BYTE <= ord(character) <= _LAST_BYTE:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
