"""A whole search of a tiny space: it learns, it meets its budget, and its child is what it was."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.builders.equivalence import verify_equivalence
from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.counting import count
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.search_data import two_phase

TEXT = "in_hw8_c1 cn_k3_s2_c8:24:8_nre ir/sk_k3/5_s1_e1/2/3_c8/16/24_se0/0.5_nre/hs fc_c2"
LIMIT = 9_000


def stripes(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of horizontal (0) or vertical (1) stripes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, number)
    pattern = np.sin(np.arange(8) * np.pi / 2 + 0.3)
    images = np.where(labels[:, None, None], pattern[None, None, :], pattern[None, :, None])
    images = images * random.uniform(0.5, 1.5, (number, 1, 1))
    images = images + random.normal(0, 0.3, (number, 8, 8))
    return images[..., None].astype(np.float32), labels


def batches(seed: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(stripes(64, seed)).batch(16, drop_remainder=True)


@pytest.fixture(scope="module")
def searched() -> tuple[Supernet, dict[str, list[Any]]]:
    keras.utils.set_random_seed(0)
    net = build_supernet(TEXT)
    net.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, global_clipnorm=5.0),
        architecture_optimizer=keras.optimizers.Adam(0.1, beta_1=0.5),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        objective=Budget(max_macs=LIMIT),
        temperature_schedule=keras.optimizers.schedules.ExponentialDecay(5.0, 80, 0.1),
        warmup_steps=4,
    )
    before = net.expected_cost()["macs"]
    history = net.fit(two_phase(batches(1), batches(2)), epochs=10, verbose=0).history
    return net, {**history, "before": [before]}


def test_every_part_of_the_loss_is_finite(searched: tuple[Supernet, dict[str, Any]]) -> None:
    _, history = searched
    for name, values in history.items():
        assert np.isfinite(values).all(), name


def test_it_learns(searched: tuple[Supernet, dict[str, Any]]) -> None:
    _, history = searched
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["accuracy"][-1] > 0.9


def test_the_expected_cost_moves_to_the_limit(searched: tuple[Supernet, dict[str, Any]]) -> None:
    net, history = searched
    (before,) = history["before"]
    after = net.expected_cost()["macs"]
    assert abs(after / LIMIT - 1) < 0.1 < abs(before / LIMIT - 1)


def test_it_decides(searched: tuple[Supernet, dict[str, Any]]) -> None:
    net, history = searched
    assert float(net.entropy()) < 0.95
    assert history["temperature"][-1] < 1.0 < history["temperature"][1]


def test_the_derived_child_keeps_and_fills_the_budget(
    searched: tuple[Supernet, dict[str, Any]],
) -> None:
    net, _ = searched
    architecture = net.derive(max_macs=LIMIT)
    macs = count(architecture).macs
    assert macs <= LIMIT
    full = Landscape(net.space).filled_window(net.probabilities(), LIMIT)
    assert full.low <= macs <= full.high


def test_the_child_computes_what_the_supernet_does(
    searched: tuple[Supernet, dict[str, Any]],
) -> None:
    net, _ = searched
    architecture = net.derive(max_macs=LIMIT)
    images, _ = stripes(32, 3)
    verify_equivalence(net, architecture, images)
    net.select(architecture)
    np.testing.assert_allclose(net(images), net.child(architecture)(images), atol=1e-4)
    net.unselect()


def test_candidates_are_compared_within_the_budget(
    searched: tuple[Supernet, dict[str, Any]],
) -> None:
    net, _ = searched
    before = [v.numpy() for v in net.non_trainable_variables]
    given: dict[str, Any] = {"validation": batches(4), "calibration": batches(1)}
    best = net.derive(max_macs=LIMIT, candidates=3, **given)
    assert count(best).macs <= LIMIT
    told: list[tuple[int, int, float]] = []
    ranked = net.rank(
        {"macs": LIMIT},
        3,
        **given,
        watch=lambda *told_of: told.append((*told_of[:2], told_of[3].loss)),
    )
    assert ranked[0].architecture == best
    assert [told_of[:2] for told_of in told] == [(n, len(ranked)) for n in range(1, len(told) + 1)]
    assert sorted(loss for *_, loss in told) == [c.score.loss for c in ranked if c.score]
    for variable, value in zip(net.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
