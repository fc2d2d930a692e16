"""Measuring latencies: what is measured, medians, the phone's output, and the driver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from absl import flags

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.latency import (
    adb_commands,
    honesty,
    measure_here,
    measure_on_phone,
    parse_benchmark,
    this_device,
)
from fbnetv2_tf.builders.latency_blocks import (
    CALL,
    block_grids,
    block_texts,
    table_of,
)
from fbnetv2_tf.builders.latency_files import network_file
from fbnetv2_tf.builders.litert import read_graph
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags import latency
from fbnetv2_tf.latency_table import load_latency_table
from fbnetv2_tf.space import parse_space

TEXT = "in_hw6/8_c3 cn_k3_s2_c8:24:8_nre ir/sk_k3_s1_e1/3_c8/16_se0/0.25_nre/hs ip_e2_c16_nhs fc_c2"
SPACE = parse_space(TEXT)

# Lines of the TensorFlow Lite benchmark tool on an Android phone.
RECORDED = """\
STARTING!
Log parameter values verbosely: [0]
Num threads: [4]
Graph: [/data/local/tmp/fbnetv2_tf/00000.tflite]
INFO: Initialized TensorFlow Lite runtime.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
The input model file size (MB): 2.33
Initialized session in 14.021ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=121 first=4611 curr=4103 min=4086 max=4611 avg=4118.31 std=61

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=243 first=4123 curr=4100 min=4080 max=4238 avg=4105.37 std=18

