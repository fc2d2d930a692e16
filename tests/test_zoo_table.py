"""docs/architectures.md: its table is the zoo's, and its examples are what the package says."""

from __future__ import annotations

import re

import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.arena_planning import arena_bytes
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import ArchitectureError
from fbnetv2_tf.space import parse_space
from fbnetv2_tf.tokens import GRAMMAR
from tests.zoo_table import PAGE, replaced, table

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_is_current() -> None:
    assert replaced(TEXT) == TEXT, "write it anew: python -m tests.zoo_table"


def test_every_network_has_a_row_with_its_figures() -> None:
    for name, entry in zoo.items():
        (row,) = (line for line in table().splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {entry.macs:,} | {entry.weights:,} | {entry.pooled_elements:,} |" in row


def test_the_examples_are_networks_and_spaces() -> None:
    texts = [block.strip() for block in re.findall(r"```\n(in_.*?)```", TEXT, re.DOTALL)]
    network, space = texts
    assert str(parse_architecture(network)) == network
    assert parse_space(space).size > 10**5
    assert f"exact: {parse_space('fashion28').size}" in TEXT


def test_the_grammar_is_the_parsers() -> None:
    for kind, tokens in GRAMMAR.items():
        (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| `{kind}` |"))
        assert set(re.findall(r"`(\w+)`", row.split("|")[3])) == {token.name for token in tokens}


def test_the_arenas_shown_are_those_planned_and_within_five_per_cent() -> None:
    """`benchmarks/arena.py` asks the interpreters, for minutes; their answers stand here."""
    figures = r" +([\d.]+)" * 7
    rows = re.findall(rf"^(\w+) +int8{figures}$", TEXT, re.MULTILINE)
    assert [row[0] for row in rows] == list(zoo)
    for name, *texts in rows:
        alive, tflm_plan, tflm, _, litert_plan, litert, _ = map(float, texts)
        architecture = zoo[name].architecture
        assert round(count(architecture).activation_bytes / 1024, 1) == alive
        assert round(arena_bytes(architecture) / 1024, 1) == tflm_plan == tflm
        planned = arena_bytes(architecture, interpreter="litert") / 1024
        assert round(planned, 1) == litert_plan == pytest.approx(litert, rel=0.05)


def test_the_mistake_reads_as_shown() -> None:
    shown = re.search(r"^Block 1 .*$", TEXT, re.MULTILINE)
    assert shown is not None
    with pytest.raises(ArchitectureError) as refusal:
        parse_architecture("in_hw8_c3 cn_k4_s2_c8_nre fc_c2")
    assert str(refusal.value) == shown[0]
