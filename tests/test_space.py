"""Spaces: text, size, membership and sampling, held against the list of all members."""

from __future__ import annotations

import collections
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.space import Space, SpaceBlock, parse_space, preset_names, space_of
from tests.strategies import any_spaces, architectures, spaces

SMALL = "in_hw8/9_c3 cn_k3_s2_c8_nhs ir/sk_r2_k3/5_s2_e2:4:1_c8/16_se0/0.25_nre/hs fc_c10"


def test_every_block_of_a_repeat_is_searched_on_its_own() -> None:
    space = parse_space(SMALL)
    first, second = space.blocks[2:4]
    assert first.stride == (2,)
    assert second.stride == (1,)
    assert first.expansion == second.expansion == (2.0, 3.0, 4.0)
    assert first.kinds == second.kinds == ("ir", "sk")
    # Of each block 2 kernels, 3 expansions, 2 widths, 2 SE ratios, 2 activations, or 2 skips.
    assert [block.size for block in space.blocks] == [2, 1, 50, 50, 1]
    assert space.size == 5000


@settings(max_examples=50)
@given(spaces())
def test_small_ones_round_trip(space: Space) -> None:
    assert parse_space(str(space)) == space


@settings(max_examples=60)
@given(any_spaces())
def test_any_one_round_trips(space: Space) -> None:
    again = parse_space(str(space))
    assert again == space
    assert hash(again) == hash(space)


@settings(max_examples=40)
@given(spaces(max_blocks=2))
def test_size_is_the_number_of_members(space: Space) -> None:
    assume(space.size <= 3000)
    texts = [str(architecture) for architecture in space.architectures()]
    assert len(texts) == len(set(texts)) == space.size
    assert all(parse_architecture(text) in space for text in texts[:: max(1, len(texts) // 20)])


@settings(max_examples=50)
@given(spaces())
def test_samples_are_members_and_repeatable(space: Space) -> None:
    for seed in range(3):
        sample = space.sample(seed)
        assert sample in space
        assert sample == space.sample(seed)
        space.check(sample)


def test_samples_are_uniform_over_texts() -> None:
    space = parse_space("in_hw8_c3 ir/sk_k3/5_s1_e2_c8/16_nre fc_c2")
    drawn = collections.Counter(str(space.sample(seed)) for seed in range(6000))
    assert len(drawn) == space.size == 6
    assert max(abs(n - 1000) for n in drawn.values()) < 150  # five deviations


@settings(max_examples=50)
@given(architectures())
def test_the_space_of_an_architecture_has_it_alone(architecture: Architecture) -> None:
    space = space_of(architecture)
    assert list(space.architectures()) == [architecture]
    assert str(space) == str(architecture)


def test_what_is_not_in_a_space_is_named() -> None:
    space = parse_space("in_hw8_c3 cn_k3/5_s2_c8_nre ir/sk_k3_s1_e2_c8_nhs fc_c2")
    outside = parse_architecture("in_hw8_c3 cn_k7_s2_c8_nre sk_s1_c8_nre fc_c2")
    assert outside not in space
    with pytest.raises(SpaceError, match=r"Block 1 must be one of 'cn_k3/5_s2_c8_nre'.*'cn_k7"):
        space.check(outside)
    with pytest.raises(SpaceError, match=r"must have 4 blocks. Received: 3"):
        space.check(parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
    assert parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre sk_s1_c8_nre fc_c2") in space
    # A skip beside alternatives has ReLU, whatever activation the block itself would have.
    assert parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre sk_s1_c8_nhs fc_c2") not in space


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("in_hw8_c3 ir/ds_k3_s1_e2_c8_nre fc_c2", r"Block 1 .*only ir/sk or ds/sk.*'ir/ds'"),
        ("in_hw8_c3 sk/ir_s1_c8_nre fc_c2", r"Block 1 .*only ir/sk or ds/sk"),
        ("in_hw8_c3 ir/sk/ds_k3_s1_e2_c8_nre fc_c2", r"Block 1 .*only ir/sk or ds/sk"),
        ("in_hw8_c3 cn_k3_s1/2_c8_nre fc_c2", r"Block 1 .*'s' of 'cn' cannot be searched"),
        ("in_hw8_c3 cn_r1/2_k3_s1_c8_nre fc_c2", r"Block 1 .*'r' of 'cn' cannot be searched"),
        ("in_hw8_c3 cn_k3_s2_c8/x_nre fc_c2", r"Block 1 .*'c' must be an integer.*'cx'"),
        ("in_hw8_c1/3 fc_c2", r"Block 0 .*'c' of 'in' cannot be searched"),
        (
            "in_hw8_c3 " + "cn_r20_k3_s1_c1:1000:1_nre " * 20 + "fc_c2",
            r"at most 16384 alternatives",
        ),
        ("in_hw8_c3 cn_r600_k3_s1_c8_nre fc_c2", r"'r' must be an integer from 1 to 512"),
        (
            "fashion_28",
            r"a preset \(.*\). Received: 'fashion_28'. Did you mean 'fashion28'\?",
        ),
        ("cn k3", r"Block 0 \('cn'\).*needs the token 'k'"),
        (None, r"must be a string. Received: NoneType"),
        ("x" * 300, r"must be text, a file, or a preset"),
        ("x\0y", r"must be text, a file, or a preset"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        parse_space(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": ("xy",)}, "`kinds` must be one of in, cn"),
        ({"kinds": ("ir", "ds")}, "or ir/sk or ds/sk"),
        ({"kinds": ("pl",), "kernel": (3,)}, r"'pl' has no `kernel`. Received: \(3,\)"),
        ({"kinds": ("fc",)}, r"`channels` of a block of kind 'fc' must be alternatives"),
        ({"kinds": ("fc",), "channels": (2, 3)}, "must have at most 1 alternatives. Received: 2"),
        ({"kinds": ("in",), "side": (8, 8), "channels": (3,)}, "none twice"),
    ],
)
def test_a_block_is_checked_when_it_is_made(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        SpaceBlock(**arguments)  # type: ignore[arg-type]


def test_lists_and_numpy_numbers_become_tuples_of_plain_ones() -> None:
    block = SpaceBlock(["fc"], channels=[np.int64(3)])  # type: ignore[arg-type]
    assert block == SpaceBlock(("fc",), channels=(3,))
    assert type(block.channels[0]) is int


def test_a_space_too_large_to_list_says_so() -> None:
    space = parse_space("in_hw8_c3 cn_r4_k1:31:2_s1_c8:400:8_nre fc_c2")
    with pytest.raises(SpaceError, match=r"at most 1000000 architectures.*about 10\^11"):
        next(space.architectures())


def test_a_file_is_read_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "my space.txt"
    path.write_text(SMALL + "  # mine\n")
    assert parse_space(str(path)) == parse_space(SMALL)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpaceError, match=r"my space.txt' cannot be read as text"):
        parse_space(str(path))


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_space_that_prints_itself(name: str) -> None:
    space = parse_space(name)
    assert parse_space(str(space)) == space
    assert space.size > 10**11
