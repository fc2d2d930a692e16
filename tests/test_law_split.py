"""Law 5: weights and architecture are disjoint and complete, and each phase moves only its own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import normalized_activation
from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.objectives import Budget, PaperObjective
from fbnetv2_tf.search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE, two_phase

from .supernets import EVERY_KIND, shared_net

TEXT = "in_hw6_c1 cn_k3_s2_c8/16_nre ir/sk_k3/5_s1_e1/2_c8/16_se0/0.5_nre/hs fc_c3"
TINY = "in_hw6_c1 cn_k3_s2_c8/16_nre/hs fc_c3"
"""Quick to trace, for what does not depend on the blocks."""

TWO_TYPES = "in_hw6_c1 cn_k3_s2_c8/16_nre ir/sk_k3/5_s1_e1/2_c8_nre fc_c3"
"""Two candidates for one block."""

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(16, 6, 6, 1)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 16)
Values = dict[str, np.ndarray]


def compiled(text: str = TINY, **options: Any) -> Supernet:
    net = build_supernet(text)
    net.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        architecture_optimizer=keras.optimizers.Adam(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **{"objective": Budget(max_macs=2000), **options},
    )
    return net


def data(weight_batches: int, architecture_batches: int) -> tf.data.Dataset:
    batch = tf.data.Dataset.from_tensors((IMAGES, LABELS))
    return two_phase(batch.repeat(weight_batches), batch.repeat(architecture_batches))


def values(variables: list[Any]) -> Values:
    return {variable.path: keras.ops.convert_to_numpy(variable).copy() for variable in variables}


def moved(before: Values, after: Values) -> set[str]:
    return {path for path in before if not np.array_equal(before[path], after[path])}


def logits(net: Supernet) -> Values:
    return {choice.name: choice.logits.numpy() for choice in net.choices.choices}


def statistics(net: Supernet) -> list[Any]:
    return [v for v in net.non_trainable_variables if "moving_" in v.path]


def state(net: Supernet) -> dict[str, Values]:
    return {
        "logits": logits(net),
        "weights": values(net.weight_variables),
        "statistics": values(statistics(net)),
        "weight optimizer": values(net.optimizer.variables),
        "architecture optimizer": values(net.architecture_optimizer.variables),
    }


@pytest.mark.parametrize("sharing", ["path", "none"])
def test_variables_are_disjoint_and_complete(sharing: str) -> None:
    net = shared_net(TWO_TYPES if sharing == "none" else EVERY_KIND, sharing=sharing)
    weights = {id(v) for v in net.weight_variables}
    architecture = {id(v) for v in net.architecture_variables}
    assert not weights & architecture
    assert weights | architecture == {id(v) for v in net.trainable_variables}
    (logits,) = net.architecture_variables
    assert logits.path.endswith("logits")
    assert logits.shape == (sum(len(choice.alternatives) for choice in net.choices.choices),)


@pytest.mark.parametrize(
    ("phase", "objective"),
    [
        ("weights", Budget(max_macs=2000)),
        ("architecture", Budget(max_macs=2000)),
        ("architecture", PaperObjective(unit=100)),
        ("architecture", None),
    ],
)
def test_each_step_moves_only_its_own(phase: str, objective: Any) -> None:
    net = compiled(TEXT, objective=objective)
    net.train_step((IMAGES, LABELS, WEIGHTS_PHASE))
    before = state(net)
    is_weights = phase == "weights"
    net.train_step((IMAGES, LABELS, WEIGHTS_PHASE if is_weights else ARCHITECTURE_PHASE))
    after = state(net)
    changed = {name: moved(before[name], after[name]) for name in before}
    own = ["weights", "statistics", "weight optimizer"]
    other = ["logits", "architecture optimizer"]
    if not is_weights:
        own, other = other, own
    assert not any(changed[name] for name in other)
    assert all(changed[name] for name in own)
    if is_weights:
        assert len(changed["weights"]) > 0.9 * len(before["weights"])
        assert changed["statistics"] == set(before["statistics"])
    else:
        assert changed["logits"] == set(before["logits"])


@pytest.mark.parametrize(
    ("text", "sharing", "least"),
    [(EVERY_KIND, "path", 0), (EVERY_KIND, "path", 10**9), (TEXT, "none", 0)],
    ids=["compiled", "operators", "candidates"],
)
def test_constant_choices_change_no_gradient_of_the_weights(
    text: str, sharing: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a step of the weights traces none of theirs."""
    monkeypatch.setattr(normalized_activation, "LEAST_ELEMENTS", least)
    net = shared_net(text, sharing=sharing)
    side, channels = max(net.space.sides), net.space.input_channels
    images = tf.constant(RANDOM.normal(size=(4, side, side, channels)), tf.float32)

    def step(images: tf.Tensor, fixed: bool) -> Any:
        variables = [v.value for v in (*net.weight_variables, *net.architecture_variables)]
        with tf.GradientTape() as tape:
            y = net.forward(images, net.choices(training=True), training=True, fixed=fixed)
            total = tf.reduce_sum(tf.math.log_softmax(y)[:, 0])
        gradients = tape.gradient(total, variables)
        assert (gradients[-1] is None) is fixed
        return gradients[:-1]

    functions = [
        tf.function(step, autograph=False).get_concrete_function(images, fixed)
        for fixed in (False, True)
    ]
    for ours, expected in zip(*(function(images) for function in functions), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
    learned, constant = (len(function.graph.get_operations()) for function in functions)
    assert constant < 0.85 * learned


def test_compiled_phases_of_fit_move_only_their_own() -> None:
    net = compiled(TEXT)
    seen: list[Values] = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append({**values([*net.weight_variables, *statistics(net)]), **logits(net)})

    seen.append({**values([*net.weight_variables, *statistics(net)]), **logits(net)})
    net.fit(data(2, 2), verbose=0, callbacks=[Watch()])
    names = set(logits(net))
    assert len(seen) == 5
    for step, is_architecture in enumerate([False, False, True, True]):
        changed = moved(seen[step], seen[step + 1])
        assert changed
        assert changed <= names if is_architecture else not changed & names


def test_the_warm_up_leaves_the_logits_and_reaches_the_search() -> None:
    """One epoch of three weight steps: its architecture phase is skipped, the next is not."""
    net = compiled(warmup_steps=3)
    before = logits(net)
    net.fit(data(3, 2), verbose=0)
    assert not moved(before, logits(net))
    assert int(net.choices.step) == 3
    net.fit(data(3, 2), verbose=0)
    assert int(net.choices.step) == 8
    assert moved(before, logits(net)) == set(before)


def test_the_temperature_anneals_inside_the_compiled_step() -> None:
    """A Python number would be frozen when the step is traced (METHOD)."""
    schedule = keras.optimizers.schedules.ExponentialDecay(8.0, 1, 0.5)
    net = compiled(temperature_schedule=schedule)
    temperatures: list[float] = []
    spreads: dict[float, list[float]] = {8.0: [], 0.25: []}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            temperatures.append(float(net.choices.temperature))

    history = net.fit(data(1, 1), verbose=0, epochs=3, callbacks=[Watch()]).history
    assert temperatures == pytest.approx([8.0, 4.0, 2.0, 1.0, 0.5, 0.25])
    assert history["temperature"] == pytest.approx([4.0, 1.0, 0.25])

    @tf.function
    def entropy() -> tf.Tensor:
        weights = tf.concat(list(net.choices(training=True).values()), axis=0)
        return -tf.reduce_sum(tf.math.xlogy(weights, weights)) / len(net.choices.choices)

    for temperature in (8.0, 0.25):
        net.choices.temperature.assign(temperature)
        for step in range(20):
            net.choices.step.assign(step)
            spreads[temperature].append(float(entropy()))
    assert np.mean(spreads[8.0]) > 0.6
    assert np.mean(spreads[0.25]) < 0.4


def test_the_noise_of_a_compiled_step_is_new_each_time() -> None:
    net = compiled(objective=None)
    net.optimizer.learning_rate.assign(0.0)
    losses = net.fit(data(1, 1), verbose=0, epochs=3, shuffle=False).history["loss"]
    assert len(set(losses)) == 3
