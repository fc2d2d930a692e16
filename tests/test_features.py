"""Feature maps as data."""

from __future__ import annotations

import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.errors import ArchitectureError
from fbnetv2_tf.features import FeatureMap, feature_maps


def test_the_last_map_at_each_stride_of_f1() -> None:
    assert feature_maps(zoo["fbnetv2_f1"].architecture) == (
        FeatureMap(block=2, stride=2, channels=8, side=64),
        FeatureMap(block=4, stride=4, channels=24, side=32),
        FeatureMap(block=6, stride=8, channels=24, side=16),
        FeatureMap(block=12, stride=16, channels=80, side=8),
        FeatureMap(block=16, stride=32, channels=224, side=4),
    )


@pytest.mark.parametrize("name", zoo)
def test_every_network_of_the_zoo_has_five(name: str) -> None:
    architecture = zoo[name].architecture
    maps = feature_maps(architecture)
    assert [m.stride for m in maps] == [2, 4, 8, 16, 32]
    assert [m.side * m.stride for m in maps] == [architecture.side] * 5


def test_odd_sides_round_up_and_pooled_blocks_are_no_maps() -> None:
    text = "in_hw7_c3 cn_k3_s2_c8_nre ir_k3_s2_e2_c16_nre sk_s1_c24_nre ip_e2_c32_nhs pl fc_c2"
    assert feature_maps(parse_architecture(text)) == (
        FeatureMap(1, 2, 8, 4),
        FeatureMap(3, 4, 24, 2),
    )


def test_no_stride_no_maps() -> None:
    with pytest.raises(ArchitectureError, match="must come from blocks of stride 2"):
        feature_maps(parse_architecture("in_hw7_c3 cn_k3_s1_c8_nre fc_c2"))
