"""`fbnetv2-benchmark` and what it measures with: cutting, timing, the lint for deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from fbnetv2_tf.builders.deployment import TAKEN_FILE, TARGETS, Finding, findings
from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.operator_files import operator_files
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable
from fbnetv2_tf.builders.weight_only import with_int8_weights
from fbnetv2_tf.errors import ExportError
from fbnetv2_tf.flags.benchmark import DRIVER
from fbnetv2_tf.flags.benchmark import TARGETS as OFFERED
from fbnetv2_tf.space import parse_space

from .networks import images_for, moved_network

NETWORK = "in_hw8_c1 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.5_nhs fc_c4"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    model = moved_network(NETWORK)
    plain = convert(deployable(model, fused_hard_swish=True), quantization="none")
    whole = {
        name: convert(
            deployable(model, fused_hard_swish=is_fused),
            quantization="int8",
            calibration=images_for(model, 16),
            image_type="int8",
        )
        for name, is_fused in (("int8", True), ("int8 decomposed", False))
    }
    return {"float": plain, "weights": with_int8_weights(plain), **whole}


@pytest.mark.parametrize("form", ["float", "weights", "int8 decomposed"])
def test_the_cut_operators_compute_what_the_network_does(
    files: dict[str, bytes], form: str
) -> None:
    content = files[form]
    parts = operator_files(content)
    assert sum(part.macs for part in parts) == read_graph(content).macs
    assert {"b01", "b02", "logits"} <= {part.place for part in parts}
    answers = _chained(content, [part.content for part in parts])
    image = images_for(moved_network(NETWORK), 1)
    expected = LiteModel(content, reference_kernels=True).predict_raw(
        LiteModel(content).quantize(image)
    )
    np.testing.assert_allclose(answers(image), expected, rtol=1e-4, atol=1e-4)


def _chained(content: bytes, parts: list[bytes]) -> Any:
    """Runs the parts one after the other, each fed by the names of the tensors before it."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    def run(image: Any) -> Any:
        whole = LiteModel(content)
        first = Interpreter(model_content=content).get_input_details()[0]["name"]
        known = {first: whole.quantize(image)}
        for part in parts:
            one = Interpreter(
                model_content=part, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
            )
            one.allocate_tensors()
            for detail in one.get_input_details():
                one.set_tensor(detail["index"], known[detail["name"]])
            one.invoke()
            [output] = one.get_output_details()
            known[output["name"]] = one.get_tensor(output["index"])
        return known[output["name"]]

    return run


