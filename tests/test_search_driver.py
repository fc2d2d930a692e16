"""`fbnetv2-search`: its flags, and the sentences for what cannot be searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from fbnetv2_tf.flags import search
from fbnetv2_tf.search import SearchSettings


def test_the_defaults_of_the_flags_are_those_of_the_settings(tmp_path: Path) -> None:
    values = search.DRIVER.flag_values()
    values(["fbnetv2-search", f"--output={tmp_path}", "--max_macs=600K"])
    assert SearchSettings(**search.options(values).settings) == SearchSettings()


@pytest.mark.parametrize(
    ("flag", "scores"),
    [("--derive=sampled", True), ("--derive=argmax", False), ("--candidates=1", False)],
)
def test_only_what_compares_candidates_scores_them(flag: str, scores: bool) -> None:
    values = search.DRIVER.flag_values()
    values(["fbnetv2-search", "--output=unused", "--max_macs=600K", flag])
    assert search.options(values).scores == scores


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--max_macs=60K"], "must be at least 145,480"),
        (["--max_macs=600K", "--space=in_hw28_c1 cn_k3_s2_cc_nre fc_c2"], "takes the tokens"),
        (["--max_macs=600K", "--dataset=fashion_mnst"], "Did you mean"),
        (["--max_macs=600K", "--sampling=loud"], "should be one of"),
        (["--max_macs=600K", "--epochs=0"], "`epochs` must be above 0"),
        (["--max_macs=600K", "--fair_epochs=-1"], "`fair_epochs` must be at least 0"),
        (["--max_macs=600K", "--batch_size=9999"], "`batch_size` must be at most"),
        ([], "needs a budget"),
        (["--max_macs=600K", "--distribution=multiworker"], "environment variable TF_CONFIG"),
    ],
    ids=[
        "budget",
        "token",
        "dataset",
        "flag value",
        "epochs",
        "fair epochs",
        "batch",
        "no budget",
        "workers",
    ],
)
def test_bad_input_ends_in_one_sentence_and_code_2(
    arguments: list[str], sentence: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert search.DRIVER.run([f"--output={tmp_path / 'run'}", *arguments]) == 2
    said = capfd.readouterr().err.strip()
    assert said.startswith("fbnetv2-search: error: ")
    assert "\n" not in said
    assert sentence in said


def test_the_folder_of_another_space_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "space.txt").write_text("in_hw28_c1 cn_k3_s2_c8/16_nre fc_c10\n")
    assert search.DRIVER.run([f"--output={tmp_path}", "--max_macs=600K"]) == 2
    assert "is that of another space" in capfd.readouterr().err
