"""`fbnetv2-train --qat`, `--sparsity` and `--clusters`: from child to child to file."""

from __future__ import annotations

import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.builders.keras_file import load_model, save_model
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags import export, train
from fbnetv2_tf.run_folder import CHILD, CHILD_QAT, EXPORT, FURTHER, RunFolder

from .networks import moved_network
from .runs import run_with_child
from .tiny_data import tiny_data

if find_spec("tensorflow_model_optimization") is None:  # importing it here would set a variable
    pytest.skip("the extra 'qat' is not installed", allow_module_level=True)

NETWORK = "in_hw8_c1 cn_k3_s2_c8_nre cn_k1_s1_c16_nre fc_c3"
QUICK = ["--epochs=2", "--batch_size=32", "--learning_rate=0.05", "--augment=none"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = run_with_child(tmp_path_factory.mktemp("further"))
    save_model(moved_network(NETWORK), folder / CHILD)
    return folder


def test_a_child_trained_with_rounding_is_exported_in_its_ranges(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.DRIVER.run([f"--run={run.path}", "--qat", *QUICK]) == 0
    assert "With int8's rounding in its training" in capsys.readouterr().out
    record = run.read_json(FURTHER)["qat"]
    assert (record["recipe"]["epochs"], record["recipe"]["weight_decay"]) == (2, 0.0)
    assert record["ranges"].keys() == {"image_range", "b01_act", "b02_act", "b03_pool", "b03_dense"}
    assert record["history"][1]["loss"] < record["history"][0]["loss"]
    before, after = (load_model(run / name).get_weights() for name in (CHILD, CHILD_QAT))
    assert not any(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert export.DRIVER.run([f"--run={run.path}", "--quantization=qat"]) == 0
    assert "in the ranges it was trained with" in capsys.readouterr().out
    report = run.read_json(EXPORT)["model_qat.tflite"]
    assert (report["float_operators"], report["delegate_pieces"]) == (0, 1)


def test_a_sparse_child_has_its_zeros_and_compresses(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.DRIVER.run([f"--run={run.path}", "--sparsity=0.75", *QUICK]) == 0
    assert "With 0.75 of its large kernels at 0" in capsys.readouterr().out
    child = load_model(run / "child_sparse.keras")
    for name in ("b02_conv", "b03_dense"):
        kernel = child.get_layer(name).kernel.numpy()
        assert np.mean(kernel == 0) == pytest.approx(0.75, abs=0.02)
    assert np.all(child.get_layer("b01_conv").kernel.numpy() != 0)
    assert export.DRIVER.run([f"--model={run / 'child_sparse.keras'}"]) == 0
    assert export.DRIVER.run([f"--run={run.path}"]) == 0
    capsys.readouterr()
    records = run.read_json(EXPORT)
    sparse, dense = (records[name] for name in ("model_sparse.tflite", "model.tflite"))
    assert sparse["size_bytes"] == dense["size_bytes"]
    assert sparse["compressed_bytes"] < dense["compressed_bytes"]
    content = (run / "model_sparse.tflite").read_bytes()
    assert sparse["compressed_bytes"] == len(zlib.compress(content, 9))


def test_a_clustered_child_has_few_different_weights(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.DRIVER.run([f"--run={run.path}", "--clusters=4", *QUICK]) == 0
    assert "With 4 different weights in each large kernel" in capsys.readouterr().out
    child = load_model(run / "child_clustered.keras")
    assert len(np.unique(child.get_layer("b02_conv").kernel.numpy())) <= 4
    assert len(np.unique(child.get_layer("b01_conv").kernel.numpy())) > 4


def test_what_cannot_be_is_refused(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from fbnetv2_tf.builders.compression import cluster_weights, prune_weights

    for arguments, sentence in (
        (["--qat", "--sparsity=0.5", f"--run={run.path}"], "each without the other"),
        (["--qat", "--distribution=tpu", f"--run={run.path}"], "--qat trains on one device"),
        (["--qat", f"--architecture={NETWORK}", f"--output={tmp_path}"], "need --run"),
        (["--qat", f"--run={tmp_path}"], "has no file 'child.keras'. fbnetv2-train writes it."),
    ):
        assert train.DRIVER.run(arguments) == 2
        assert sentence in capsys.readouterr().err
    assert export.DRIVER.run([f"--run={tmp_path}", "--quantization=qat"]) == 2
    assert "'child_qat.keras'. fbnetv2-train --qat writes it." in capsys.readouterr().err
    model, data = moved_network(NETWORK), tiny_data(tmp_path)
    with pytest.raises(InputError, match=r"above 0 and below 1. Received: 1.0"):
        prune_weights(model, 1.0, data)
    with pytest.raises(InputError, match=r"2 to 256. Received: 1"):
        cluster_weights(model, 1, data)
