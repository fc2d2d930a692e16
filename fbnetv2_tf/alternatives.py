"""The alternatives of one token of a space, as text and as values: `3/5`, `8/16:32:8`."""

from __future__ import annotations

from decimal import Decimal

from .architecture import read_value
from .errors import SpaceError
from .tokens import (
    MAXIMUM_ALTERNATIVES,
    NUMBER,
    SEARCHABLE,
    Token,
    Value,
    format_value,
)


def is_searchable(kind: str, token: Token) -> bool:
    """Whether a token of a kind may be alternatives; channels of `in` and `fc` may not."""
    return token.name in SEARCHABLE and not (token.name == "c" and kind in ("in", "fc"))


def read_values(where: str, kind: str, token: Token, text: str) -> tuple[Value, ...]:
    """All alternatives of one token, ranges written out.

    Args:
        where: the opening of an error's sentence, which says in which block the token stands.
        kind: the block's kind.
        token: which token.
        text: what stands behind its name.

    Returns:
        The values in the order of the text.

    Raises:
        SpaceError: a value is none, is given twice, or may not be searched.
    """
    values: list[Value] = []
    for part in text.split("/"):
        if ":" in part:
            values.extend(_read_range(where, token, part))
        else:
            values.append(read_value(where, token, part, SpaceError))
        if len(values) > MAXIMUM_ALTERNATIVES:
            raise SpaceError(
                f"{where}: {token.name!r} may have at most {MAXIMUM_ALTERNATIVES} alternatives. "
                f"Received: more."
            )
    if len(set(values)) < len(values):
        raise SpaceError(
            f"{where}: an alternative of {token.name!r} is given twice. "
            f"Received: {(token.name + text)[:60]!r}."
        )
    if len(values) > 1 and not is_searchable(kind, token):
        raise SpaceError(
            f"{where}: {token.name!r} of {kind!r} cannot be searched, so it must be one value. "
            f"Received: {(token.name + text)[:60]!r}."
        )
    return tuple(values)


def format_values(values: tuple[Value, ...]) -> str:
    """Alternatives as text: runs of at least three equal steps become ranges.

    Example:
        >>> format_values((8, 16, 24, 32, 48)), format_values(("re", "hs")), format_values((0.5,))
        ('8:32:8/48', 're/hs', '0.5')
    """
    texts = [format_value(value) for value in values]
    numbers = [] if isinstance(values[0], str) else [Decimal(text) for text in texts]
    parts: list[str] = []
    start = 0
    while start < len(values):
        end = _end_of_run(numbers, start)
        if end - start >= 3:
            step = format((numbers[start + 1] - numbers[start]).normalize(), "f")
            parts.append(f"{texts[start]}:{texts[end - 1]}:{step}")
        else:
            end = start + 1
            parts.append(texts[start])
        start = end
    return "/".join(parts)


def _read_range(where: str, token: Token, part: str) -> list[Value]:
    bounds = part.split(":")
    shown = f"Received: {(token.name + part)[:60]!r}."
    if len(bounds) != 3 or token.low is None:
        raise SpaceError(f"{where}: a range must be low:high:step of numbers. {shown}")
    for bound in bounds[:2]:
        read_value(where, token, bound, SpaceError)
    # The step alone may be a number that the token could not have, but it must be written as one.
    low, high, step = (Decimal(b) if NUMBER.fullmatch(b) else Decimal(0) for b in bounds)
    if step <= 0 or high < low or (high - low) % step:
        raise SpaceError(
            f"{where}: the range of {token.name!r} must go up from low to high in whole steps. "
            f"{shown}"
        )
    count = int((high - low) / step) + 1
    if count > MAXIMUM_ALTERNATIVES:
        raise SpaceError(
            f"{where}: {token.name!r} may have at most {MAXIMUM_ALTERNATIVES} alternatives. "
            f"Received: {count}."
        )
    return [read_value(where, token, format(low + i * step, "f"), SpaceError) for i in range(count)]


def _end_of_run(numbers: list[Decimal], start: int) -> int:
    """Where the longest ascending run of equal steps that begins at `start` ends."""
    end = start + 1
    if end >= len(numbers):
        return end
    step = numbers[end] - numbers[start]
    while end < len(numbers) and numbers[end] - numbers[end - 1] == step > 0:
        end += 1
    return end
