"""What a child inherits, cut out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.inheritance import inherited_weights

from .supernets import EVERY_KIND, shared_net

TEXT = (
    "in_hw9_c2 cn_k3_s2_c8_nhs ir_k3_s1_e2_c16_se0.25_nhs ds_k1_s2_c4_se1_nr6 sk_s1_c8_nre "
    "sk_s1_c8_nhs ip_e2_c8_nhs pl fc_c3"
)


def test_prefixes_of_channels_and_centres_of_kernels() -> None:
    net = shared_net(EVERY_KIND)
    weights = inherited_weights(net, parse_architecture(TEXT))
    stem, searched = net.blocks[0], net.blocks[1].branch
    (kernel,) = weights["b01_conv"]
    np.testing.assert_array_equal(kernel, stem.conv.get_weights()[0][1:4, 1:4, :, :8])
    for mine, whole in zip(weights["b01_bn"], stem.bn.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, whole[:8])
    (kernel,) = weights["b02_depthwise_conv"]
    np.testing.assert_array_equal(kernel, searched.depthwise_conv.get_weights()[0][1:4, 1:4, :16])
    (kernel,) = weights["b02_project_conv"]
    np.testing.assert_array_equal(kernel, searched.project_conv.get_weights()[0][:, :, :16, :16])
    reduce, reduce_bias, expand, expand_bias = searched.se.get_weights()
    np.testing.assert_array_equal(weights["b02_se_reduce"][0][0, 0], reduce[:16, :8])
    np.testing.assert_array_equal(weights["b02_se_reduce"][1], reduce_bias[:8])
    np.testing.assert_array_equal(weights["b02_se_expand"][0][0, 0], expand[:8, :16])
    np.testing.assert_array_equal(weights["b02_se_expand"][1], expand_bias[:16])
    dense = net.blocks[-1].dense.get_weights()[0]
    np.testing.assert_array_equal(weights["b08_dense"][0], dense[:8])


def test_an_identity_has_nothing_to_inherit_and_a_skip_its_convolution() -> None:
    net = shared_net(EVERY_KIND)
    weights = inherited_weights(net, parse_architecture(TEXT))
    assert "b05_conv" not in weights
    np.testing.assert_array_equal(
        weights["b04_conv"][0], net.blocks[3].skip.conv.get_weights()[0][:, :, :4, :8]
    )


def test_the_shapes_are_those_of_the_child() -> None:
    net = shared_net(EVERY_KIND)
    architecture = net.space.sample(11)
    child = net.child(architecture)
    weights = inherited_weights(net, architecture)
    assert {layer.name for layer in child.layers if layer.weights} == set(weights)
    for name, arrays in weights.items():
        for mine, theirs in zip(arrays, child.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_any_value_can_be_cut_out() -> None:
    net = shared_net(EVERY_KIND)
    zeros = inherited_weights(net, net.space.sample(0), lambda variable: np.zeros(variable.shape))
    assert not any(array.any() for arrays in zeros.values() for array in arrays)


def test_an_architecture_of_another_space_is_refused() -> None:
    stranger = parse_architecture("in_hw9_c2 cn_k3_s2_c8_nhs fc_c3")
    with pytest.raises(SpaceError, match="must have 9 blocks"):
        inherited_weights(shared_net(EVERY_KIND), stranger)
