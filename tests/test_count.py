"""`fbnetv2-count`: what it prints, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from fbnetv2_tf.arena_planning import arena_bytes
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from fbnetv2_tf.flags.count import DRIVER
from fbnetv2_tf.space import parse_space

TEXT = "in_hw8_c3 cn_k3_s2_c8_nre fc_c2"
SPACE = "in_hw8_c3 cn_k3/5_s2_c8/16_nre fc_c2"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the driver prints; it must succeed."""
    assert DRIVER.run(arguments) == 0
    return capsys.readouterr().out


def test_a_table_of_f1(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--architecture=FBNetV2_F1")
    assert "56,231,936 MACs, 5,999,408 weights, 6,024,736 parameters, 178,624 pooled" in text
    assert "248.0 KiB alive at most in int8 (arena 264.0 KiB), 992.0 KiB in float32" in text
    assert 'published: "flops" 56.41056 M (here 56.41056 M)' in text
    (row,) = (line for line in text.splitlines() if line.startswith("b04_depthwise_conv"))
    assert row.split() == [
        "b04_depthwise_conv",
        "32x32x112",
        "2,867,200",
        "2,800",
        "3,024",
        "248.0",
    ]
    assert len([line for line in text.splitlines() if line.startswith("b")]) == len(
        count(zoo["fbnetv2_f1"].architecture).layers
    )


def test_json_has_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(printed(capsys, "--architecture=mobilenet_v3_large", "--format=json"))
    entry = zoo["mobilenet_v3_large"]
    cost = count(entry.architecture)
    assert facts["architecture"] == str(entry.architecture)
    assert (facts["macs"], facts["weights"]) == (entry.macs, entry.weights)
    assert facts["activation_bytes"] == cost.activation_bytes
    assert facts["arena_bytes"] == arena_bytes(entry.architecture)
    assert facts["published"]["top1"] == 75.086
    assert sum(layer["parameters"] for layer in facts["layers"]) == cost.parameters
    assert facts["layers"][0]["output_shape"] == [112, 112, 16]


def test_csv_has_a_row_for_each_layer_and_a_total(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "architecture.txt").write_text(TEXT)
    text = printed(capsys, f"--architecture={tmp_path}", "--format=csv")
    *rows, total = csv.DictReader(io.StringIO(text))
    assert [row["name"] for row in rows] == ["b01_conv", "b02_pool", "b02_dense"]
    assert [rows[0][side] for side in ("height", "width", "channels")] == ["4", "4", "8"]
    assert (total["name"], total["height"], total["macs"]) == ("total", "", "3472")
    assert sum(int(row["weights"]) for row in rows) == int(total["weights"]) == 232


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_space_has_a_size_and_ends(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, f"--space={SPACE}", f"--format={form}")
    smallest = "in_hw8_c3 cn_k3_s2_c8_nre fc_c2"
    largest = "in_hw8_c3 cn_k5_s2_c16_nre fc_c2"
    assert smallest in text
    assert largest in text
    if form == "table":
        assert "4 architectures (about 10^0)" in text
    if form == "json":
        facts = json.loads(text)
        assert facts["size"] == parse_space(facts["space"]).size == 4
        assert (facts["smallest"]["macs"], facts["largest"]["macs"]) == (3472, 19232)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give one of --architecture and --space. Received: neither."),
        (("--architecture=fbnet_c", "--space=x"), "Received: both."),
        (("--architecture=fbnet_x",), "Did you mean 'fbnet_c' or 'fbnet_b'?"),
        (("--architecture=in_hw8_c3 cn_k3/5_s2_c8_nre fc_c2",), "alternatives make a search space"),
        (("--architecture=in_hw8_c3 fc_c2 fc_c2",), "'fc' must be the last block"),
        (("--space=in_hw8_c3 cn_k4_s2_c8_nre fc_c2",), "'k' must be an odd integer"),
        (("--architecture=fbnet_c", "--format=xml"), "--format=xml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DRIVER.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fbnetv2-count: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
