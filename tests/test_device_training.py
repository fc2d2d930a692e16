"""The judge's trainings on an accelerator are the trainings of `fit` with Keras's own layers.

Each backend runs in a process of its own, for Keras has one backend a process.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.sources import ROOT

PROGRAM = """
import keras, numpy as np
import fbnetv2_tf as fb
from benchmarks.judge_data import JudgeData, order_of
from benchmarks.trials import _fitted, {train}
from fbnetv2_tf.recipe import Recipe

random = np.random.default_rng(0)
labels = random.integers(0, 4, 500, np.int32)
images = random.integers(0, 128, (500, 12, 12, 1), np.uint8)
for image, label in zip(images, labels):  # a bright quadrant
    image[6 * (label // 2) :][:6, 6 * (label % 2) :][:, :6] += 100
part = (images, labels)
data = JudgeData((part[0][:128], part[1][:128]), part, part)
recipe = Recipe(epochs=4, batch_size=16, learning_rate=0.1, warmup_epochs=1.0, augment="none")
order = order_of(128, 16, 4, seed=1, flips=False)
network = "in_hw12_c1 cn_k3_s2_c8_nhs ds_k3_s1_c8_se0.25_nre ir_k3_s2_e2_c8_nre ip_e2_c8_nhs fc_c4"

def shares(train):
    keras.utils.set_random_seed(0)
    return train(fb.build_model(network), recipe, 8, data, order)

ours, fits = shares({train}), shares(_fitted)
np.testing.assert_allclose(ours, fits, atol=0.0041)
assert min(accuracy for _, accuracy in fits) > 0.5, fits
"""


@pytest.mark.parametrize(("backend", "train"), [("jax", "_scanned"), ("torch", "_replayed")])
def test_a_training_on_the_device_is_that_of_fit(backend: str, train: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{train}", train)],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
