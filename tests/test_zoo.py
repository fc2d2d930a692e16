"""The zoo against its papers: for each network MACs with pooled elements, and weights, exactly."""

from __future__ import annotations

import pytest

from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import ArchitectureError

OLDER_ROUNDING = "mobilenet_v3_large"


def figures(name: str) -> str:
    entry = zoo[name]
    return (
        f"{name}: {entry.macs:,} MACs, {entry.pooled_elements:,} pooled, {entry.weights:,} weights"
    )


@pytest.mark.parametrize("name", zoo, ids=figures)
def test_counts_are_the_entrys_and_the_published_figures(name: str) -> None:
    entry = zoo[name]
    cost = count(entry.architecture)
    assert cost.macs == entry.macs
    assert cost.pooled_elements == entry.pooled_elements
    assert cost.weights == entry.weights
    if entry.published is None:
        assert name in ("fbnetv2_f0", "fbnetc_100")
        return
    flops, params = (cost.macs + cost.pooled_elements) / 1e6, cost.weights / 1e6
    if name == OLDER_ROUNDING:
        assert flops == pytest.approx(entry.published.flops_m, rel=5e-5)
        assert params == pytest.approx(entry.published.params_m, rel=5e-4)
        assert flops != entry.published.flops_m
    else:
        # Some were printed to the unit, some to ten units.
        assert round(flops, _decimals(entry.published.flops_m)) == entry.published.flops_m
        assert round(params, _decimals(entry.published.params_m)) == entry.published.params_m
        assert _decimals(entry.published.flops_m) >= 3


def _decimals(number: float) -> int:
    return len(repr(number).split(".")[1])


def test_every_entry_has_a_source_and_sane_figures() -> None:
    assert len(zoo) == 12
    for name, entry in zoo.items():
        assert entry.name == name == name.lower()
        assert "arXiv" in entry.source
        if entry.published is not None:
            assert entry.published.crop == entry.architecture.side
            assert 60 < entry.published.top1 < entry.published.top5 < 100


def test_case_does_not_matter() -> None:
    assert zoo["FBNetV2_F1"] == zoo["fbnetv2_f1"] == zoo[" fbnetv2_F1\n"]
    assert "FBNET_C" in zoo
    assert 3 not in zoo


@pytest.mark.parametrize(
    ("name", "suggested"),
    [("fbnetv2_f9", "fbnetv2_f"), ("fbnet-c", "'fbnet_c'"), ("mobilenetv2", "'mobilenet_v2'")],
)
def test_a_near_miss_is_suggested(name: str, suggested: str) -> None:
    with pytest.raises(ArchitectureError, match=f"Received: '{name}'. Did you mean .*{suggested}"):
        zoo[name]


def test_what_is_nothing_like_a_name_gets_the_list() -> None:
    with pytest.raises(
        ArchitectureError, match=r"The zoo has fbnetv2_f0, .*, fbnetc_100\. Rec"
    ) as e:
        zoo["resnet"]
    assert "Did you mean" not in str(e.value)
    assert zoo.get("resnet") is None