def test_the_command_measures_one_beside_the_other(
    files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for path, form in zip(paths, ("int8", "float"), strict=True):
        path.write_bytes(files[form])
    arguments = [f"--model={paths[0]}", f"--against={paths[1]}", "--repeats=4", "--warmup=1"]
    record = tmp_path / "record.json"
    more = ["--operators", "--target=xnnpack", f"--output={record}"]
    assert DRIVER.run([*arguments, *more]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "a.tflite takes" in out
    assert "leaves out HARD_SWISH" in out
    assert "by itself" in out
    told = json.loads(record.read_text())
    first, second = (file["milliseconds"] for file in told["files"])
    ratios = sorted(a / b for a, b in zip(first, second, strict=True))
    assert told["ratio"] == pytest.approx((ratios[1] + ratios[2]) / 2)
    assert told["files"][0]["arena_bytes"] < told["files"][1]["arena_bytes"]
    assert {row["name"] for row in told["operators"]} == set(
        read_graph(files["int8"]).operator_counts
    )
    assert OFFERED == TARGETS


def test_a_phone_is_measured_by_its_own_tool(
    files: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, adb = tmp_path / "a.tflite", tmp_path / "adb"
    model.write_bytes(files["float"])
    adb.write_text('#!/bin/sh\n[ "$1" = shell ] && echo "Inference (avg): 2500"\nexit 0\n')
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert DRIVER.run([f"--model={model}", "--phone_binary=/data/bench"]) == 0
    assert "2.500 ms, median of 1\n" in capsys.readouterr().out


def _with_open_batch(content: bytes) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    image = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
    image.shapeSignature = np.array([-1, *image.shape[1:]], np.int32)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def rules(content: bytes, target: str) -> set[str]:
    return {finding.rule for finding in findings(content, target)}


def test_each_target_is_told_what_it_leaves_out(files: dict[str, bytes]) -> None:
    [left] = [f for f in findings(files["int8"], "xnnpack") if f.rule == "operator"]
    assert "HARD_SWISH" in left.what
    assert "--hard_swish=decomposed" in left.change
    assert "operator" not in rules(files["int8 decomposed"], "xnnpack")
    assert "operator" not in rules(files["int8"], "tflm")
    assert {"type", "operator"} <= rules(files["float"], "edgetpu")
    assert "type" not in rules(files["int8 decomposed"], "edgetpu")
    assert "operator" not in rules(files["float"], "gpu")
    [swish] = [f for f in findings(files["int8"], "edgetpu") if f.rule == "operator"]
    assert swish.what.endswith(" operators), and all that follows the first")


def test_what_targets_take_are_operators_by_the_schemas_names() -> None:
    known = {name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    taken = json.loads(TAKEN_FILE.read_text(encoding="utf-8"))
    assert taken.keys() == set(TARGETS) - {"xnnpack"}
    for names in taken.values():
        assert names == sorted(set(names))
        assert set(names) <= known
        assert {"ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "MUL"} <= set(names)
    assert {name for name in taken if "HARD_SWISH" in taken[name]} == {"tflm", "gpu"}


def test_widths_odd_maps_and_open_shapes_are_found(files: dict[str, bytes]) -> None:
    odd = moved_network("in_hw18_c1 cn_k3_s2_c12_nre cn_k3_s2_c16_nre fc_c2")
    found = findings(convert(deployable(odd, fused_hard_swish=True), quantization="none"), "gpu")
    by_rule = {finding.rule: finding for finding in found}
    assert by_rule["channels"].what == "12 channels are no multiple of 8"
    assert by_rule["odd map"].what == "a stride on a map of odd side 9 pads it unevenly"
    assert (by_rule["channels"].where, by_rule["odd map"].where) == ("b01", "b02")
    assert findings(files["float"], "gpu") == ()
    assert [f.rule for f in findings(_with_open_batch(files["float"]), "gpu")] == ["open shape"]
    assert str(Finding("r", "here", "this is so", "do that")) == "here: this is so; do that"


@pytest.mark.parametrize("name", ["quantizable28", "quantizable32"])
def test_the_quantizable_presets_hold_what_every_accelerator_takes(name: str) -> None:
    space = parse_space(name)
    blocks = space.blocks[1:-1]
    assert {activation for block in blocks for activation in block.activation} == {"re"}
    assert not any(ratio for block in blocks for ratio in block.se)
    assert all(width % 8 == 0 for block in blocks for width in block.channels)
    assert space.size > 10**6


def test_a_child_of_them_is_taken_whole_by_every_target() -> None:
    model = moved_network(parse_space("quantizable32").smallest)
    content = convert(
        deployable(model, fused_hard_swish=False),
        quantization="int8",
        calibration=images_for(model, 2),
        image_type="int8",
    )
    assert {target: findings(content, target) for target in TARGETS} == dict.fromkeys(TARGETS, ())


def test_what_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"not one at all")
    for arguments, sentence in (
        ([], "--model must name a .tflite file"),
        (["--model=nowhere.tflite"], "There is no file 'nowhere.tflite'"),
        ([f"--model={other}"], "is refused by LiteRT"),
        ([f"--model={other}", "--operators", "--phone_binary=x"], "measures on this machine"),
        ([f"--model={other}", "--target=toaster"], "value should be one of <xnnpack|"),
    ):
        assert DRIVER.run(arguments) == 2
        err = capsys.readouterr().err
        assert sentence in err
        assert err.count("\n") == 1
    with pytest.raises(ExportError, match=r"is not a \.tflite file"):
        operator_files(b"not one at all")
