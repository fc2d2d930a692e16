"""The run folder: whose it is, what is in it, and what it says when something is missing."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.errors import RunError
from fbnetv2_tf.run_folder import ARCHITECTURE, SEARCH, SPACE, TRAIN, RunFolder, versions

SPACE_TEXT = "in_hw8_c3 cn_k3/5_s2_c8_nre fc_c2"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_json_comes_back_plain(run: RunFolder) -> None:
    value = {"macs": np.int64(7), "loss": [np.float32(0.5)], "at": Path("x"), "w": np.eye(2)}
    run.write_json(TRAIN, value)
    assert run.read_json(TRAIN) == {
        "macs": 7,
        "loss": [0.5],
        "at": "x",
        "w": [[1.0, 0.0], [0.0, 1.0]],
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_nan(run: RunFolder, value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        run.write_json(TRAIN, {"loss": value})
    assert not run.has(TRAIN)


def test_a_missing_file_names_the_command_that_writes_it(run: RunFolder) -> None:
    with pytest.raises(RunError, match=r"no file 'architecture.txt'\. fbnetv2-search writes it"):
        run.read_text(ARCHITECTURE)


def test_a_broken_file_is_named(run: RunFolder) -> None:
    run.write_bytes(SEARCH, b'{"epochs": ')
    with pytest.raises(
        RunError, match=r"search.json' is not the JSON it should be: Expecting value"
    ):
        run.read_json(SEARCH)
    run.write_bytes(SEARCH, b"[" * 100_000)
    with pytest.raises(RunError, match=r"is not the JSON"):
        run.read_json(SEARCH)
    run.write_bytes(SPACE, b"\xff\xfe")
    with pytest.raises(RunError, match=r"space.txt' could not be read"):
        run.read_text(SPACE)


def test_a_folder_belongs_to_one_space(run: RunFolder) -> None:
    run.claim_space(SPACE_TEXT)
    run.claim_space(SPACE_TEXT)
    other = SPACE_TEXT.replace("k3/5", "k3/7")
    with pytest.raises(
        RunError,
        match=r"Expected: 'block 1 cn_k3/5_s2_c8_nre'. Received: 'block 1 cn_k3/7_s2_c8_nre'",
    ):
        run.claim_space(other)
    with pytest.raises(RunError, match=r"'block 2 fc_c2'. Received: 'block 2 \(nothing\)'"):
        run.claim_space(SPACE_TEXT.removesuffix(" fc_c2"))
    assert run.read_text(SPACE) == SPACE_TEXT + "\n"


def test_two_processes_on_one_folder_are_refused(run: RunFolder) -> None:
    code = (
        "import sys; from fbnetv2_tf.run_folder import RunFolder\n"
        f"with RunFolder({str(run.path)!r}).lock():\n"
        "    print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        expected = f"in use by process {other.pid} on {platform.node()}"
        with pytest.raises(RunError, match=expected), run.lock():
            pass
        other.kill()
    with run.lock():
        assert run.has(".lock")


def test_versions_need_no_import() -> None:
    code = (
        "import sys; from fbnetv2_tf.run_folder import versions; print(sorted(versions()))\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    assert {"python", "fbnetv2_tf", "tensorflow", "keras"} <= set(versions())


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = RunFolder(tmp_path / "file" / "run")
    with pytest.raises(RunError, match=r"one that can be written to. Received: "), run.lock():
        pass


def test_what_a_killed_process_left_is_cleared_away(run: RunFolder) -> None:
    run.write_text("checkpoints/.step_000000007.123.new.npz", "half")
    run.write_text("keep.txt", "")
    with run.lock():
        assert sorted(path.name for path in run.path.rglob("*") if path.is_file()) == [
            ".lock",
            "keep.txt",
        ]


@pytest.mark.parametrize("text", ["[]", '"text"', "3", "null"])
def test_a_record_must_be_an_object(run: RunFolder, text: str) -> None:
    run.write_text(SEARCH, text)
    with pytest.raises(RunError, match=r"search.json' must be a JSON object. Received: "):
        run.read_record(SEARCH)
