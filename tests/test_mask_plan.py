"""All masks at once against sums over every alternative, written out, on random spaces."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given

from fbnetv2_tf.choice_weights import ChoiceWeights
from fbnetv2_tf.choices_layout import searched
from fbnetv2_tf.mask_plan import WITH_HIDDEN, WITH_IDENTITY, masks_of
from fbnetv2_tf.masks import BlockMasks, kernel_places
from fbnetv2_tf.placed_blocks import PlacedBlock, placed_blocks
from fbnetv2_tf.rounding import hidden_channels, se_channels
from fbnetv2_tf.space import Space, SpaceBlock, parse_space

from .strategies import spaces


def space_block(text: str) -> SpaceBlock:
    return parse_space(f"in_hw8_c3 {text} fc_c2").blocks[1]


def masks(text: str, widths: tuple[int, ...], **weights: Any) -> BlockMasks:
    """Of one block that reads these widths."""
    block = PlacedBlock(space_block(text), widths, 8, {field: field for field in weights})
    return masks_of([block], weights)[0]


def expected(block: SpaceBlock, channels: Any, side: int, p: dict[str, Any]) -> dict[str, Any]:
    """What each mask stands for: a sum over all combinations of what it follows from."""

    def choice(field: str, values: Any) -> list[tuple[Any, float]]:
        return list(zip(values, p.get(field, [1.0]), strict=True)) if values else [(None, 1.0)]

    def prefix(width: int, largest: int) -> np.ndarray:
        return (np.arange(largest) < width).astype(float)

    inputs = choice("input", channels)
    outputs = choice("channels", block.channels) if block.channels else inputs
    expansions, ratios = choice("expansion", block.expansion), choice("se", block.se)
    found: dict[str, Any] = {}
    present = p["kind"][0] if "kind" in p else 1.0
    if block.channels:
        found["output"] = sum(q * prefix(c, max(block.channels)) for c, q in outputs)
        found["scale"] = present * found["output"]
    keeps = block.kind in WITH_IDENTITY and block.stride[0] == 1
    found["same"] = keeps * sum(
        q * r for (c, q), (d, r) in itertools.product(inputs, outputs) if c == d
    )
    found["gain"] = (1 - present if "kind" in p else 1) * (1 - found["same"])
    excited = sum(q for ratio, q in ratios if ratio)
    hidden = {
        (c, e): (hidden_channels(c, e) if e else c, q * r)
        for (c, q), (e, r) in itertools.product(inputs, expansions)
    }
    largest = max(width for width, _ in hidden.values())
    if block.kind in WITH_HIDDEN:
        found["hidden"] = sum(q * prefix(width, largest)[:, None] for width, q in hidden.values())
    squeezed = [
        (se_channels(width, ratio), q * r / excited)
        for (width, q), (ratio, r) in itertools.product(hidden.values(), ratios)
        if ratio
    ]
    if squeezed:
        widest = max(width for width, _ in squeezed)
        found["excitation"] = excited
        found["squeezed"] = sum(q * prefix(width, widest) for width, q in squeezed)
    if block.kernel:
        taps = np.zeros((max(block.kernel), max(block.kernel)))
        starts = kernel_places(block.kernel, side, block.stride[0])
        for (kernel, q), start in zip(choice("kernel", block.kernel), starts, strict=True):
            taps[start : start + kernel, start : start + kernel] += q
        found["kernel"] = taps[:, :, None, None]
    return found


def probabilities(space: Space, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: random.dirichlet(np.ones(len(alternatives))).astype(np.float32)
        for name, alternatives in searched(space).items()
    }


@given(space=spaces())
def test_every_mask_is_the_sum_that_it_stands_for(space: Space) -> None:
    blocks, p = placed_blocks(space, max(space.sides)), probabilities(space, 0)
    for block, masks in zip(blocks, masks_of(blocks, p), strict=True):
        own = {field: p[name] for field, name in block.names.items()}
        wanted = expected(block.block, block.input_channels, block.side, own)
        for name, value in wanted.items():
            found = getattr(masks, name)
            if found is not None:
                np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6, err_msg=name)
            elif name != "gain":
                np.testing.assert_allclose(value, 1.0, rtol=1e-6, err_msg=name)
        assert list(masks.weights) == list(own)


@given(space=spaces())
def test_the_matrix_of_all_weights_gives_what_the_vectors_give(space: Space) -> None:
    blocks, p = placed_blocks(space, max(space.sides)), probabilities(space, 1)
    sizes = {name: len(vector) for name, vector in p.items()}
    rows = np.zeros((len(p), max(sizes.values(), default=0)), np.float32)
    for row, vector in zip(rows, p.values(), strict=True):
        row[: len(vector)] = vector
    of_rows = masks_of(blocks, ChoiceWeights(tf.constant(rows), sizes))
    for one, other in zip(of_rows, masks_of(blocks, p), strict=True):
        for name in ("kernel", "hidden", "squeezed", "output", "scale", "activation", "gain"):
            ours, theirs = getattr(one, name), getattr(other, name)
            assert (ours is None) == (theirs is None)
            if ours is not None:
                np.testing.assert_array_equal(ours, theirs)


def test_a_mask_is_one_path_for_the_sum_of_padded_candidates() -> None:
    """FBNetV2 equation 4: `sum_i g_i pad(x @ W[:, :C_i]) == (x @ W) * M`."""
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(3, 4)), random.normal(size=(4, 6))
    channels, weights = (2, 6, 5), (0.1, 0.6, 0.3)
    summed = sum(
        g * np.pad(x @ kernel[:, :c], ((0, 0), (0, 6 - c)))
        for c, g in zip(channels, weights, strict=True)
    )
    mask = masks("cn_k3_s1_c2/6/5_nre", (3,), channels=weights).output
    np.testing.assert_allclose((x @ kernel) * np.asarray(mask), summed, rtol=1e-6)


def test_nothing_searched_is_no_mask() -> None:
    assert masks("ir_k3_s1_e2_c8_se0.25_nre", (8,)) == BlockMasks(same=1.0)


def test_squeezed_width_without_squeeze_and_excite_is_finite_with_its_gradient() -> None:
    weights = tf.constant([1.0, 0.0, 0.0])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        mask = masks("ir_k3_s1_e2_c8_se0/0.25/0.5_nre", (8, 32), se=weights, input=[0.5, 0.5])
        total = tf.reduce_sum(mask.squeezed)
    assert np.isfinite(mask.squeezed).all()
    assert np.isfinite(tf.convert_to_tensor(tape.gradient(total, weights))).all()


@pytest.mark.parametrize(
    ("channels", "other", "same"),
    [
        ("8/16", (0.3, 0.7), 0.25 * 0.3 + 0.75 * 0.7),
        ("16/24", (0.4, 0.6), 0.75 * 0.4),
        ("16", None, 0.75),
        ("4/24", (0.5, 0.5), 0.0),
    ],
    ids=["same widths", "one in common", "fixed", "none in common"],
)
def test_probability_of_equal_widths(channels: str, other: Any, same: float) -> None:
    weights = {"input": (0.25, 0.75), **({} if other is None else {"channels": other})}
    found = masks(f"ir_k3_s1_e1_c{channels}_nre", (8, 16), **weights)
    assert float(found.same) == pytest.approx(same, rel=1e-6)
    assert masks(f"ir_k3_s2_e1_c{channels}_nre", (8, 16), **weights).same == 0.0


def test_many_blocks_take_as_many_operations_as_one() -> None:
    def operations(repeats: int) -> int:
        text = f"in_hw8_c3 cn_k3_s1_c8/16_nre ir/sk_r{repeats}_k3/5_s1_e1/2_c8/16_se0/0.5_nre fc_c2"
        space = parse_space(text)
        blocks, p = placed_blocks(space, max(space.sides)), probabilities(space, 0)
        sizes = {name: len(vector) for name, vector in p.items()}
        function = tf.function(
            lambda rows: [m.scale for m in masks_of(blocks, ChoiceWeights(rows, sizes))][1]
        )
        spec = tf.TensorSpec([len(sizes), 2])
        graph = function.get_concrete_function(spec).graph
        return sum(op.type not in ("Const", "Placeholder") for op in graph.get_operations())

    assert operations(12) == operations(2)


def test_the_squeezed_width_of_one_ratio_does_not_wait_for_it() -> None:
    """Where a hard sample has no squeeze-and-excite its probability still learns from the gate."""
    found = masks("ir_k3_s1_e1_c8_se0/0.5_nre", (16, 64), se=[1.0, 0.0], input=[0.5, 0.5])
    assert float(found.excitation) == 0
    np.testing.assert_array_equal(found.squeezed, np.repeat([1.0, 0.5], [8, 24]))
