"""The supernet as a Keras model: variables, costs, selection, saving, mixed precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.counting import RESOURCES, count
from fbnetv2_tf.errors import BudgetError, RunError, SpaceError
from fbnetv2_tf.objectives import Budget, PaperObjective
from fbnetv2_tf.search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE, two_phase

from .supernets import EVERY_KIND, random_weights, randomize, shared_net
from .test_law_split import IMAGES, LABELS, TEXT, TINY, TWO_TYPES, compiled, data

KERNEL = 9
"""Side of the images of `EVERY_KIND`."""


def images(batch: int = 4, channels: int = 2) -> np.ndarray:
    shape = (batch, KERNEL, KERNEL, channels)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def logits_set(net: Supernet, seed: int = 0) -> None:
    random = np.random.default_rng(seed)
    for choice in net.choices.choices:
        choice.assign(random.normal(size=len(choice.alternatives)))


def test_expected_cost_is_the_integer_cost_while_selected() -> None:
    net = shared_net()
    architecture = net.space.sample(5)
    net.select(architecture)
    found = net.expected_cost()
    net.unselect()
    assert {r: found[r] for r in RESOURCES} == {
        r: getattr(count(architecture), r) for r in RESOURCES
    }


def test_select_refuses_what_is_not_in_the_space() -> None:
    with pytest.raises(SpaceError, match="must have"):
        shared_net().select(build_supernet("in_hw8_c3 fc_c2").space.sample(0))


def test_call_is_forward_at_the_weights_of_the_choices() -> None:
    net = shared_net()
    weights = net.choices(training=False)
    np.testing.assert_array_equal(net(images()), net.forward(images(), weights))
    assert net(images()).shape == (4, 3)


def test_training_samples_and_moves_the_statistics() -> None:
    net = build_supernet("in_hw9_c2 cn_k3_s2_c8/16_nre fc_c2")
    before = net.blocks[0].bn.get_weights()[2]
    net(images(), training=True)
    batch = np.asarray(net.blocks[0].conv(images())).mean((0, 1, 2))
    after = net.blocks[0].bn.get_weights()[2]
    np.testing.assert_allclose(after, 0.9 * before + 0.1 * batch, rtol=1e-4, atol=1e-6)


def test_entropy_is_one_when_undecided_and_falls_to_zero() -> None:
    net = build_supernet("in_hw9_c2 cn_k3_s2_c8/16/24_nre/hs fc_c2")
    assert float(net.entropy()) == pytest.approx(1.0)
    net.choices.choices[0].assign([2.0, 0.0, 0.0])
    p = np.exp([2.0, 0, 0]) / np.exp([2.0, 0, 0]).sum()
    one = -(p * np.log(p)).sum() / np.log(3)
    assert float(net.entropy()) == pytest.approx((one + 1.0) / 2, rel=1e-5)
    for choice in net.choices.choices:
        choice.assign([60.0] + [0.0] * (len(choice.alternatives) - 1))
    assert float(net.entropy()) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("sharing", ["path", "none"])
def test_a_saved_supernet_comes_back(tmp_path: Path, sharing: str) -> None:
    text = TWO_TYPES if sharing == "none" else EVERY_KIND
    net = build_supernet(text, sharing=sharing, sampling="mixed", temperature=3.0, seed=5)
    randomize(net)
    logits_set(net)
    net.choices.temperature.assign(1.5)
    net.choices.step.assign(17)
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert isinstance(again, Supernet)
    assert (again.space, again.sampling, again.seed) == (net.space, "mixed", 5)
    assert again.sharing == sharing
    x = IMAGES if sharing == "none" else images()
    np.testing.assert_array_equal(again(x), net(x))
    np.testing.assert_array_equal(again(x, training=True), net(x, training=True))
    for name, p in net.probabilities().items():
        np.testing.assert_array_equal(again.probabilities()[name], p)
    architecture = net.space.sample(1)
    np.testing.assert_array_equal(again.child(architecture)(x), net.child(architecture)(x))


def test_a_compiled_supernet_comes_back_with_its_optimizers(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(8.0, 4, 0.5)
    net = compiled(temperature_schedule=schedule, warmup_steps=1, metrics=["accuracy"])
    net.fit(data(2, 1), verbose=0)
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert again.objective.get_config() == net.objective.get_config()
    assert again.warmup_steps == 1
    assert again.temperature_schedule.get_config() == schedule.get_config()
    for optimizer in ("optimizer", "architecture_optimizer"):
        ours, theirs = getattr(again, optimizer).variables, getattr(net, optimizer).variables
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine, other)
    histories = [each.fit(data(2, 1), verbose=0).history for each in (again, net)]
    assert histories[0] == histories[1]


def test_compile_refuses_what_is_no_objective() -> None:
    with pytest.raises(BudgetError, match="`objective` must be a Budget or a PaperObjective"):
        build_supernet("in_hw8_c3 cn_k3_s2_c8/16_nre fc_c2").compile(objective=60e6)


def test_evaluate_reports_the_task_alone() -> None:
    net = compiled(metrics=["accuracy"])
    found = net.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
    assert set(found) == {"loss", "accuracy"}
    log_p = np.asarray(keras.ops.log_softmax(net(IMAGES)))
    expected = -log_p[np.arange(len(LABELS)), LABELS].mean()
    assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_metrics_have_every_part_of_the_objective() -> None:
    net = compiled(objective=Budget(max_macs=2000, max_weights=400, weight=2.0))
    history = net.fit(data(1, 1), verbose=0).history
    parts = {name: values[-1] for name, values in history.items()}
    assert set(parts) >= {"loss", "architecture_loss", "objective", "entropy", "temperature"}
    excess = [np.log(parts[f"expected_{r}"] / m) for r, m in (("macs", 2000), ("weights", 400))]
    penalty = 2.0 / parts["temperature"] * abs(max(excess))
    assert parts["objective"] == pytest.approx(parts["architecture_loss"] + penalty, rel=1e-4)


def test_every_metric_is_there_once() -> None:
    net = compiled(objective=Budget(max_weights=300))
    net.compile("sgd", loss="sparse_categorical_crossentropy", objective=Budget(max_macs=2000))
    names = [metric.name for metric in net.metrics]
    assert len(set(names)) == len(names)
    assert "expected_macs" in names
    assert "expected_weights" not in names


def test_a_space_without_choices_trains_like_a_model() -> None:
    net = build_supernet("in_hw6_c1 cn_k3_s2_c8_nre fc_c3")
    net.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = net.fit(data(2, 1), verbose=0, epochs=3).history
    assert history["loss"][-1] < history["loss"][0]
    assert str(net.derive()) == "in_hw6_c1 cn_k3_s2_c8_nre fc_c3"


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def mixed_policy(request: pytest.FixtureRequest) -> Any:
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy(before)


def test_mixed_precision_computes_small_and_keeps_everything_in_float32(mixed_policy: str) -> None:
    is_half = mixed_policy == "mixed_float16"
    net = compiled(TINY if is_half else TEXT, objective=PaperObjective(unit=100))
    for optimizer in (net.optimizer, net.architecture_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) is is_half
    assert {v.dtype for v in net.trainable_variables} == {"float32"}
    assert {w.dtype for w in net.choices(training=True).values()} == {tf.float32}
    halves = dict.fromkeys(("channels", "activation"), tf.constant([0.5, 0.5]))
    seen = net.blocks[0](IMAGES, masks=net.blocks[0].masks(halves, IMAGES.shape[1]))
    assert seen.dtype == mixed_policy.removeprefix("mixed_")
    assert net(IMAGES).dtype == "float32"
    history = net.fit(data(2, 2), verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert all(np.isfinite(v.numpy()).all() for v in net.trainable_variables)


def test_mixed_precision_agrees_with_float32() -> None:
    net, small = shared_net(), build_supernet(EVERY_KIND, dtype="mixed_bfloat16")
    small.set_weights(net.get_weights())
    weights = random_weights(net)
    ours, theirs = small.forward(images(), weights), net.forward(images(), weights)
    np.testing.assert_allclose(ours, theirs, atol=0.05 * np.abs(theirs).max())


def test_the_dtype_of_one_supernet_is_its_own_and_is_saved(tmp_path: Path) -> None:
    net = build_supernet(TEXT, dtype="mixed_bfloat16")
    net.save(tmp_path / "net.keras")
    for each in (net, keras.models.load_model(tmp_path / "net.keras")):
        policies = {layer.dtype_policy.name for layer in each._flatten_layers()}
        assert policies == {"mixed_bfloat16", "float32"}
        assert each.blocks[1].branch.se.compute_dtype == "bfloat16"
        assert {v.dtype for v in each.trainable_variables} == {"float32"}


def test_steps_may_run_eagerly() -> None:
    net = compiled(run_eagerly=True)
    for phase in (WEIGHTS_PHASE, ARCHITECTURE_PHASE):
        net.train_step((IMAGES, LABELS, phase))
    batch = tf.data.Dataset.from_tensors((IMAGES, LABELS))
    assert "objective" in net.fit(two_phase(batch, batch), verbose=0).history


def test_images_of_another_side_are_refused() -> None:
    net = compiled()
    images, labels = tf.zeros([4, 12, 12, 1]), tf.zeros([4], tf.int32)
    with pytest.raises(SpaceError, match=r"Images must be 6x6x1, .* Received: 12x12x1\."):
        net.fit(tf.data.Dataset.from_tensor_slices((images, labels)).batch(2))


def test_nothing_is_derived_of_a_search_that_diverged() -> None:
    net = build_supernet(TEXT)
    net.choices.choices[0].assign([np.nan] * len(net.choices.choices[0].alternatives))
    with pytest.raises(RunError, match=r"not a number in 1 of .* has diverged"):
        net.derive(max_macs=10**9)
