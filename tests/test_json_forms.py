"""Forms of JSON: what fits passes, what does not is named by its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fbnetv2_tf.errors import RunError
from fbnetv2_tf.json_forms import (
    anything,
    each,
    file_name,
    mapping,
    nothing,
    number,
    optional,
    record,
    text,
)

FORM = record(
    {"history": each(mapping(number())), "space": text},
    {"share": number(0, 1), "seconds": optional(number()), "limits": mapping(number(), ("macs",))},
)
GOOD = {"history": [{"loss": 1}, {}], "space": "s", "share": 0.5, "seconds": None, "more": [{}]}


def test_what_fits_passes() -> None:
    FORM({**GOOD, "limits": {"macs": 3}}, "a.json", "")
    anything(object(), "a.json")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"history": {}}, "history must be a list. Received: {}."),
        ({"history": [1]}, "history[0] must be an object. Received: 1."),
        ({"history": [{"a": 1}, {"b": "c"}]}, "history[1].b must be a number. Received: 'c'."),
        ({"history": [{"a": True}]}, "history[0].a must be a number. Received: True."),
        ({"history": [{"a": float("nan")}]}, "history[0].a must be a number. Received: nan."),
        ({"history": [{"a": -(10**400)}]}, "history[0].a must be a number. Received: -1000"),
        ({"space": None}, "space must be a text. Received: None."),
        ({"share": 1.01}, "share must be a number from 0 to 1. Received: 1.01."),
        ({"limits": {"x" * 99: 1}}, "a name in limits must be known. Received: 'xxx"),
    ],
)
def test_what_does_not_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RunError) as caught:
        FORM({**GOOD, **change}, "a.json", "")
    said = str(caught.value)
    assert said.startswith(f"'a.json': {sentence}")
    assert len(said) < 200


def test_what_is_missing_is_named() -> None:
    with pytest.raises(RunError, match=r"^'a.json': inner.b is missing\.$"):
        record({"inner": record({"b": text})})({"inner": {}}, "a.json", "")
    with pytest.raises(RunError, match=r"^'a.json': it must be an object. Received: \[\]\.$"):
        FORM(json.loads("[]"), "a.json", "")


def test_what_is_not_known_is_left_out() -> None:
    with pytest.raises(RunError, match=r"more must be left out. Received: 3\."):
        record({}, {"a": text}, rest=nothing)({"a": "b", "more": 3}, "a.json", "")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "\0", 3])
def test_a_name_that_leads_elsewhere_is_refused(name: Any) -> None:
    file_name("macs_300000", "a.json")
    with pytest.raises(RunError, match="must be the name of a file"):
        file_name(name, "a.json", "folder")
