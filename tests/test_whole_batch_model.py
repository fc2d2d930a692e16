"""On one device a step is Keras's own; `test_distribution` trains on two."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from fbnetv2_tf.whole_batch_model import WholeBatchModel

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(20, 4, 4, 1)).astype(np.float32)
LABELS = np.eye(3, dtype=np.float32)[RANDOM.integers(0, 3, 20)]


def trained(kind: Any, policy: str) -> tuple[list[np.ndarray], dict[str, float]]:
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(4, 3, dtype=policy)(image)
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    model = kind(image, keras.layers.Dense(3)(x))
    optimizer: Any = keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.5)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=True)
    history = model.fit(IMAGES, LABELS, 8, epochs=2, shuffle=False, verbose=0)
    return model.get_weights(), {name: values[-1] for name, values in history.history.items()}


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_it_trains_as_keras_does(policy: str) -> None:
    ours, theirs = trained(WholeBatchModel, policy), trained(keras.Model, policy)
    for first, second in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-6)
