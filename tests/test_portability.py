"""A saved model needs Keras alone, and the builder needs no TensorFlow: each in its own process.

The other backends are optional: their tests run where JAX or PyTorch is installed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.model import build_model
from tests.numpy_network import forward, randomize

SMALL = "in_hw9_c3 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.25_nr6 sk_s1_c16_nsw ip_e2_c16_nhs fc_c5"
ROOT = Path(__file__).parent.parent

LOAD = """
import sys
sys.modules["fbnetv2_tf"] = None  # whoever imports it fails
import keras, numpy
model = keras.models.load_model("network.keras")
numpy.save("logits_loaded.npy", numpy.asarray(model(numpy.load("images.npy"))))
"""

BACKEND = """
import sys
import numpy as np
import fbnetv2_tf as fb
import keras
from fbnetv2_tf.builders.weights import copy_weights

text, backend = sys.argv[1:]
assert keras.backend.backend() == backend
model = fb.build_model(text)
copy_weights(keras.models.load_model("network.keras"), model)
images = np.load("images.npy")
np.save(f"logits_{backend}.npy", model.predict(images, verbose=0))
assert fb.count(fb.parse_architecture(text)).parameters > 0 and len(fb.zoo) > 0

loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss, metrics=["accuracy"])
images, labels = np.tile(images, (8, 1, 1, 1)), np.tile(np.arange(len(images)), 8)
history = model.fit(images, labels, batch_size=12, epochs=2, verbose=0).history["loss"]
assert history[-1] < history[0], history
assert "tensorflow" not in sys.modules, "TensorFlow was imported"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a saved network, images, and the logits by NumPy."""
    folder = tmp_path_factory.mktemp("portability")
    model = build_model(SMALL)
    randomize(model)
    images = np.random.default_rng(0).normal(size=(3, 9, 9, 3)).astype("float32")
    model.save(folder / "network.keras")
    np.save(folder / "images.npy", images)
    np.save(folder / "expected.npy", forward(parse_architecture(SMALL), model, images)[0])
    return folder


def run(folder: Path, script: str, *arguments: str, **environment: str) -> None:
    """Runs a script in the folder, with the checkout on the path."""
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


def difference(folder: Path, name: str) -> float:
    """The largest difference from the logits by NumPy, over the largest of them."""
    expected = np.load(folder / "expected.npy")
    return float(np.abs(np.load(folder / name) - expected).max() / np.abs(expected).max())


def test_a_saved_model_loads_without_this_package(folder: Path) -> None:
    run(folder, LOAD, PYTHONPATH="")
    assert difference(folder, "logits_loaded.npy") < 1e-5


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_gives_the_same_logits_and_trains(backend: str, folder: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    # Compiling well takes JAX far longer than running so small a network.
    quick = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    run(folder, BACKEND, SMALL, backend, KERAS_BACKEND=backend, **quick)
    assert difference(folder, f"logits_{backend}.npy") < 1e-4
