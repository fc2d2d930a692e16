"""Resolutions: the subset, the paper's layer, and whole supernets with several input sizes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.builders.equivalence import verify_equivalence
from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.resolution import (
    ResolutionChoice,
    nearest_places,
    nearest_subset,
    scattered,
    side_of_step,
)
from fbnetv2_tf.search_data import WEIGHTS_PHASE
from fbnetv2_tf.two_phase_model import SIDE_CHOICE

TEXT = (
    "in_hw6/9/11_c2 cn_k3/5_s2_c8/16_nre/hs ir/sk_k3/5_s2_e1/3_c8/16_se0/0.5_nre "
    "ds_k3/5_s1_c8_nre/hs fc_c3"
)


@pytest.fixture(scope="module")
def net() -> Supernet:
    """A supernet of three resolutions with even and odd maps, every variable moved."""
    net = build_supernet(TEXT)
    random = np.random.default_rng(0)
    for variable in net.variables:
        if variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
        elif variable.path.endswith(("beta", "moving_mean")):
            variable.assign(random.normal(0, 0.2, variable.shape))
    return net


def images(count: int = 8, side: int = 11) -> tf.Tensor:
    values = np.random.default_rng(1).normal(size=(count, side, side, 2))
    return tf.constant(values.astype(np.float32))


@pytest.mark.parametrize("sides", [(288, 256), (288, 128), (224, 160), (11, 6), (9, 9), (5, 1)])
def test_places_are_the_floor_of_the_ratio_and_none_twice(sides: tuple[int, int]) -> None:
    large, small = sides
    places = nearest_places(large, small)
    assert places.tolist() == [int(np.floor(i * large / small)) for i in range(small)]
    assert len(set(places.tolist())) == small
    assert places.max() < large


def test_a_larger_resolution_than_the_images_is_refused() -> None:
    with pytest.raises(SpaceError, match=r"from 1 to the 9 pixels.*Received: 11"):
        nearest_subset(images(side=9), 11)


def test_images_of_a_side_that_the_graph_does_not_know() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])])
    def smaller(x: tf.Tensor) -> tf.Tensor:
        subset = nearest_subset(x, 6)
        assert subset.shape[1:] == (6, 6, 2)
        return subset

    np.testing.assert_array_equal(smaller(images()), nearest_subset(images(), 6))


def test_scattering_is_the_inverse_of_taking_the_subset() -> None:
    subset = nearest_subset(images(), 6)
    spread = scattered(subset, 11)
    np.testing.assert_array_equal(nearest_subset(spread, 6), subset)
    assert int(tf.math.count_nonzero(spread)) == int(tf.math.count_nonzero(subset))


def test_the_paper_layer_is_the_weighted_sum_of_scattered_results() -> None:
    convolution = keras.layers.Conv2D(4, 3, padding="same")
    choice = ResolutionChoice(convolution, sides=(6, 8, 11))
    weights = np.array([0.2, 0.5, 0.3], np.float32)
    x = images()
    found = choice(x, tf.constant(weights)).numpy()
    expected = np.zeros((8, 11, 11, 4), np.float32)
    for weight, side in zip(weights, (6, 8, 11), strict=True):
        places = [i * 11 // side for i in range(side)]
        small = convolution(x.numpy()[:, places][:, :, places]).numpy()
        for i, row in enumerate(places):
            for j, column in enumerate(places):
                expected[:, row, column] += weight * small[:, i, j]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("place", range(3))
def test_the_mean_is_over_the_pixels_that_are_there(place: int) -> None:
    sides = (6, 8, 11)
    choice = ResolutionChoice(keras.layers.Activation("relu"), sides)
    weights = tf.one_hot(place, 3)
    found = choice.mean(choice(images(), weights), weights)
    expected = tf.reduce_mean(tf.nn.relu(nearest_subset(images(), sides[place])), axis=[1, 2])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_paper_layer_learns_the_weights_and_its_operation() -> None:
    choice = ResolutionChoice(keras.layers.Conv2D(2, 3, padding="same"), sides=(6, 11))
    logits = tf.Variable([0.0, 0.0])
    with tf.GradientTape() as tape:
        weights = tf.nn.softmax(logits)
        loss = tf.reduce_mean(choice.mean(choice(images(), weights), weights) ** 2)
    gradients = tape.gradient(loss, [logits, *choice.trainable_variables])
    assert len(gradients) == 3
    assert all(float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)


def test_the_paper_layer_comes_back_from_its_config() -> None:
    choice = ResolutionChoice(keras.layers.Conv2D(2, 1), sides=(6, 11))
    again = ResolutionChoice.from_config(choice.get_config())
    assert (again.sides, again.operation.filters) == ((6, 11), 2)


def test_the_paper_layer_refuses_what_it_cannot_do() -> None:
    with pytest.raises(SpaceError, match=r"at least two resolutions.*Received: \[6\]"):
        ResolutionChoice(tf.identity, sides=(6,))
    with pytest.raises(SpaceError, match="largest side, 12 pixels"):
        ResolutionChoice(tf.identity, sides=(6, 12))(images(), tf.ones([2]) / 2)
    strided = keras.layers.MaxPool2D(2)
    with pytest.raises(SpaceError, match="must keep the side of its map, 6 pixels"):
        ResolutionChoice(strided, sides=(6, 11))(images(), tf.ones([2]) / 2)


@pytest.mark.parametrize("side", [6, 9, 11])
def test_law_1_holds_at_every_resolution(net: Supernet, side: int) -> None:
    drawn = map(net.space.sample, range(100))
    architecture = next(a for a in drawn if a.side == side and a.blocks[2].kind == "ir")
    verify_equivalence(net, architecture, seed=side)
    child = net.child(architecture)
    net.select(architecture)
    try:
        assert net.selected_side == architecture.side
        found = net(images())
        costs = net.expected_cost()
    finally:
        net.unselect()
    np.testing.assert_allclose(
        found, child(nearest_subset(images(), architecture.side)), rtol=1e-4, atol=1e-5
    )
    assert costs["macs"] == count(architecture).macs


@pytest.mark.parametrize(
    ("sides", "a_round"),
    [((6, 11), [6, 11]), ((6, 9, 11), [6, 6, 9, 11, 11]), ((6, 8, 9, 11), [6, 6, 8, 9, 11, 11])],
    ids=str,
)
def test_weight_steps_come_in_rounds_of_all_resolutions(
    sides: tuple[int, ...], a_round: list[int]
) -> None:
    steps = len(a_round)
    rounds = [[side_of_step(sides, r * steps + i, 3) for i in range(steps)] for r in range(12)]
    assert all(sorted(each) == a_round for each in rounds)
    assert len(set(map(tuple, rounds))) > 1
    assert rounds[0] == [side_of_step(sides, i, 3) for i in range(steps)]
    assert rounds != [
        [side_of_step(sides, r * steps + i, 4) for i in range(steps)] for r in range(12)
    ]


def test_probabilities_do_not_move_what_weight_steps_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolution that was trained more would be more probable, and trained more for that."""

    def sides_run(logits: list[float]) -> list[int]:
        net = build_supernet("in_hw6/9/11_c2 fc_c3", seed=5)
        net.choices.choices[0].assign(logits)
        seen: list[int] = []
        monkeypatch.setattr(net, "weight_step", lambda images, _: seen.append(int(images.shape[1])))
        net.compile(loss="mse", run_eagerly=True)
        net.choices.step.assign(40)
        for _ in range(10):
            side = net._side_of_step()
            net.train_step((images(), tf.zeros([8]), WEIGHTS_PHASE), side)
            net.choices.step.assign_add(1)
        return seen

    undecided = sides_run([0.0, 0.0, 0.0])
    assert undecided == sides_run([9.0, 0.0, 0.0])
    assert undecided == [side_of_step((6, 9, 11), step, 5) for step in range(40, 50)]


