"""`fbnetv2-search` with several limits and several budgets."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.block_memory import peak_activation_bytes
from fbnetv2_tf.counting import count
from fbnetv2_tf.datasets import DataSplits, Split
from fbnetv2_tf.datasets.arrays import ArrayExamples
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.flags import search, search_results
from fbnetv2_tf.flags.search_results import Budgets
from fbnetv2_tf.space import parse_space

SPACE = "in_hw6/8_c1 cn_k3_s2_c8/16_nre ir_k3_s1_e1/2_c8/16_nre fc_c3"
LANDSCAPE = Landscape(parse_space(SPACE))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--max_macs=10K",), "limit on macs must be at least 145,480.*Received: 10,000"),
        (("--max_macs=600K,10K",), "limit on macs must be at least 145,480.*Received: 10,000"),
        (("--max_weights=1K",), "limit on weights must be at least 14,632.*Received: 1,000"),
        (("--max_activation_kib=1",), r"peak activation memory must be at least 4\.59 KiB"),
        (("--max_latency_ms=3",), "--max_latency_ms needs .*--latency_table=FILE"),
        (("--latency_table=none.json", "--max_macs=1M"), "'none.json' cannot be read"),
        (("--latency_margin=0.1", "--max_macs=1M"), "--latency_margin needs --latency_table=FILE"),
        (("--max_macs=600K", "--pareto=3"), "--max_macs or --pareto. Received: both"),
        (("--pareto=1",), "must be 2 to 64 in number. Received: 1"),
        ((), "give --max_macs between 145k and 3.26M"),
        (("--max_macs=0",), "A limit must be above zero"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    flags: tuple[str, ...], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import re

    output = tmp_path / "run"
    assert search.DRIVER.run([f"--output={output}", *flags]) == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert re.search(said, error)
    assert not output.exists()


@pytest.mark.parametrize("in_memory", [0, 1 << 30], ids=["read again", "in memory"])
def test_candidates_are_compared_on_the_same_images_of_all_classes(
    in_memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a part that has its images class after class, as folders have them."""
    monkeypatch.setattr(search_results, "BATCH", 8)
    monkeypatch.setattr(search_results, "COMPARED", 3)
    monkeypatch.setattr(search_results, "IN_MEMORY", in_memory)
    labels = np.repeat(np.arange(4, dtype=np.int32), 25)
    pixels = np.zeros((100, 6, 6, 1), np.uint8)
    part = Split("validation", ArrayExamples(pixels, labels, (6, 6, 1)), np.arange(100), classes=4)
    names = ("a", "b", "c", "d")
    data = DataSplits("folders", "memory", part, part, part, part, names, (6, 6, 1))
    batches = search_results._compared_on(data)
    first, again = ([labels.numpy().tolist() for _, labels in batches] for _ in range(2))
    assert first == again
    assert [len(labels) for labels in first] == [8, 8, 8]
    assert {label for labels in first for label in labels} == {0, 1, 2, 3}


def test_only_the_limits_that_bind_are_held() -> None:
    budgets = Budgets(LANDSCAPE, {"weights": 10**6, "activation_bytes": 700}, (5_000, 20_000))
    assert budgets.held == {"macs": 10_000, "activation_bytes": 700}
    assert Budgets(LANDSCAPE, {"weights": 10**6}, ()).held == {}


def test_a_budget_is_said_with_what_the_space_has() -> None:
    line = search._budget_line(LANDSCAPE, "macs", 9_000)
    assert line == "Budget: at most 9.00k MACs (the space: 2.47k to 23.3k)"
    line = search._budget_line(LANDSCAPE, "weights", 10**6)
    assert line == "Budget: at most 1.00M weights (the space: 296 to 1.50k); it does not bind"


def test_an_objective_without_a_limit_that_binds_is_the_loss() -> None:
    values = search.DRIVER.flag_values()
    values(["fbnetv2-search", "--output=unused", f"--space={SPACE}", "--max_weights=1M"])
    options = search.options(values)
    objective = search._objective(options, search.plan_budgets(LANDSCAPE.space, options))
    assert objective.resources == ()


def write_images(folder: Path) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = 160 * (random.random((3, 8, 8)) > 0.5)[labels] + random.integers(0, 95, (240, 8, 8))
    np.savez(folder / "x.npz", x_train=images.astype(np.uint8), y_train=labels.astype(np.int32))


@pytest.mark.slow
def test_one_search_makes_a_child_for_each_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_images(tmp_path)
    output = tmp_path / "run"
    arguments = [
        f"--output={output}",
        f"--space={SPACE}",
        "--dataset=npz",
        f"--data_dir={tmp_path / 'x.npz'}",
        "--max_macs=12K,5K",
        "--max_activation_kib=0.75",
        "--epochs=2",
        "--batch_size=16",
        "--candidates=2",
        "--fair_epochs=1",
    ]
    assert search.DRIVER.run(arguments) == 0
    printed = capsys.readouterr().out
    assert "Budget: at most 0.750 KiB peak activation memory" in printed
    assert "The weights learn for 1 epoch more, without preferences" in printed
    found = json.loads((output / "search.json").read_text())
    assert [child["limit"] for child in found["children"]] == [5_000, 12_000]
    assert (output / "budgets.png").read_bytes().startswith(b"\x89PNG")
    assert len((output / "budgets.txt").read_text().splitlines()) == 3
    for child in found["children"]:
        folder = output / child["folder"]
        architecture = parse_architecture((folder / "architecture.txt").read_text())
        cost = count(architecture)
        assert child["cost"]["macs"] == cost.macs <= child["limit"]
        assert peak_activation_bytes(architecture) <= 0.75 * 1024
        record = json.loads((folder / "search.json").read_text())
        assert record["cost"]["weights"] == cost.weights
        assert record["limits"] == {"macs": child["limit"], "activation_bytes": 768}
        model = keras.models.load_model(folder / "inherited.keras")
        assert model.input_shape == (None, architecture.side, architecture.side, 1)
    assert search.DRIVER.run(arguments) == 0
    assert "is finished" in capsys.readouterr().out
