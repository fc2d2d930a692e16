"""The measure of law 1: what it tells, and that it leaves everything as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.builders import equivalence
from fbnetv2_tf.builders.equivalence import (
    Equivalence,
    EquivalenceError,
    difference,
    verify_equivalence,
)
from fbnetv2_tf.builders.supernet import Supernet
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.space import parse_space

from .supernets import randomize, shared_net

TEXT = "in_hw5_c1 cn_k3_s1_c8/16_nre cn_k3_s1_c8_nre fc_c2"


def test_difference_is_relative_to_the_largest_value() -> None:
    assert difference([1.0, -4.0], [1.0, -5.0]) == pytest.approx(0.2)
    assert difference([0.0, 1e-4], [0.0, 0.0]) == pytest.approx(0.1)


def test_it_says_how_large_each_difference_is() -> None:
    found = verify_equivalence(shared_net(TEXT), shared_net(TEXT).space.sample(0))
    assert found.largest == max(found.inference, found.training, found.gradients)
    assert 0 < found.largest < 1e-5


def test_it_leaves_variables_and_selection_as_they_were() -> None:
    net = shared_net(TEXT)
    net.select(net.space.sample(1))
    before = [variable.numpy() for variable in net.variables]
    verify_equivalence(net, net.space.sample(2))
    for variable, value in zip(net.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    net.unselect()


def test_a_kink_that_other_images_do_not_meet_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = equivalence._compare, []

    def at_a_kink_first(*given: Any) -> Equivalence:
        seen.append(real(*given))
        return replace(seen[0], gradients=1e-3) if len(seen) == 1 else seen[-1]

    monkeypatch.setattr(equivalence, "_compare", at_a_kink_first)
    net = shared_net(TEXT)
    assert verify_equivalence(net, net.space.sample(0), attempts=2) == seen[1]
    seen.clear()
    with pytest.raises(EquivalenceError, match="gradients="):
        verify_equivalence(net, net.space.sample(0))


def test_logits_have_to_agree_on_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = iter([Equivalence(1.0, 0.0, 1.0), Equivalence(0.0, 0.0, 0.0)])
    monkeypatch.setattr(equivalence, "_compare", lambda *_: next(faulty))
    net = shared_net(TEXT)
    with pytest.raises(EquivalenceError):
        verify_equivalence(net, net.space.sample(0), attempts=2)


class Forgetful(Supernet):
    """One whose children are a little different, in one of three ways."""

    changed = ""

    def child(self, architecture: Architecture, **options: Any) -> Any:
        child = super().child(architecture, **options)
        layer, _, weight = self.changed.partition("/")
        variable = getattr(child.get_layer(layer), weight)
        variable.assign(variable + 0.001)
        return child


@pytest.mark.parametrize("changed", ["b01_conv/kernel", "b01_bn/beta", "b02_bn/moving_mean"])
def test_a_child_that_differs_is_told(changed: str) -> None:
    net = Forgetful(TEXT)
    net.changed = changed
    randomize(net)
    with pytest.raises(EquivalenceError, match="must agree to 1e-05"):
        verify_equivalence(net, net.space.sample(0))


def test_an_architecture_of_another_space_is_refused() -> None:
    stranger = parse_space("in_hw5_c1 cn_k3_s1_c32_nre cn_k3_s1_c8_nre fc_c2").sample(0)
    with pytest.raises(SpaceError, match="Block 1 must be one of"):
        verify_equivalence(shared_net(TEXT), stranger)
