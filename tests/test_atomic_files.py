"""A file is whole and new, or as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fbnetv2_tf.atomic_files import remove_leftovers, replacing, write_bytes, write_text
from fbnetv2_tf.errors import RunError


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "é")
    write_bytes(path, b"again")
    assert path.read_bytes() == b"again"
    assert os.listdir(path.parent) == ["b.txt"]


def test_a_failure_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    write_bytes(path, b"good")

    def fail_half_way() -> None:
        with replacing(path) as new:
            assert new.suffix == ".keras"
            new.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert path.read_bytes() == b"good"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_a_kill_while_writing_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    write_bytes(path, b"good")
    code = (
        "import os, sys; from pathlib import Path; from fbnetv2_tf.atomic_files import replacing\n"
        f"with replacing(Path({str(path)!r})) as new:\n"
        "    new.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == -9
    assert path.read_bytes() == b"good"
    (tmp_path / ".model.new.bin").write_bytes(b"somebody's own")
    assert len(os.listdir(tmp_path)) == 3
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".model.new.bin", "model.bin"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("this system has no /dev/full")
    path = tmp_path / "model.bin"
    write_bytes(path, b"good")
    with (
        pytest.raises(RunError, match=r"as it was before: No space left on device\.$"),
        replacing(path),
        open("/dev/full", "wb") as full,
    ):
        full.write(b"x" * 100_000)
    assert path.read_bytes() == b"good"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "")
    with pytest.raises(RunError, match=r"model.bin' could not be written.*(Not a dir|File exists)"):
        write_bytes(tmp_path / "file" / "model.bin", b"")


def test_a_name_that_is_no_text_is_written_out(tmp_path: Path) -> None:
    write_text(tmp_path / "file", os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "file").read_text() == "caf\\udce9"
