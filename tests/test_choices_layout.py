"""Which choices a space has, what they are called, and where an architecture stands in them."""

from __future__ import annotations

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.choices_layout import choice_name, one_hot_rows, searched
from fbnetv2_tf.space import parse_space

SPACE = parse_space(
    "in_hw8/12_c3 cn_k3_s2_c8/16_nre ir/sk_k3/5_s1_e1/2/3_c8_se0/0.25_nre/hs ip_e2/3_c16_nhs fc_c2"
)


def test_only_what_has_alternatives_is_a_choice() -> None:
    assert searched(SPACE) == {
        "b00_side": (8, 12),
        "b01_channels": (8, 16),
        "b02_kind": ("ir", "sk"),
        "b02_kernel": (3, 5),
        "b02_expansion": (1.0, 2.0, 3.0),
        "b02_se": (0.0, 0.25),
        "b02_activation": ("re", "hs"),
        "b03_expansion": (2.0, 3.0),
    }


def test_names_sort_by_position() -> None:
    assert choice_name(3, "channels") == "b03_channels"
    assert choice_name(112, "se") == "b112_se"


def test_one_hot_rows_of_an_architecture() -> None:
    architecture = parse_architecture(
        "in_hw12_c3 cn_k3_s2_c8_nre ir_k5_s1_e3_c8_se0.25_nre ip_e2_c16_nhs fc_c2"
    )
    rows = {name: row.tolist() for name, row in one_hot_rows(SPACE, architecture).items()}
    assert rows == {
        "b00_side": [0, 1],
        "b01_channels": [1, 0],
        "b02_kind": [1, 0],
        "b02_kernel": [0, 1],
        "b02_expansion": [0, 0, 1],
        "b02_se": [0, 1],
        "b02_activation": [1, 0],
        "b03_expansion": [1, 0],
    }


def test_choices_inside_a_skip_take_their_first_alternative() -> None:
    architecture = parse_architecture("in_hw8_c3 cn_k3_s2_c16_nre sk_s1_c8_nre ip_e2_c16_nhs fc_c2")
    rows = one_hot_rows(SPACE, architecture)
    assert rows["b02_kind"].tolist() == [0, 1]
    for field in ("kernel", "expansion", "se", "activation"):
        assert rows[f"b02_{field}"][0] == 1
        assert rows[f"b02_{field}"].sum() == 1


def test_a_skip_takes_the_first_activation_where_relu_is_none_of_them() -> None:
    space = parse_space("in_hw8_c3 ir/sk_k3_s1_e1_c8_nsw/hs fc_c2")
    architecture = parse_architecture("in_hw8_c3 sk_s1_c8_nre fc_c2")
    assert architecture in space
    assert one_hot_rows(space, architecture)["b01_activation"].tolist() == [1, 0]


def test_a_skip_of_its_own_keeps_its_activation() -> None:
    space = parse_space("in_hw8_c3 sk_s1_c8_nre/hs fc_c2")
    architecture = parse_architecture("in_hw8_c3 sk_s1_c8_nhs fc_c2")
    assert one_hot_rows(space, architecture)["b01_activation"].tolist() == [0, 1]
