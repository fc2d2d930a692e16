"""What a terminal would act upon is written out, everything else stays."""

from __future__ import annotations

import os

import pytest

from fbnetv2_tf.printable import printable


@pytest.mark.parametrize("text", ["", "photos/cat 1.jpg", "Katze/Bär 猫.png", "a'b\"c\\d", "🐈"])
def test_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_no_text_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).encode().isascii()
