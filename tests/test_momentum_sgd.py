"""One operation a weight against Keras's nine."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.momentum_sgd import MomentumSGD

OPTIONS: dict[str, dict[str, Any]] = {
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "decay and clipping": {"momentum": 0.8, "weight_decay": 0.01, "global_clipnorm": 1.0},
    "no momentum": {},
}


def trained(kind: type[keras.optimizers.SGD], options: dict[str, Any]) -> tuple[np.ndarray, ...]:
    """A weight and its velocity after steps of a falling learning rate."""
    weight = keras.Variable(np.linspace(-1, 1, 6, dtype=np.float32))
    schedule = keras.optimizers.schedules.CosineDecay(0.5, 5)
    optimizer = kind(schedule, **options)
    optimizer.build([weight])

    @tf.function(autograph=False)
    def step(gradient: tf.Tensor) -> None:
        optimizer.apply([gradient], [weight])

    for number in range(4):
        step(tf.cos(tf.range(6.0) + number))
    return tuple(variable.numpy() for variable in (weight, *optimizer.variables))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_weights_and_velocities_are_keras_sgds(options: dict[str, Any]) -> None:
    ours, theirs = (trained(kind, options) for kind in (MomentumSGD, keras.optimizers.SGD))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)


def test_its_variables_have_the_names_of_keras_sgds() -> None:
    """So that a checkpoint of the one is a checkpoint of the other."""
    names = []
    for kind in (MomentumSGD, keras.optimizers.SGD):
        optimizer = kind(0.1, momentum=0.9, name="sgd")
        optimizer.build([keras.Variable([1.0], name="kernel")])
        names.append([variable.path for variable in optimizer.variables])
    assert names[0] == names[1]


def test_one_operation_moves_a_weight() -> None:
    weight = keras.Variable(np.ones(3, np.float32))
    optimizer = MomentumSGD(0.1, momentum=0.9)
    optimizer.build([weight])
    function = tf.function(lambda g: optimizer.apply([g], [weight]), autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec([3])).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("ResourceApplyKerasMomentum") == 1
    assert "Sub" not in kinds


def test_config_comes_back() -> None:
    optimizer = MomentumSGD(0.1, momentum=0.9, nesterov=True)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is MomentumSGD
    assert again.get_config() == optimizer.get_config()
