"""Law 1 for slices: the drawn network alone computes what the masks compute, and moves no more."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import normalized_activation, two_phase_model
from fbnetv2_tf.builders.equivalence import difference
from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.scoring import selected_logits
from fbnetv2_tf.search_data import WEIGHTS_PHASE
from fbnetv2_tf.sliced_path import SlicedPath

from .supernets import EVERY_KIND, randomize
from .test_law_split import TEXT

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(8, 9, 9, 2)).astype(np.float32)
DIRECTION = RANDOM.normal(size=(8, 3)).astype(np.float32)


class Pair:
    """One supernet and the graphs of both forms of its weight step, traced once."""

    def __init__(self) -> None:
        self.net = build_supernet(EVERY_KIND, sampling="sliced")
        randomize(self.net)
        self.traces = 0
        self.forms = {
            name: tf.function(getattr(self, name), autograph=False) for name in ("sliced", "masked")
        }

    def sliced(self) -> tf.Tensor:
        self.traces += 1
        places = list(self.net.by_block(self.net.choices.places()))
        return self._with_gradients(lambda: SlicedPath(self.net.blocks, 0.9)(IMAGES, places))

    def masked(self) -> tf.Tensor:
        weights = self.net.choices(training=True)
        return self._with_gradients(
            lambda: self.net.forward(IMAGES, weights, training=True, momentum=0.9)
        )

    def _with_gradients(self, forward: Any) -> Any:
        variables = self.net.weight_variables
        with tf.GradientTape() as tape:
            logits = forward()
            total = tf.reduce_sum(logits * DIRECTION)
        gradients = tape.gradient(total, variables, unconnected_gradients="zero")
        return logits, tf.concat([tf.reshape(g, [-1]) for g in gradients], axis=0)

    def run(self, form: str) -> tuple[Any, Any, dict[str, np.ndarray]]:
        """Logits, gradient and moved statistics; the statistics are as before afterwards."""
        moving = [v for v in self.net.non_trainable_variables if "moving_" in v.path]
        before = [v.numpy() for v in moving]
        logits, gradient = self.forms[form]()
        moved = {v.path: v.numpy() - old for v, old in zip(moving, before, strict=True)}
        for variable, old in zip(moving, before, strict=True):
            variable.assign(old)
        return logits, gradient, moved


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


@pytest.mark.parametrize("draw", ["smallest", "largest", *range(4)])
def test_slices_compute_what_masks_compute(pair: Pair, draw: Any) -> None:
    space = pair.net.space
    architecture = space.sample(draw) if isinstance(draw, int) else getattr(space, draw)
    with pair.net.choices.selected(architecture):
        (ours, our_gradient, moved), (theirs, gradient, wanted) = map(pair.run, pair.forms)
    assert difference(ours, theirs) < 1e-5
    assert difference(our_gradient, gradient) < 1e-5
    assert pair.traces == 1
    for path, change in moved.items():
        where = change != 0
        np.testing.assert_allclose(change[where], wanted[path][where], rtol=1e-4, atol=1e-6)
        # A prefix of the channels ran, or none.
        assert np.array_equal(where, np.arange(where.size) < where.sum())
    ran = {path.split("/")[-3] for path, change in moved.items() if change.any()}
    assert ran


def test_a_fixed_width_beside_a_searched_one_is_not_taken_for_it() -> None:
    """TensorFlow concludes from the residual's sum that both are 16 wide, drawn or not."""
    net: Supernet = build_supernet(
        "in_hw4_c3 cn_k3_s1_c16_nre ds_k3_s1_c8:16:4_nre fc_c2", sampling="sliced"
    )
    net.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    step = net.make_train_function()
    images, labels = tf.ones([2, 4, 4, 3]), tf.constant([0, 1])
    for _ in range(6):
        assert np.isfinite(float(step(iter([(images, labels, WEIGHTS_PHASE)]))["loss"]))


def test_a_narrow_draw_leaves_the_other_channels_where_they_are(pair: Pair) -> None:
    with pair.net.choices.selected(pair.net.space.smallest):
        _, gradient, moved = pair.run("sliced")
    stem = next(change for path, change in moved.items() if "b01/bn/moving_mean" in path)
    assert (stem[:8] != 0).all()
    assert not stem[8:].any()
    assert np.mean(np.asarray(gradient) == 0) > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_slices_infer_what_masks_infer(pair: Pair, seed: int) -> None:
    with pair.net.choices.selected(pair.net.space.sample(seed)):
        ours = selected_logits(pair.net, IMAGES)
        theirs = pair.net.forward(IMAGES, pair.net.choices())
    assert difference(ours, theirs) < 1e-5


def test_instantiated_candidates_have_no_slices() -> None:
    with pytest.raises(SpaceError, match="only where `sharing` is 'path'"):
        build_supernet(TEXT, sampling="sliced", sharing="none")


def test_several_devices_have_no_slices(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_phase_model, "replica_count", lambda: 2)
    with pytest.raises(SpaceError, match="on several devices"):
        pair.net._weight_forward()


def test_a_search_by_slices_learns() -> None:
    net: Supernet = build_supernet(TEXT, sampling="sliced")
    net.compile(
        keras.optimizers.SGD(0.1), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    images = RANDOM.normal(size=(16, 6, 6, 1)).astype(np.float32)
    labels = RANDOM.integers(0, 3, 16)
    step = net.make_train_function()
    losses = [float(step(iter([(images, labels, WEIGHTS_PHASE)]))["loss"]) for _ in range(30)]
    # The mean so far, so the last loss is well below the first.
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("end", ["smallest", "largest"])
def test_a_fixed_width_after_a_searched_one_is_scored(end: str) -> None:
    net = build_supernet("in_hw8_c3 cn_k3_s2_c8/16_nre ir/sk_k3_s1_e1/2_c16_nre fc_c2")
    images = RANDOM.normal(size=(2, 8, 8, 3)).astype(np.float32)
    with net.choices.selected(getattr(net.space, end)):
        ours = tf.function(lambda: selected_logits(net, images))()
        assert difference(ours, net.forward(images, net.choices())) < 1e-5


def test_large_maps_of_a_branch_take_their_compiled_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalized_activation, "LEAST_ELEMENTS", 0)
    text = "in_hw8_c3 cn_k3_s2_c8_nre ir/sk_k3/5_s1_e2_c8_se0/0.5_nre/hs fc_c2"
    net: Supernet = build_supernet(text, sampling="sliced")
    net.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    step = net.make_train_function()
    batch = tf.ones([2, 8, 8, 3]), tf.constant([0, 1]), WEIGHTS_PHASE
    assert np.isfinite(float(step(iter([batch]))["loss"]))
