"""Law 1: at one-hot weights the supernet computes what the child with its weights computes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fbnetv2_tf.builders.equivalence import verify_equivalence
from fbnetv2_tf.builders.supernet import build_supernet

from .strategies import members, spaces
from .supernets import randomize, shared_net

SEPARABLE = (
    "in_hw7_c1 ir/sk_k1/3_s2_e1/2_c8_se0/0.5_nre ds/sk_k3_s1_c8/16_se0.25_nre/hs "
    "ds_k3/5_s1_c16_se0_nhs fc_c3"
)


@pytest.mark.parametrize("seed", range(4))
def test_members_of_a_space_with_every_kind(seed: int) -> None:
    net = shared_net()
    verify_equivalence(net, net.space.sample(seed), seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_members_of_instantiated_candidates(seed: int) -> None:
    net = shared_net(SEPARABLE, sharing="none")
    verify_equivalence(net, net.space.sample(seed), seed=seed)


@pytest.mark.parametrize("end", ["smallest", "largest"])
def test_ends_of_a_space_with_every_kind(end: str) -> None:
    net = shared_net()
    verify_equivalence(net, getattr(net.space, end))


@settings(max_examples=6)
@given(st.data())
def test_random_spaces(data: st.DataObject) -> None:
    space = data.draw(spaces(min_blocks=1, max_blocks=2))
    net = build_supernet(space)
    randomize(net)
    verify_equivalence(net, data.draw(members(space)))
