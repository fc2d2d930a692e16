"""The form that a JSON file must have, checked part by part, so that a stranger's says a sentence.

A form is a function of a value and the place where it stands; forms are made of forms:

    >>> form = record({"history": each(mapping(number()))}, {"machine": text})
    >>> form({"history": [{"loss": 0.5}]}, "search.json")
    >>> form({"history": [{"loss": "low"}]}, "search.json")
    Traceback (most recent call last):
    fbnetv2_tf.errors.RunError: 'search.json': history[0].loss must be a number. Received: 'low'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from typing import Any, TypeAlias

from .errors import RunError

Form: TypeAlias = Callable[[Any, str, str], None]
"""Of a value, the file that it is from, and the value's place in it; raises `RunError`."""


def refuse(value: Any, file: str, place: str, expected: str) -> RunError:
    """The error for a value that is not as expected."""
    where = f"{place or 'it'} must be {expected}"
    return RunError(f"'{file}': {where}. Received: {value!r:.80}.")


def number(low: float = -1e300, high: float = 1e300) -> Form:
    """A finite number from `low` to `high`."""
    expected = "a number" if abs(low) == high == 1e300 else f"a number from {low:g} to {high:g}"

    def check(value: Any, file: str, place: str = "") -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(float(min(abs(value), 1e308))):
            raise refuse(value, file, place, expected)
        if not low <= value <= high:
            raise refuse(value, file, place, expected)

    return check


def text(value: Any, file: str, place: str = "") -> None:
    """Any text."""
    if not isinstance(value, str):
        raise refuse(value, file, place, "a text")


def file_name(value: Any, file: str, place: str = "") -> None:
    """The name of a file or folder, not a path that could lead elsewhere."""
    if not isinstance(value, str) or value in ("", ".", "..") or set(value) & set("/\\\0"):
        raise refuse(value, file, place, "the name of a file")


def anything(value: Any, file: str, place: str = "") -> None:
    """Any value."""


def nothing(value: Any, file: str, place: str = "") -> None:
    """No value: what may not be there."""
    raise refuse(value, file, place, "left out")


def optional(form: Form) -> Form:
    """The form, or null."""

    def check(value: Any, file: str, place: str = "") -> None:
        if value is not None:
            form(value, file, place)

    return check


def each(form: Form) -> Form:
    """A list of the form."""

    def check(value: Any, file: str, place: str = "") -> None:
        if not isinstance(value, list):
            raise refuse(value, file, place, "a list")
        for index, item in enumerate(value):
            form(item, file, f"{place}[{index}]")

    return check


def mapping(form: Form, names: Container[str] | None = None) -> Form:
    """An object of any names, or of some of `names`, each with the form."""

    def check(value: Any, file: str, place: str = "") -> None:
        if not isinstance(value, dict):
            raise refuse(value, file, place, "an object")
        for name, item in value.items():
            if names is not None and name not in names:
                raise refuse(name, file, f"a name in {place or 'it'}", "known")
            form(item, file, _inner(place, name))

    return check


def record(
    required: Mapping[str, Form], others: Mapping[str, Form] | None = None, rest: Form = anything
) -> Form:
    """An object with the required names, maybe others, and of any further name the `rest`."""
    forms = {**(others or {}), **required}

    def check(value: Any, file: str, place: str = "") -> None:
        if not isinstance(value, dict):
            raise refuse(value, file, place, "an object")
        for name in required:
            if name not in value:
                raise RunError(f"'{file}': {_inner(place, name)} is missing.")
        for name, item in value.items():
            forms.get(name, rest)(item, file, _inner(place, name))

    return check


def _inner(place: str, name: str) -> str:
    return f"{place}.{name:.40}" if place else f"{name:.40}"
