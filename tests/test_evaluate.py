"""`fbnetv2-evaluate`: the same images through Keras and through LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.builders.keras_file import load_model
from fbnetv2_tf.builders.tflite import export_tflite
from fbnetv2_tf.builders.tflite_proof import keras_logits
from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.flags.evaluate import DRIVER, evaluate
from fbnetv2_tf.run_folder import CHILD, RunFolder

from .runs import run_with_child


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = run_with_child(tmp_path_factory.mktemp("evaluate"))
    export_tflite(load_model(run / CHILD), run / "model.tflite")
    return run


def test_it_prints_every_model_of_a_run_on_the_same_images(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DRIVER.run([f"--run={run.path}", "--split=validation"]) == 0
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == "24 validation images of npz"
    part = load_dataset("npz", run.path.parent / "tiny.npz").validation
    logits = keras_logits(load_model(run / CHILD), part.images())
    right = f"{100 * np.mean(logits.argmax(1) == part.labels):6.2f} % right"
    assert [row.split()[0] for row in rows] == ["child.keras", "model.tflite"]
    assert all(right in row for row in rows)


def test_the_figures_by_hand(run: RunFolder) -> None:
    part = load_dataset("npz", run.path.parent / "tiny.npz").test
    # Always class 0 with a logit of log(2) over two others of 0: probabilities 1/2, 1/4, 1/4.
    right, loss = evaluate(lambda images: np.log([[2.0, 1.0, 1.0]] * len(images)), part)
    share = np.mean(part.labels == 0)
    assert right == pytest.approx(share)
    assert loss == pytest.approx(share * np.log(2) + (1 - share) * np.log(4))


def test_one_model_alone(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert DRIVER.run([f"--model={run / 'model.tflite'}", "--threads=2"]) == 0
    assert "model.tflite" in capsys.readouterr().out


def test_what_cannot_be_is_one_line(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.tflite").write_bytes(b"nothing")
    for arguments, sentence in (
        ([f"--run={tmp_path / 'new'}"], "has no file 'child.keras'. fbnetv2-train writes it."),
        (["--model=model.onnx"], "must be a .keras or .tflite file"),
        (["--model=missing.keras"], "There is no file 'missing.keras'"),
        ([f"--model={tmp_path / 'model.tflite'}"], "is not a .tflite file"),
        ([f"--model={run / CHILD}", "--dataset=mnist28"], "A data set's name must be one of"),
        (
            [f"--model={run / CHILD}", "--dataset=fashion_mnist_10k"],
            "must take images of (8, 8, 1) and give 10 classes. Received: (8, 8, 1) and 3",
        ),
    ):
        assert DRIVER.run(arguments) == 2
        err = capsys.readouterr().err
        assert sentence in err
        assert err.count("\n") == 1
