"""Scores of candidates outlive a search that is killed among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.errors import RunError
from fbnetv2_tf.flags import search
from fbnetv2_tf.flags.kept_scores import KeptScores, digest
from fbnetv2_tf.run_folder import CANDIDATES, CHECKPOINTS, FAIR, SEARCH, RunFolder
from fbnetv2_tf.scoring import Score, Scorer

from .tiny_data import TINY, write_tiny_data

NETWORK, SCORE = parse_architecture(TINY), Score(1.5, 0.25)
SPACE = "in_hw8_c1 cn_k3_s2_c8/16_nre ir_k3_s1_e1/2_c8/16_nre/hs fc_c3"


class Killed(BaseException):
    """In place of the process's end."""


def test_what_is_written_is_known_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    scores = KeptScores(run, CANDIDATES, {"limits": [(1, 2)]}, every=1000.0)
    scores.keep(NETWORK, SCORE)
    assert not run.has(CANDIDATES), "it is not time to write yet"
    scores.write()
    assert KeptScores(run, CANDIDATES, {"limits": [(1, 2)]}).known == {NETWORK: SCORE}
    assert KeptScores(run, CANDIDATES, {"limits": [(1, 3)]}).known == {}


def test_a_file_of_something_else_is_refused_by_its_place(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_json(CANDIDATES, {"scores": {TINY: {"loss": "low", "accuracy": 0.5}}})
    with pytest.raises(RunError, match=r"candidates\.json.*loss must be a number. Received: 'low'"):
        KeptScores(run, CANDIDATES, {})


def test_other_weights_have_another_digest() -> None:
    first, second = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0])
    assert digest([first]) == digest([second]) != digest([first, second])
    second.assign([1.0, 2.0000002])
    assert digest([first]) != digest([second])


@pytest.mark.slow
def test_a_search_that_is_killed_among_its_candidates_goes_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    arguments = [
        f"--output={output}",
        f"--space={SPACE}",
        "--dataset=npz",
        f"--data_dir={write_tiny_data(tmp_path)}",
        "--max_macs=12K",
        "--epochs=2",
        "--batch_size=16",
        "--candidates=4",
        "--finalists=2",
    ]
    scored: list[Any] = []
    score = Scorer.score

    def counted(self: Scorer, candidate: Any, *images: Any) -> Score:
        if len(scored) == 2:
            raise Killed
        scored.append(candidate)
        return score(self, candidate, *images)

    monkeypatch.setattr(Scorer, "score", counted)
    with pytest.raises(Killed):
        search.DRIVER.run(arguments)
    assert not (output / SEARCH).exists()
    weights = (output / CHECKPOINTS / FAIR).glob("step_*.npz")
    before = {path: path.stat().st_mtime_ns for path in weights}
    assert before

    monkeypatch.setattr(Scorer, "score", lambda *given: scored.append(given[1]) or score(*given))
    capsys.readouterr()
    assert search.DRIVER.run(arguments) == 0
    assert "Going on after 1 epoch." in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    candidates = json.loads((output / SEARCH).read_text())["candidates"]
    assert len(scored) == len(set(scored)) == len(candidates) > 2
    trained = [candidate["trained"]["loss"] for candidate in candidates[:2]]
    assert trained == sorted(trained)
    assert all(candidate["trained"] is None for candidate in candidates[2:])
    known = json.loads((output / "finalists.json").read_text())["scores"]
    assert set(known) == {candidate["architecture"] for candidate in candidates[:2]}

    # A search that has lost its own checkpoints does not take what followed them.
    (output / SEARCH).unlink()
    for path in (output / CHECKPOINTS).glob("step_*.npz"):
        path.unlink()
    assert search.DRIVER.run(arguments) == 0
    assert "Going on" not in capsys.readouterr().out
    assert all(path.stat().st_mtime_ns > time for path, time in before.items())
