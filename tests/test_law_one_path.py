"""Law 3: one path, whatever the number of alternatives, and masks that never touch a map."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest
import tensorflow as tf

from fbnetv2_tf.choices_layout import searched
from fbnetv2_tf.space import parse_space

from .supernets import shared_net

CONVOLUTIONS = (
    "Conv2D",
    "DepthwiseConv2dNative",
    "Conv2DBackpropInput",
    "Conv2DBackpropFilter",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
)
BATCH, SIDE = 3, 8
PIXELS = (BATCH * 8 * 8, BATCH * 4 * 4)
"""Rows of a map that a matrix product reads: 1x1 convolutions are such products."""

MINIMAL = (
    "in_hw8_c3 cn_k3_s1_c32_nre ir/sk_k3/5_s2_e3_c8/32_se0/0.25_nre/hs "
    "ir/sk_k3/5_s1_e3_c8/32_se0/0.25_nre/hs ip_e2_c32_nhs fc_c4"
)
"""About two alternatives in each choice."""

MANY = (
    "in_hw8_c3 cn_k3_s1_c32_nre ir/sk_k3/5_s2_e0.1:3:0.1_c1:32:1_se0/0.01:0.25:0.01_nre/hs "
    "ir/sk_k3/5_s1_e0.1:3:0.1_c1:32:1_se0/0.01:0.25:0.01_nre/hs ip_e2_c32_nhs fc_c4"
)
"""The same largest network, with about 200 alternatives."""


@cache
def graph(text: str, with_gradient: bool) -> Any:
    """The graph of a training step's forward pass, or of it and both gradients."""
    net = shared_net(text)

    def step(images: tf.Tensor) -> Any:
        weights = net.choices(training=True)
        if not with_gradient:
            return net.forward(images, weights, training=True, momentum=0.9)
        variables = [variable.value for variable in net.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(variables)
            weights = net.choices(training=True)
            logits = net.forward(images, weights, training=True)
        return [g for g in tape.gradient(logits, variables) if g is not None]

    spec = tf.TensorSpec([BATCH, SIDE, SIDE, 3])
    return tf.function(step, autograph=False).get_concrete_function(spec).graph


def all_operations(text: str, with_gradient: bool = False) -> list[tf.Operation]:
    """All operations; nothing that has to do with a map hides in a function that they call."""
    whole = graph(text, with_gradient)
    found = whole.get_operations()
    called = whole.as_graph_def().library.function
    assert not {node.op for function in called for node in function.node_def} & {*CONVOLUTIONS}
    calls = [operation for operation in found if "PartitionedCall" in operation.type]
    of_calls = [tensor for call in calls for tensor in [*call.inputs, *call.outputs]]
    assert not [tensor for tensor in of_calls if is_map(tensor) or is_rows(tensor)]
    return found


def is_convolution(operation: tf.Operation) -> bool:
    """Whether an operation is a convolution of more than one pixel, or a gradient of one."""
    is_product = operation.type == "MatMul" and any(map(is_rows, operation.inputs))
    return operation.type in CONVOLUTIONS or is_product


def rank(tensor: tf.Tensor) -> int:
    return -1 if tensor.shape.rank is None else tensor.shape.rank


def is_map(tensor: tf.Tensor) -> bool:
    """Whether a tensor is an activation map of more than one pixel (a kernel has no batch)."""
    shape = tensor.shape
    return shape.rank == 4 and shape[0] == BATCH and shape[1] > 1 and shape[1] == shape[2]


def is_rows(tensor: tf.Tensor) -> bool:
    """Whether a tensor is a map as the rows of a matrix."""
    return rank(tensor) == 2 and tensor.shape[0] in PIXELS


def test_the_spaces_differ_as_they_should() -> None:
    few, many = (searched(parse_space(text)) for text in (MINIMAL, MANY))
    assert few.keys() | {"b02_expansion", "b03_expansion"} == many.keys()
    assert sum(map(len, few.values())) == 20
    assert sum(map(len, many.values())) > 180


@pytest.mark.parametrize("with_gradient", [False, True], ids=["forward", "gradient"])
def test_the_same_convolutions_for_2_and_for_200_alternatives(with_gradient: bool) -> None:
    counts = []
    for text in (MINIMAL, MANY):
        operations = all_operations(text, with_gradient)
        shapes = Counter(
            (op.type, tuple(map(str, (i.shape for i in op.inputs))))
            for op in operations
            if is_convolution(op)
        )
        counts.append(shapes)
    assert counts[0] == counts[1]
    if not with_gradient:
        # Stem, two blocks of three, the head's first, and the 1x1 skip of each of the two blocks.
        assert sum(counts[0].values()) == 1 + 2 * 3 + 1 + 2


def test_the_same_operations_on_maps_for_2_and_for_200_alternatives() -> None:
    """Not only convolutions: nothing of the size of a map depends on the alternatives."""
    counts = [
        Counter(op.type for op in all_operations(text, True) if any(map(is_map, op.outputs)))
        for text in (MINIMAL, MANY)
    ]
    assert counts[0] == counts[1]


def test_no_mask_multiplies_a_map() -> None:
    """What does: activations (maps of one shape), gates, and probabilities of branches."""
    products = [
        operation
        for operation in all_operations(MANY)
        if operation.type == "Mul" and any(map(is_map, operation.outputs))
    ]
    assert products
    for product in products:
        factors = [factor for factor in product.inputs if not is_map(factor)]
        for factor in factors:
            is_scalar = rank(factor) == 0
            is_gate = factor.shape.rank == 4 and factor.shape[:3] == [BATCH, 1, 1]
            assert is_scalar or is_gate, (product.name, factor.shape)


def test_scalars_on_hidden_maps_are_those_of_the_activations() -> None:
    """`P(re) * relu(x) + P(hs) * (x * relu6(x + 3) * 1/6)` has three, and there are four of them.

    A branch's probability on a hidden map would be an avoidable pass over the largest tensors.
    """
    by_scalars = [
        operation
        for operation in all_operations(MANY)
        if operation.type == "Mul"
        and is_map(operation.outputs[0])
        and operation.outputs[0].shape[-1] == 3 * 32
        and any(rank(factor) == 0 for factor in operation.inputs)
    ]
    assert len(by_scalars) == 3 * 4


def test_masks_multiply_parameters() -> None:
    """The masks of widths and kernels do appear: on kernels, and in the gates of two blocks."""
    operations = all_operations(MANY)
    products = [op for op in operations if op.type == "Mul"]
    kernels = [op for op in products if op.outputs[0].shape == [5, 5, 96, 1]]
    assert len(kernels) >= 2
    calls = [op for op in operations if "PartitionedCall" in op.type]
    assert len([call for call in calls if [96, 1] in [i.shape for i in call.inputs]]) == 2
