"""Latency tables: interpolation, files, and the costs that derivation and expectation take."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.choices_layout import one_hot_rows
from fbnetv2_tf.cost_tables import space_tables
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.expected_cost import ExpectedCost
from fbnetv2_tf.latency_table import BlockLatency, LatencyTable, load_latency_table
from fbnetv2_tf.space import parse_space

SPACE = parse_space("in_hw8_c3 cn_k3_s2_c8/16_nre/hs ir/sk_k3/5_s1_e1/3_c8/16_nre fc_c2")


def worked(c_in: float, e: float, c: float) -> float:
    """Milliseconds that are linear in each width, which interpolation gives exactly."""
    return 0.01 + 0.001 * c_in + 0.002 * c_in * (e or 1) + 0.003 * c


def block(kind: str, side: int, kernel: int | None, act: str | None, **grid: tuple) -> BlockLatency:
    axes = {"input_channels": (8.0, 16.0), "expansion": (0.0,), "channels": (8.0, 16.0), **grid}
    ms = [
        [[worked(i, e, c) for c in axes["channels"]] for e in axes["expansion"]]
        for i in axes["input_channels"]
    ]
    se = 0.0 if kind == "ir" else None
    stride = 2 if kind == "cn" else 1
    return BlockLatency(kind, side, stride, kernel, se, act, ms=ms, **axes)


TABLE = LatencyTable(
    device={"device": "worked by hand", "dtype": "float32", "threads": 1},
    call_ms=0.5,
    blocks=(
        block("cn", 8, 3, "re", input_channels=(3.0,)),
        block("cn", 8, 3, "hs", input_channels=(3.0,)),
        block("ir", 4, 3, "re", expansion=(1.0, 3.0)),
        block("ir", 4, 5, "re", expansion=(1.0, 3.0)),
        block("sk", 4, None, "re"),
        block("fc", 4, None, None, channels=(2.0,)),
    ),
)


def test_a_network_is_the_call_and_its_blocks() -> None:
    text = "in_hw8_c3 cn_k3_s2_c16_nre ir_k5_s1_e3_c8_nre fc_c2"
    expected = 0.5 + worked(3, 0, 16) + worked(16, 3, 8) + worked(8, 0, 2)
    assert TABLE.cost_ns(parse_architecture(text)) == pytest.approx(expected * 1e6, abs=2)


def test_in_between_it_is_linear_and_an_identity_is_free() -> None:
    between = TABLE.block_ns(
        "ir",
        side=4,
        input_channels=12,
        kernel=3,
        expansion=2.5,
        channels=9,
        se=0.0,
        activation="re",
    )
    assert int(between) == pytest.approx(worked(12, 2.5, 9) * 1e6, abs=2)
    same = TABLE.block_ns("sk", side=4, input_channels=8, channels=8, activation="re")
    assert int(same) == 0


def test_a_block_that_was_not_measured_is_named() -> None:
    other = parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre ir_k7_s1_e1_c8_nre fc_c2")
    with pytest.raises(BudgetError, match=r"no block kind ir, side 4, stride 1, kernel 7.*another"):
        TABLE.cost_ns(other)


@pytest.mark.parametrize("seed", range(6))
def test_at_one_hot_the_expectation_is_the_childs(seed: int) -> None:
    child = SPACE.sample(seed)
    found = float(ExpectedCost(SPACE, "latency_ns", TABLE)(one_hot_rows(SPACE, child)))
    assert found == TABLE.cost_ns(child)


def test_derivation_fills_a_latency_and_keeps_it() -> None:
    landscape = Landscape(SPACE, latency=TABLE)
    every = [TABLE.cost_ns(a) for a in SPACE.architectures()]
    assert landscape.range("latency_ns") == (min(every), max(every))
    limit = float(np.median(every))
    found = landscape.fill({}, {"latency_ns": limit, "macs": 10**9})
    below = max(cost for cost in every if cost <= limit)
    assert found.window.low <= TABLE.cost_ns(found.architecture) <= below


def test_it_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    TABLE.save(path)
    assert load_latency_table(path).blocks == TABLE.blocks
    content = json.loads(path.read_text())
    assert (content["version"], content["unit"], content["device"]["dtype"]) == (1, "ms", "float32")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "version 1, in ms. Received: fbnetv2-latency, 2"),
        ({"unit": "s"}, "Received: fbnetv2-latency, 1, s"),
        ({"blocks": [{}]}, "as fbnetv2-latency writes it"),
        ({"call_ms": None, "blocks": None}, "as fbnetv2-latency writes it"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, change: dict, said: str) -> None:
    path = tmp_path / "table.json"
    TABLE.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BudgetError, match=said):
        load_latency_table(path)


def test_a_missing_file_and_a_missing_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="cannot be read: No such file"):
        load_latency_table(tmp_path / "none.json")
    with pytest.raises(BudgetError, match="needs a latency table"):
        list(space_tables(SPACE, 8, "latency_ns"))


def test_a_margin_counts_every_network_longer() -> None:
    network = parse_architecture("in_hw8_c3 cn_k3_s2_c16_nre ir_k5_s1_e3_c8_nre fc_c2")
    checked = replace(TABLE, honesty={"median_error": 0.015})
    careful = checked.with_margin()
    assert careful.cost_ns(network) == pytest.approx(1.03 * TABLE.cost_ns(network), abs=4)
    assert str(careful) == f"{TABLE}, counted 3.0 % longer"
    assert TABLE.with_margin() == TABLE
    assert len({TABLE.digest, careful.digest, replace(TABLE, call_ms=0.6).digest}) == 3
    assert (
        Landscape(SPACE, latency=careful).range("latency_ns")[0]
        > (Landscape(SPACE, latency=TABLE).range("latency_ns")[0])
    )
    for margin in (-0.1, 2.0, float("nan")):
        with pytest.raises(BudgetError, match=f"from 0 to 1 .*Received: {margin}"):
            TABLE.with_margin(margin)


def test_a_margin_is_no_part_of_the_file(tmp_path: Path) -> None:
    TABLE.with_margin(0.5).save(tmp_path / "table.json")
    assert load_latency_table(tmp_path / "table.json") == TABLE
