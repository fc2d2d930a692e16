"""Under a distribution strategy Keras looks at the data first; that must not cost an epoch."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import keras, numpy as np, tensorflow as tf, warnings
warnings.simplefilter("ignore")
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
from fbnetv2_tf.datasets import load_dataset

def trained(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
        model = keras.Sequential(layers)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss)
    part = load_dataset("fashion_mnist_10k").validation
    data = part.dataset(100, shuffle_seed=1, augment="light", drop_remainder=True)
    model.fit(data, epochs=2, verbose=0)
    return model.get_weights()[0]

one = trained(tf.distribute.get_strategy())
two = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
print(np.abs(one - two).max())
"""


@pytest.mark.slow
def test_two_replicas_train_on_the_same_batches_as_one() -> None:
    # Logical devices must be made before TensorFlow starts, so this needs a process of its own.
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=300
    )
    difference = float(result.stdout.split()[-1])
    # An epoch more or less, or other batches, would be off by a hundredth.
    assert difference < 1e-5
