"""`fbnetv2-train`: what it writes, when it stops, and what it refuses."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fbnetv2_tf import training_log
from fbnetv2_tf.builders.keras_file import load_model, save_model
from fbnetv2_tf.flags.train import DRIVER
from fbnetv2_tf.recipe import Recipe
from fbnetv2_tf.run_folder import ARCHITECTURE, CHECKPOINTS, CHILD, INHERITED, TRAIN, RunFolder

from .networks import moved_network
from .tiny_data import TINY, write_tiny_data

QUICK = ["--epochs=2", "--batch_size=16", "--augment=none", "--learning_rate=0.1"]


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    return ["--dataset=npz", f"--data_dir={write_tiny_data(tmp_path)}"]


def test_the_flags_default_to_the_recipe() -> None:
    values = DRIVER.flag_values()
    values(["fbnetv2-train"])
    for field in dataclasses.fields(Recipe):
        assert values[field.name].value == getattr(Recipe(), field.name)


def test_it_stops_when_told_and_goes_on_to_the_end(
    tmp_path: Path,
    data: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = TINY.replace("fc_c3", "fc_c7")  # the data set's classes count
    command = [f"--architecture={text}", f"--output={tmp_path / 'run'}", *data, *QUICK]
    run = RunFolder(tmp_path / "run")

    def terminate(log: Any, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(training_log.TrainingLog, "on_epoch_begin", terminate)
        assert DRIVER.run(command) == 75
    assert "1 epoch and 1 of 12 steps saved" in capsys.readouterr().err
    assert not run.has(CHILD)

    assert DRIVER.run(command) == 0
    out = capsys.readouterr().out
    assert "Going on after 1 epoch and 1 of 12 steps." in out
    assert "epoch 2/2" in out
    assert "epoch 1/2" not in out
    assert run.read_text(ARCHITECTURE) == f"{TINY}\n"
    assert not run.has(CHECKPOINTS)
    results = run.read_json(TRAIN)
    assert len(results["history"]) == 2
    assert results["dataset"]["name"] == "npz"
    assert results["test"]["accuracy"] > 0.5
    assert results["units"]["accuracy"] == "share of the images, 0 to 1"
    assert "--epochs=2" in results["flags"]
    assert load_model(run / CHILD).output_shape == (None, 3)

    assert DRIVER.run(command) == 0
    assert "is finished. Right: " in capsys.readouterr().out

    assert DRIVER.run([*command, "--seed=3"]) == 2
    said = capsys.readouterr().err
    assert "train.json' is of another training. Expected: seed 0. Received: 3." in said
    assert run.read_json(TRAIN) == results


def test_inherited_weights_are_the_start(
    tmp_path: Path, data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path / "run")
    run.write_text(ARCHITECTURE, TINY)
    start = moved_network(TINY)
    save_model(start, run / INHERITED)
    still = ["--epochs=1", "--warmup_epochs=0", "--learning_rate=1e-12", "--batch_size=64"]
    options = ["--inherit", "--precision=bfloat16", "--dropout=0.1", *data, *still]
    assert DRIVER.run([f"--run={run.path}", *options]) == 0
    child = load_model(run / CHILD)
    assert {layer.compute_dtype for layer in child.layers} == {"float32"}
    assert not any("dropout" in layer.name for layer in child.layers)
    np.testing.assert_allclose(child.get_weights()[0], start.get_weights()[0], atol=1e-9)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Exactly one of --run or --architecture must be given. Received: none of them."),
        (["--architecture=in_hw8_c1 fc_c2"], "--output must name the folder to write"),
        (
            ["--architecture=in_hw8_c1 fc_c2", "--output=x", "--inherit"],
            "--inherit needs --run: the folder of the search",
        ),
        (["--architecture=in_hw8_c1 cn_k3 fc_c2", "--output=x"], "needs the token 's'"),
        (["--run=nowhere"], "Received: 'nowhere'"),
        (["--precision=float8"], "value should be one of <float32|bfloat16|float16>"),
        (
            ["--architecture=in_hw8_c1 fc_c2", "--output=x", "--checkpoint_every=often"],
            "must be a number of steps (500) or a time",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DRIVER.run(arguments) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_a_search_that_left_no_weights_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RunFolder(tmp_path).write_text(ARCHITECTURE, TINY)
    assert DRIVER.run([f"--run={tmp_path}", "--inherit"]) == 2
    assert "inherited.keras', which fbnetv2-search writes" in capsys.readouterr().err
