"""Tables of joint costs against counting each block on its own."""

from __future__ import annotations

import itertools

import pytest

from fbnetv2_tf.cost_tables import AXES, space_tables
from fbnetv2_tf.counting import RESOURCES, block_operators
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.space import parse_space

SPACE = parse_space(
    "in_hw9_c2 cn_k3/5_s2_c8/16_nre ir/sk_k3/5_s1_e0.5/2_c8/24_se0/0.25_nre/hs "
    "ds_k3_s1_c8/16_se0.5_nre sk_s1_c8/16_nhs ip_e1/2_c16_nhs pl fc_c3"
)


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_entry_is_the_cost_of_its_block(resource: str) -> None:
    side = 9
    sides = (9, 5, 5, 5, 5, 1, 1)
    for tables, side in zip(space_tables(SPACE, 9, resource), sides, strict=True):
        block = tables.block
        for kind in block.kinds:
            joint = tables.joint(kind)
            values = [getattr(block, axis, ()) or (None,) for axis in AXES[1:]]
            axes = [tables.input_channels, *values]
            for places in itertools.product(*(range(n) for n in joint.shape)):
                chosen = {a: v[p] for a, v, p in zip(AXES, axes, places, strict=True)}
                operators = block_operators(
                    kind,
                    side=side,
                    input_channels=chosen["input"],
                    kernel=chosen["kernel"],
                    stride=block.stride[0] if block.stride else 1,
                    expansion=chosen["expansion"],
                    channels=chosen["channels"],
                    se=chosen["se"],
                )
                assert joint[places] == sum(getattr(o, resource) for o in operators)


def test_widths_come_from_the_block_that_has_one() -> None:
    tables = list(space_tables(SPACE, 9, "macs"))
    assert [t.source for t in tables] == [0, 1, 2, 3, 4, 5, 5]
    assert [t.input_channels for t in tables][-3:] == [(8, 16), (16,), (16,)]


def test_tables_of_operators_are_small() -> None:
    """The paper's space at full size: no table over what an operator does not depend on."""
    tables = space_tables(parse_space("fbnetv2_f"), 224, "macs")
    assert max(table.size for each in tables for table in each.present) < 3000


def test_a_free_skip_has_no_table() -> None:
    tables = list(space_tables(parse_space("in_hw8_c8 ir/sk_k3_s1_e2_c8_nre fc_c2"), 8, "macs"))
    assert tables[0].skipped == ()
    assert not tables[0].joint("sk").any()


def test_too_many_joint_alternatives_are_refused_before_a_search() -> None:
    """Where its largest network is asked for, which is before the first step."""
    ratios = "/".join(f"{place / 64:g}" for place in range(1, 33))
    space = parse_space(
        f"in_hw8_c3 cn_k3_s1_c8:1024:8_nre ir_k3/5_s1_e1:9:0.25_c8:1024:8_se{ratios}_nre/hs fc_c2"
    )
    assert space.size < 1e10
    with pytest.raises(SpaceError, match=r"at most 50000000 joint alternatives\. Received"):
        _ = space.largest