def test_a_selected_resolution_is_the_one_that_weight_steps_run() -> None:
    net = build_supernet("in_hw6/9/11_c2 cn_k3_s2_c8_nre fc_c3")
    net.select(net.space.largest)
    assert {net._side_of_step() for _ in range(3)} == {11}
    net.unselect()


def train(net: Any, objective: Budget) -> None:
    x = images(48).numpy()
    labels = (x.mean(axis=(1, 2, 3)) > 0).astype(np.int32)
    data = tf.data.Dataset.from_tensor_slices((x, labels)).batch(8)
    net.compile(
        optimizer=keras.optimizers.SGD(0.02),
        architecture_optimizer=keras.optimizers.Adam(0.3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        objective=objective,
    )
    net.fit(data, epochs=6, verbose=0)


@pytest.mark.slow
def test_a_budget_moves_the_resolution_and_the_child_is_at_its_own() -> None:
    small = build_supernet("in_hw6/11_c2 cn_k3_s2_c8_nre fc_c3")
    least, most = (count(a).macs for a in (small.space.smallest, small.space.largest))
    train(small, Budget(max_macs=least))
    sides = small.probabilities()[SIDE_CHOICE]
    assert sides[0] > 0.6
    assert small.derive(max_macs=least).side == 6
    large = build_supernet("in_hw6/11_c2 cn_k3_s2_c8_nre fc_c3")
    train(large, Budget(max_macs=most))
    assert large.probabilities()[SIDE_CHOICE][1] > 0.6
    child = large.derive(max_macs=most)
    assert (child.side, large.child(child).input_shape) == (11, (None, 11, 11, 2))