Inference timings in us: Init: 14021, First inference: 4611, Warmup (avg): 4118.31, Inference (avg): 4105.37
Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your discretion.
Memory footprint delta from the start of the tool (MB): init=8.61719 overall=9.77344
"""  # noqa: E501


def test_every_block_of_every_network_has_a_measurement() -> None:
    grids = block_grids(SPACE)
    texts = block_texts(grids)
    assert texts[0] == CALL
    assert len(set(texts)) == len(texts)
    table = table_of(grids, {text: 1.0 + len(text) / 100 for text in texts}, {})
    for architecture in SPACE.architectures():
        assert table.cost_ns(architecture) > 0


def test_a_block_alone_costs_what_it_costs_in_a_network() -> None:
    table = table_of(
        block_grids(SPACE, 8), {t: macs(t) for t in block_texts(block_grids(SPACE, 8))}, {}
    )
    for seed in range(6):
        architecture = SPACE.sample(seed)
        inside = sum(row.macs for row in count(architecture).layers)
        # The bare call stands for 1 multiply-add, and is taken off every block and added once.
        assert table.cost_ns(architecture) / 1e6 == pytest.approx(inside, abs=len(SPACE.blocks))


def macs(text: str) -> float:
    rows = count(parse_architecture(text)).layers
    is_block = len(text.split()) == 3
    return float(sum(row.macs for row in rows if not (is_block and row.name.endswith("_dense"))))


def test_missing_measurements_are_named() -> None:
    grids = block_grids(SPACE)
    some = dict.fromkeys(block_texts(grids)[:-1], 1.0)
    with pytest.raises(InputError, match="nothing for 1, such as 'in_hw4_c16 ip_e2_c16_nhs fc_c1'"):
        table_of(grids, some, {})
    with pytest.raises(InputError, match=r"at least 2 points along a width\. Received: 1"):
        block_grids(SPACE, 1)


@pytest.mark.slow
def test_a_block_file_is_the_block_and_nothing_else_and_is_measured() -> None:
    text = "in_hw6_c8 ir_k3_s1_e3_c8_nre fc_c1"
    files = {"block": network_file(text, "float32"), "int8": network_file(text, "int8")}
    assert read_graph(files["block"]).macs == int(macs(text))
    assert read_graph(files["int8"]).float_operators == ()
    rounds: list[int] = []
    ms = measure_here(files, repeats=3, each_round=rounds.append)
    assert rounds == [1, 2, 3]
    assert all(0 < value < 1000 for value in ms.values())
    assert this_device(1, "int8")["runtime_version"]


def test_the_phones_output_is_read_in_milliseconds() -> None:
    assert parse_benchmark(RECORDED) == pytest.approx(4.10537)
    assert parse_benchmark("x Inference (avg): 1.2e+06") == pytest.approx(1200)
    with pytest.raises(InputError, match=r"'Inference \(avg\):'. Received: 'error: no such file'"):
        parse_benchmark("error: no such file")


def test_the_phones_command_line() -> None:
    push, run = adb_commands(Path("here/ab.tflite"), "/data/local/tmp/benchmark_model", 4, 50)
    target = "/data/local/tmp/fbnetv2_tf/ab.tflite"
    assert push == ["adb", "push", "here/ab.tflite", target]
    assert run[:4] == [
        "adb",
        "shell",
        "/data/local/tmp/benchmark_model",
        f"--graph={target}",
    ]
    assert {"--num_threads=4", "--num_runs=50"} <= set(run)


def test_a_phone_is_measured_through_the_adb_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adb = tmp_path / "adb"
    (tmp_path / "recorded").write_text(RECORDED)
    adb.write_text(f'#!/bin/sh\n[ "$1" = shell ] && cat {tmp_path}/recorded\nexit 0\n')
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = measure_on_phone({"block": tmp_path / "block.tflite"}, "/bench", 1, 10)
    assert found == {"block": pytest.approx(4.10537)}
    adb.write_text("#!/bin/sh\necho 'adb: no devices/emulators found' >&2\nexit 1\n")
    with pytest.raises(InputError, match="failed: adb: no devices/emulators found"):
        measure_on_phone({"block": tmp_path / "block.tflite"}, "/bench", 1, 10)
    adb.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="needs adb on the PATH"):
        measure_on_phone({"block": tmp_path / "block.tflite"}, "/bench", 1, 10)


def test_honesty_by_hand() -> None:
    found = honesty([1.0, 3.0, 2.0, 4.4], [1.0, 2.0, 3.0, 4.0])
    assert found.rank_correlation == pytest.approx(0.8)
    assert found.median_error == pytest.approx((0.1 + 1 / 3) / 2)
    assert found.largest_error == pytest.approx(0.5)


def run(*arguments: str) -> int:
    return latency.DRIVER.run(arguments)


def test_measurements_from_elsewhere_make_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = latency.file_names(block_texts(block_grids(SPACE)), [])
    results, table = tmp_path / "results.csv", tmp_path / "table.json"
    rows = [f"{name},{0.5 + place}" for place, name in enumerate(names.values())]
    results.write_text("name,ms\n" + "\n".join(rows) + "\nnetwork_000.tflite,\n")
    arguments = (f"--space={TEXT}", f"--import_results={results}", f"--output={table}")
    assert run(*arguments, "--device=board") == 0
    made = load_latency_table(table)
    assert (made.call_ms, made.scale, made.honesty) == (0.5, 1.0, None)
    assert str(made).startswith("board, float32, 20")
    device = json.loads(table.read_text())["device"]
    assert (device["device"], device["threads"], device["runtime"]) == ("board", 1, "unknown")
    results.write_text("name,ms\n" + f"{next(iter(names.values()))},fast\n")
    assert run(*arguments) == 2
    assert "line 2: ms must be a number" in capsys.readouterr().err
    results.write_text("file,ms\n")
    assert run(*arguments) == 2
    assert "must have the columns name, ms" in capsys.readouterr().err


def test_whole_networks_scale_a_table_and_tell_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks take what they multiply, and a network 1.5 times that, or 1.8 where it is checked."""
    blocks = block_texts(block_grids(SPACE))
    whole = [str(SPACE.sample(place)) for place in range(5)]
    names = latency.file_names(blocks, whole)
    plain = table_of(block_grids(SPACE), {text: macs(text) for text in blocks}, {})
    ms = {text: macs(text) for text in blocks}
    for place, text in enumerate(whole):
        ms[text] = plain.cost_ns(parse_architecture(text)) / 1e6 * (1.8 if place < 2 else 1.5)
    results, table = tmp_path / "results.csv", tmp_path / "table.json"
    results.write_text("name,ms\n" + "".join(f"{names[text]},{ms[text]}\n" for text in names))
    files = (f"--import_results={results}", f"--output={table}")
    assert run(f"--space={TEXT}", *files, "--check=2", "--calibrate=3") == 0
    made = load_latency_table(table)
    assert made.scale == pytest.approx(1.5, abs=1e-4)
    assert made.cost_ns(parse_architecture(whole[4])) / 1e6 == pytest.approx(ms[whole[4]], rel=1e-3)
    assert made.honesty is not None
    assert made.honesty["median_error"] == pytest.approx(1 - 1.5 / 1.8, abs=1e-3)
    printed = capsys.readouterr().out
    assert "3 whole networks take 1.500 times the sum of their parts" in printed
    assert "Against others, measured whole: 2 networks: rank correlation" in printed


def test_without_a_file_to_write_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "--output must name the table" in capsys.readouterr().err
    assert run("--output=t.json", "--threads=0") == 2
    assert "--threads must be at least 1. Received: 0" in capsys.readouterr().err
    values = latency.DRIVER.flag_values()
    assert isinstance(values, flags.FlagValues)


@pytest.mark.slow
def test_blocks_are_exported_with_a_manifest(tmp_path: Path) -> None:
    space = "in_hw4_c3 cn_k3_s2_c8_nre fc_c2"
    folder = tmp_path / "blocks"
    export = (f"--export_blocks={folder}", "--check=1", "--calibrate=0")
    assert run(f"--space={space}", *export) == 0
    assert (folder / "network_000.tflite").stat().st_size > 1000
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == {path.name for path in folder.glob("*.tflite")}
    assert (folder / "results.csv").read_text().splitlines()[0] == "name,ms"
    graph = read_graph((folder / "in_hw4_c3-cn_k3_s2_c8_nre-fc_c1.tflite").read_bytes())
    assert (graph.macs, len(graph.operators)) == (2 * 2 * 27 * 8, 1)
