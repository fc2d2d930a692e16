"""The report of a written file: its warnings, and that it holds plain values."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from fbnetv2_tf.builders.export_report import ExportReport
from fbnetv2_tf.builders.tflite_proof import Agreement

REPORT = ExportReport(
    path=Path("folder/model.tflite"),
    quantization="int8",
    image_type="int8",
    size_bytes=2048,
    compressed_bytes=1024,
    macs=3472,
    operators={"CONV_2D": 1, "HARD_SWISH": 1},
    float_operators=0,
    arena_bytes=512,
    latency_ms=0.25,
    delegate_pieces=2,
    undelegated_operators=("HARD_SWISH", "HARD_SWISH"),
    agreement=Agreement(images=4, difference=0.01, tolerance=0.5, same_class=1.0),
    proved_on="given",
    versions={"python": "3"},
)


def test_more_than_one_piece_is_a_warning_that_names_the_operator_once() -> None:
    [warning] = REPORT.warnings
    assert "in 2 pieces, because it leaves out HARD_SWISH;" in warning
    assert replace(REPORT, delegate_pieces=1).warnings == ()


def test_plain_values() -> None:
    plain = json.loads(json.dumps(REPORT.as_json()))
    assert plain["path"] == "model.tflite"
    assert plain["latency_ms"] == 0.25
    assert plain["agreement"]["same_class"] == 1.0
    assert plain["warnings"] == list(REPORT.warnings)
