"""Architecture text: what it means, that it round-trips, and what is said of a mistake."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from fbnetv2_tf.architecture import Architecture, Block, parse_architecture
from fbnetv2_tf.errors import ArchitectureError
from tests.strategies import any_architectures, architectures

SMALL = "in_hw8_c3 cn_k3_s2_c8_nhs ir_k5_s1_e2.5_c16_se0.25_nre sk_s1_c16_nre pl fc_c10"


def test_blocks_in_the_order_of_the_text() -> None:
    architecture = parse_architecture(SMALL)
    assert [block.kind for block in architecture.blocks] == ["in", "cn", "ir", "sk", "pl", "fc"]
    assert architecture.blocks[2] == Block(
        "ir", kernel=5, stride=1, expansion=2.5, channels=16, se=0.25, activation="re"
    )
    assert (architecture.side, architecture.input_channels, architecture.classes) == (8, 3, 10)
    assert str(architecture) == SMALL


@given(architectures())
def test_small_ones_round_trip(architecture: Architecture) -> None:
    assert parse_architecture(str(architecture)) == architecture


@settings(max_examples=50)
@given(any_architectures())
def test_any_one_round_trips(architecture: Architecture) -> None:
    again = parse_architecture(str(architecture))
    assert again == architecture
    assert hash(again) == hash(architecture)
    assert str(again) == str(architecture)


def test_repeats_reset_the_stride_and_nothing_else() -> None:
    repeated = parse_architecture("in_hw8_c3 ir_r3_k3_s2_e3_c24_nhs fc_c2")
    written_out = "in_hw8_c3 ir_k3_s2_e3_c24_nhs" + 2 * " ir_k3_s1_e3_c24_nhs" + " fc_c2"
    assert str(repeated) == written_out


def test_order_of_tokens_comments_and_lines_do_not_matter() -> None:
    text = """# a network
    in_c3_hw8
    cn_nhs_c8_s2_k3  # the stem
    fc_c10 # in_hw9_c9"""
    assert str(parse_architecture(text)) == "in_hw8_c3 cn_k3_s2_c8_nhs fc_c10"


def test_an_se_of_0_is_none() -> None:
    with_zero = parse_architecture("in_hw8_c3 ds_k3_s1_c8_se0_nre fc_c2")
    assert str(with_zero) == "in_hw8_c3 ds_k3_s1_c8_nre fc_c2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no blocks"),
        ("# only a comment", "no blocks"),
        ("in_hw8_c3 xy_k3 fc_c2", r"Block 1 \('xy_k3'\): The kind must be one of in, cn"),
        ("in_hw8_c3 cn_k3_s2_c8_nre_q7 fc_c2", r"Block 1 .*takes the tokens k, s, c, n, r.*'q7'"),
        ("in_hw8_c3 cn_k3_k5_s2_c8_nre fc_c2", r"Block 1 .*token 'k' is given twice.*'k5'"),
        ("in_hw8_c3 cn_k3_s2_nre fc_c2", r"Block 1 .*needs the token 'c', and it is missing"),
        ("in_hw8_c3 cn_k4_s2_c8_nre fc_c2", r"'k' must be an odd integer from 1 to 31.*'k4'"),
        ("in_hw8_c3 cn_k3_s2_c1000000000_nre fc_c2", r"'c' must be an integer from 1 to 16384"),
        ("in_hw8_c3 ir_k3_s1_e0_c8_nre fc_c2", r"'e' must be a number from 0.05 to 64"),
        ("in_hw8_c3 ir_k3_s1_e3_c8_nrelu fc_c2", r"'n' must be one of re, r6, hs, sw.*'nrelu'"),
        ("in_hw8_c3 cn_k3/5_s2_c8_nre fc_c2", r"one value for 'k'.*'k3/5'"),
        ("in_hw8_c3 ir/sk_k3_s1_e3_c8_nre fc_c2", r"Block 1 .*one kind for a block.*'ir/sk'"),
        ("in_hw8_c3 cn_r1000000_k3_s2_c8_nre fc_c2", r"'r' must be an integer from 1 to 512"),
        ("in_hw8_c3 cn_r511_k3_s2_c8_nre fc_c2", r"at most 512 blocks. Received: 513"),
        ("in_hw8_c3 " + "cn_r512_k3_s2_c8_nre " * 500, r"at most 512 blocks"),
        ("in_hw8_c3 " * 10**6, r"at most 250000 characters. Received: 10000000"),
        ("cn_k3_s2_c8_nre fc_c2", r"'in' must be the first block and stand once.*no position"),
        ("in_hw8_c3 in_hw8_c3 fc_c2", r"'in' must be the first block.*\[0, 1\]"),
        ("in_hw8_c3 cn_k3_s2_c8_nre", r"'fc' must be the last block"),
        ("in_hw8_c3 fc_c2 cn_k3_s2_c8_nre", r"'fc' must be the last block.*\[1\] of 3"),
        ("in_hw8_c3 pl cn_k3_s2_c8_nre fc_c2", r"Block 1 \('pl'\) pools the whole map.*'cn'"),
        ("in_hw8_c3 pl_k3 fc_c2", r"'pl' takes the tokens none"),
        ("in_hw8_c3_r2 fc_c2", r"Block 0 .*takes the tokens hw, c"),
        (b"in_hw8_c3 fc_c2", r"must be a string. Received: bytes"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        parse_architecture(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "xy"}, "The kind must be one of"),
        ({"kind": "pl", "kernel": 3}, "'pl' has no `kernel`. Received: 3"),
        ({"kind": "fc"}, "'fc' needs `channels`. Received: None"),
        ({"kind": "fc", "channels": 0}, "`channels` of a block of kind 'fc' must be an integer"),
        ({"kind": "fc", "channels": "ten"}, "Received: 'ten'"),
        ({"kind": "fc", "channels": [10]}, r"Received: \[10\]"),
        ({"kind": "fc", "channels": float("nan")}, "Received: nan"),
    ],
)
def test_a_block_is_checked_when_it_is_made(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        Block(**arguments)  # type: ignore[arg-type]


def test_blocks_are_frozen_and_hold_plain_numbers() -> None:
    block = Block("fc", channels=np.int32(10))
    assert type(block.channels) is int
    with pytest.raises(dataclasses.FrozenInstanceError):
        block.channels = 11  # type: ignore[misc]


def test_an_architecture_takes_blocks_alone() -> None:
    blocks = parse_architecture(SMALL).blocks
    assert Architecture(list(blocks)) == parse_architecture(SMALL)  # type: ignore[arg-type]
    with pytest.raises(ArchitectureError, match=r"of type Block. Received: 'fc_c2'"):
        Architecture((blocks[0], "fc_c2"))  # type: ignore[arg-type]
    with pytest.raises(ArchitectureError, match="at most 512 blocks"):
        Architecture((blocks[0], *blocks[1:2] * 600, blocks[-1]))
