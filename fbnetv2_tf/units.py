"""Numbers with units, as a person writes them on a command line: `60M`, `512Ki`, `8ms`.

Arithmetic is exact (fractions), so `0.1M` is 100000 and not one less.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .errors import InputError

COUNT, KIB, MS = "", "KiB", "ms"
"""What a quantity is measured in: a whole count (of MACs, of weights), KiB, or milliseconds."""

_DECIMAL = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

# For each unit: the suffixes that it takes, and what one of each is worth in that unit.
_SUFFIXES: dict[str, dict[str, Fraction]] = {
    COUNT: {suffix: Fraction(worth) for suffix, worth in {**_DECIMAL, **_BINARY}.items()},
    KIB: {
        "": Fraction(1),
        "B": Fraction(1, 1024),
        **{f"{suffix}B": Fraction(worth, 1024) for suffix, worth in _DECIMAL.items() if suffix},
        **{suffix: Fraction(worth, 1024) for suffix, worth in _BINARY.items()},
        **{f"{suffix}B": Fraction(worth, 1024) for suffix, worth in _BINARY.items()},
    },
    MS: {"": Fraction(1), "us": Fraction(1, 1000), "ms": Fraction(1), "s": Fraction(1000)},
}

_QUANTITY = re.compile(
    r"\s*(\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(e[+-]?\d{1,2})?\s*([A-Za-z]*)\s*", re.ASCII
)


def parse_quantity(text: str, unit: str = COUNT) -> float:
    """Reads a positive quantity.

    Args:
        text: a number and, where wanted, a suffix: `60M`, `512Ki`, `1.5MiB`, `8ms`, `60e6`.
        unit: `COUNT`, `KIB` or `MS`: what a number without a suffix is in, and the result.

    Returns:
        The quantity in `unit`; an int for `COUNT`, which must be whole.

    Raises:
        InputError: naming what was received and the suffixes that there are.

    Example:
        >>> parse_quantity("60M"), parse_quantity("2MiB", KIB), parse_quantity("500us", MS)
        (60000000, 2048.0, 0.5)
    """
    found = _QUANTITY.fullmatch(text)
    worth = _SUFFIXES[unit].get(found.group(3)) if found else None
    if not found or worth is None:
        noun = {COUNT: "a count", KIB: "a size (KiB)", MS: "a duration (ms)"}[unit]
        suffixes = ", ".join(suffix for suffix in _SUFFIXES[unit] if suffix)
        raise InputError(
            f"{noun.capitalize()} must be a number, with a suffix or without ({suffixes}). "
            f"Received: {text[:40]!r}."
        )
    value = Fraction(found.group(1) + (found.group(2) or "")) * worth
    if value <= 0:
        raise InputError(f"A limit must be above zero. Received: {text[:40]!r}.")
    if unit != COUNT:
        return float(value)
    if value.denominator != 1:
        raise InputError(
            f"A count must be whole. Received: {text[:40]!r}, which is {float(value)}."
        )
    return int(value)


def format_quantity(value: float, unit: str = COUNT) -> str:
    """A quantity with three significant digits or more, for a table.

    Args:
        value: zero or above, in `unit`.
        unit: `COUNT`, `KIB` or `MS`.

    Example:
        >>> format_quantity(56_231_936), format_quantity(0.25, MS), format_quantity(12.0, KIB)
        ('56.2M', '0.250 ms', '12.0 KiB')
        >>> format_quantity(0.07254, MS)
        '0.0725 ms'
    """
    if unit == COUNT:
        for suffix in ("T", "G", "M", "k"):
            if value >= _DECIMAL[suffix]:
                return _three_digits(value / _DECIMAL[suffix]) + suffix
        return f"{value:.0f}"
    if unit == KIB and value >= 1024:
        return f"{_three_digits(value / 1024)} MiB"
    return f"{_three_digits(value)} {unit}"


def format_seconds(seconds: float) -> str:
    """A time as a clock would show it.

    Example:
        >>> format_seconds(59.6), format_seconds(244), format_seconds(3750)
        ('1:00', '4:04', '1:02:30')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _three_digits(value: float) -> str:
    exponent = int(f"{value:.2e}".split("e")[1])
    return f"{value:.{min(max(2 - exponent, 0), 6)}f}"
