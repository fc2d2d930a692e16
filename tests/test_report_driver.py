"""`fbnetv2-report`: a page in each folder, and one for several."""

from __future__ import annotations

from pathlib import Path

import pytest

from fbnetv2_tf.flags import report

from .report_runs import searched_run, trained_run


def test_one_run_gets_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained_run(tmp_path / "run")
    assert report.DRIVER.run([str(run.path)]) == 0
    assert capsys.readouterr().out == f"Report: {run / 'report.html'}\n"
    assert run.has("report.html")


def test_several_runs_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [trained_run(tmp_path / "first"), searched_run(tmp_path / "second")]
    output = tmp_path / "both.html"
    assert (
        report.DRIVER.run([f"--run={runs[0].path}", str(runs[1].path), f"--output={output}"]) == 0
    )
    assert f"Comparison: {output}" in capsys.readouterr().out
    assert "2 runs side by side" in output.read_text()
    assert all(run.has("report.html") for run in runs)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name a run folder"),
        (["nowhere"], "must hold one of search.json"),
        (["nowhere", "--output=x.html"], "--output is for a comparison"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.DRIVER.run(arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
