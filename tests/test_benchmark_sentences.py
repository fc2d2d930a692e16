"""Benchmarks say what was given wrongly in one line, and exit as the drivers do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from absl import app

from benchmarks import sentences
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags.driver import BAD_INPUT

ROOT = Path(__file__).parent.parent


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(_: list[str]) -> Any:
        raise error

    monkeypatch.setattr(app, "run", lambda guarded: guarded([]))
    sentences.run(main)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("`--seeds` must be numbers."), "`--seeds` must be numbers."),
        (
            FileNotFoundError(2, "No such file or directory", "a.txt"),
            "'a.txt' cannot be used: No such file",
        ),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "`pip install torch`"),
    ],
)
def test_a_mistake_is_a_line(
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exit_:
        failing(error, monkeypatch)
    assert exit_.value.code == BAD_INPUT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError("ours"), OSError("of no file")])
def test_a_fault_of_ours_keeps_its_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error)):
        failing(error, monkeypatch)


@pytest.mark.parametrize(
    ("text", "said"), [("nonsense", "Block 0 ('nonsense')"), ("", "must have a network a line")]
)
def test_the_judge_refuses_a_list_of_no_networks(text: str, said: str, tmp_path: Path) -> None:
    networks = tmp_path / "networks.txt"
    networks.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.judge", f"--networks={networks}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (BAD_INPUT, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
