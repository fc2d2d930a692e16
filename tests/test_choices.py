"""Choices: their logits, one sample of all of them a step, one-hot weights of a selection."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.choices import ChoiceTable
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.space import parse_space

SPACE = parse_space("in_hw8_c3 cn_k3_s2_c8/16/24_nre/hs ir/sk_k3_s1_e1/2_c8_nre fc_c2")
LOGITS = {
    "b01_channels": [0.0, 1.0, 2.0],
    "b01_activation": [0.5, -0.5],
    "b02_kind": [0.0, 3.0],
    "b02_expansion": [-1.0, 1.0],
}


def table(sampling: str = "soft", **options: float) -> ChoiceTable:
    made = ChoiceTable(SPACE, sampling, **options)
    made.build()
    for choice in made.choices:
        choice.assign(LOGITS[choice.name])
    return made


def softmax(logits: list[float], temperature: float = 1.0) -> np.ndarray:
    powers = np.exp(np.array(logits) / temperature)
    return powers / powers.sum()


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    found = table().probabilities()
    assert list(found) == list(LOGITS)
    for name, logits in LOGITS.items():
        np.testing.assert_allclose(found[name], softmax(logits), rtol=1e-5)


def test_without_training_weights_are_noiseless_at_the_temperature() -> None:
    found = table(temperature=2.0)(training=False)
    for name, logits in LOGITS.items():
        np.testing.assert_allclose(found[name], softmax(logits, 2.0), rtol=1e-5)


def test_a_sample_is_a_function_of_seed_and_step() -> None:
    def sample(seed: int, step: int) -> np.ndarray:
        made = table(seed=seed)
        made.step.assign(step)
        return np.concatenate([np.asarray(w) for w in made(training=True).values()])

    np.testing.assert_array_equal(sample(1, 5), sample(1, 5))
    assert not np.array_equal(sample(1, 5), sample(1, 6))
    assert not np.array_equal(sample(1, 5), sample(2, 5))


def test_hard_samples_are_as_frequent_as_probable() -> None:
    made = table("hard")
    steps = 3000

    @tf.function
    def draw_all() -> dict[str, tf.Tensor]:
        totals = {name: tf.zeros(len(logits)) for name, logits in LOGITS.items()}
        for step in tf.range(steps, dtype=tf.int64):
            made.step.assign(step)
            drawn = made(training=True)
            totals = {name: total + tf.round(drawn[name]) for name, total in totals.items()}
        return totals

    for name, counts in draw_all().items():
        assert float(tf.reduce_sum(counts)) == steps
        np.testing.assert_allclose(counts / steps, softmax(LOGITS[name]), atol=0.03)


def test_mixed_is_one_hot_for_weights_and_soft_for_the_architecture() -> None:
    made = table("mixed", temperature=1.0)
    for_weights = made(training=True)["b01_channels"]
    np.testing.assert_allclose(np.sort(for_weights), [0, 0, 1], atol=1e-6)
    soft = np.asarray(made(training=True, for_weights=False)["b01_channels"])
    assert 0.01 < soft.max() < 0.99
    assert np.argmax(soft) == np.argmax(for_weights)


def test_a_choice_is_its_part_of_the_logits() -> None:
    made = table()
    assert [choice.name for choice in made.choices] == list(LOGITS)
    made.choices[1].assign([7.0, 9.0])
    for choice in made.choices:
        expected = [7.0, 9.0] if choice.name == "b01_activation" else LOGITS[choice.name]
        np.testing.assert_array_equal(choice.logits, expected)
        np.testing.assert_allclose(choice.probabilities(), softmax(expected), rtol=1e-5)
        assert len(choice.alternatives) == len(expected)


def test_selection_is_one_hot_until_it_is_taken_back() -> None:
    made = table()
    architecture = SPACE.sample(3)
    made.select(architecture)
    for weights in (made(training=True), made(training=False), made.probabilities()):
        flat = np.concatenate([np.asarray(w) for w in weights.values()])
        assert sorted(set(flat.tolist())) == [0.0, 1.0]
        assert flat.sum() == len(LOGITS)
    assert np.argmax(made()["b01_channels"]) == (8, 16, 24).index(architecture.blocks[1].channels)
    made.unselect()
    np.testing.assert_allclose(made.probabilities()["b02_kind"], softmax([0.0, 3.0]), rtol=1e-5)


def test_selecting_for_a_while_brings_back_what_was_selected() -> None:
    made = table()
    made.select(SPACE.sample(3))
    before = made.selection.numpy()
    with made.selected(SPACE.sample(4)):
        assert not np.array_equal(made.selection, before)
    np.testing.assert_array_equal(made.selection, before)
    assert made.is_selected.numpy() == 1.0


def test_selecting_what_is_not_in_the_space_is_refused() -> None:
    stranger = parse_space("in_hw8_c3 cn_k3_s2_c32_nre sk_s1_c8_nre fc_c2").sample(0)
    with pytest.raises(SpaceError, match="Block 1 must be one of"):
        table().select(stranger)


@pytest.mark.parametrize("sampling", ["soft", "hard"])
def test_every_logit_has_a_gradient(sampling: str) -> None:
    made = table(sampling)
    with tf.GradientTape() as tape:
        weights = made(training=True)
        total = tf.add_n([tf.reduce_sum(w * tf.range(1.0, len(w) + 1)) for w in weights.values()])
    (gradient,) = tape.gradient(total, made.trainable_variables)
    assert isinstance(gradient, tf.Tensor), "dense, or the optimizer's update is slow"
    assert np.isfinite(gradient).all()
    for choice in made.choices:
        part = np.asarray(gradient)[choice.places]
        assert np.abs(part).max() > 0
        np.testing.assert_allclose(np.sum(part), 0.0, atol=1e-6)


def test_only_logits_are_trainable() -> None:
    made = table()
    assert [v.name for v in made.trainable_variables] == ["logits"]
    np.testing.assert_array_equal(made.logits, np.concatenate(list(LOGITS.values())))
    assert {v.name for v in made.non_trainable_variables} == {
        "temperature",
        "step",
        "is_selected",
        "selection",
    }


def test_a_space_without_choices_has_no_weights() -> None:
    made = ChoiceTable(parse_space("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
    made.build()
    assert made(training=True) == {}
    assert made.probabilities() == {}


def test_configs_come_back() -> None:
    made = ChoiceTable(SPACE, "hard", temperature=3.0, seed=7, name="choices")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert again.space == SPACE
    assert (again.sampling, again.initial_temperature, again.seed) == ("hard", 3.0, 7)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(SpaceError, match="`sampling` must be one of"):
        ChoiceTable(SPACE, "gentle")
