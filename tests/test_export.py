"""`fbnetv2-export`: the file, its record, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.litert import LiteModel
from fbnetv2_tf.builders.tflite_metadata import read_class_names
from fbnetv2_tf.counting import count
from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.flags.export import DRIVER, sample
from fbnetv2_tf.run_folder import EXPORT, RunFolder

from .runs import run_with_child
from .tiny_data import write_tiny_data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return run_with_child(tmp_path_factory.mktemp("export"))


def test_two_forms_of_a_run(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert DRIVER.run([f"--run={run.path}"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "the model's class for 100.00 % of 24 images" in out
    quantized = ["--quantization=int8", "--image_type=uint8", "--calibration_images=40"]
    assert DRIVER.run([f"--run={run.path}", *quantized]) == 0
    assert "1 piece" in capsys.readouterr().out
    record = run.read_json(EXPORT)
    assert list(record) == ["model.tflite", "model_int8.tflite"]
    assert record["model_int8.tflite"]["float_operators"] == 0
    assert record["model.tflite"]["macs"] == record["model_int8.tflite"]["macs"]
    assert record["model.tflite"]["agreement"]["images"] == 24
    assert record["model.tflite"]["arena_bytes"] > record["model_int8.tflite"]["arena_bytes"] > 0
    assert record["model.tflite"]["latency_ms"] > 0
    assert LiteModel.load(run / "model_int8.tflite").input_dtype == "uint8"
    assert read_class_names((run / "model_int8.tflite").read_bytes()) == ("0", "1", "2")


def test_an_architecture_without_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model.tflite"
    network = "in_hw8_c3 cn_k3_s2_c8_nhs ds_k3_s1_c8_se0.25_nre fc_c7"
    arguments = [f"--architecture={network}", f"--output={output}", "--quantization=int8"]
    assert DRIVER.run([*arguments, "--calibration_images=20", "--proof_images=8"]) == 0
    out = capsys.readouterr().out
    assert "The weights are random" in out
    assert "accuracy" not in out
    record = RunFolder(tmp_path).read_json(EXPORT)["model.tflite"]
    assert record["macs"] == count(parse_architecture(network)).macs
    assert read_class_names(output.read_bytes()) == ()


def test_the_sample_has_every_class_and_is_always_the_same(tmp_path: Path) -> None:
    part = load_dataset("npz", write_tiny_data(tmp_path)).train
    images, labels = sample(part, 30)
    assert images.shape == (30, 8, 8, 1)
    assert set(labels) == {0, 1, 2}
    np.testing.assert_array_equal(sample(part, 30)[0], images)
    assert len(sample(part, 10**6)[1]) == part.size


def test_what_cannot_be_is_one_line(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "child.keras").write_bytes(b"nothing")
    for arguments, sentence in (
        ([], "Exactly one of --run or --model or --architecture must be given"),
        (["--architecture=fbnetv2_f1"], "has random weights: it needs --output"),
        (["--architecture=fbnetv2_f9", "--output=a.tflite"], "Did you mean 'fbnetv2_f"),
        ([f"--run={tmp_path / 'new'}"], "has no file 'child.keras'. fbnetv2-train writes it."),
        ([f"--run={run.path}", "--output=model.onnx"], "--output must end in '.tflite'"),
        ([f"--run={run.path}", "--quantization=int2"], "value should be one of <none|"),
        ([f"--run={tmp_path}"], "child.keras' is not a .keras file"),
        ([f"--run={run.path}", "--image_type=uint8"], "`image_type` must be float32"),
        ([f"--run={run.path}", "--calibration_images=0"], "--calibration_images=0"),
    ):
        assert DRIVER.run(arguments) == 2
        err = capsys.readouterr().err
        assert sentence in err
        assert err.count("\n") == 1


def test_an_image_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    for place, image in enumerate(pixels):
        file = tmp_path / "photos" / "ab"[place % 2] / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(tf.io.encode_png(image).numpy()[: 90 if place == 5 else None])
    data = ["--dataset=directory", f"--data_dir={tmp_path / 'photos'}"]
    network = "--architecture=in_hw8_c3 cn_k3_s2_c8_nre fc_c2"
    arguments = [network, *data, "--quantization=int8", f"--output={tmp_path / 'model.tflite'}"]
    assert DRIVER.run(arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "5.png' " in said[0]
    assert "--on_bad_image=skip" in said[0]
    assert DRIVER.run([*arguments, "--on_bad_image=skip"]) == 0
