"""What is text and what is a path, and files that hold no text."""

from __future__ import annotations

from pathlib import Path

import pytest

from fbnetv2_tf.errors import ArchitectureError
from fbnetv2_tf.textfile import is_text, read_text_file
from fbnetv2_tf.tokens import MAXIMUM_TEXT


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("in_hw8_c3", True),
        ("  in_hw8_c3 fc_c2", True),
        ("# a comment", True),
        ("cn_k3\nfc_c2", True),
        ("fbnetv2_f1\n", False),
        ("runs/first", False),
        ("", False),
    ],
)
def test_text_or_a_name(source: str, expected: bool) -> None:
    assert is_text(source) is expected


@pytest.mark.parametrize("name", ["missing", "x" * 5000, "nul\0byte", "lone \ud800 surrogate", ""])
def test_no_such_file_is_none(name: str, tmp_path: Path) -> None:
    assert read_text_file(tmp_path / name, ArchitectureError) is None


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert read_text_file(tmp_path, ArchitectureError) is None


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(4 * MAXIMUM_TEXT + 1)
    with pytest.raises(ArchitectureError, match=r"huge' must be at most 1000000 bytes.*1000001"):
        read_text_file(path, ArchitectureError)
