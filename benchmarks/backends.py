"""One architecture, one set of weights, every Keras backend that is installed.

`python -m benchmarks.backends [architecture]`, from the root of a checkout. Each backend runs in a
process of its own: it builds the network from its text, takes the weights, computes logits, trains
three epochs by plain `fit`, and says whether TensorFlow was imported.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")

SCRIPT = """
import sys
import numpy as np
import keras
import fbnetv2_tf as fb

text, folder, backend = sys.argv[1:]
model = fb.build_model(text, zero_init_residual=False)
if backend == "tensorflow":
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.endswith("bn"):
            layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    model.save_weights(f"{folder}/weights.weights.h5")
model.load_weights(f"{folder}/weights.weights.h5")
shape = (4, *model.input_shape[1:])
images = np.random.default_rng(1).normal(size=shape).astype("float32")
np.save(f"{folder}/{backend}.npy", model.predict(images, verbose=0))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.SGD(0.01), loss)
history = model.fit(images, np.arange(4), epochs=3, verbose=0).history["loss"]
print(f"{history[0]:.3f} -> {history[-1]:.3f}", "tensorflow" in sys.modules, sep="|")
"""


def main() -> None:
    """Prints a row for each backend: difference from TensorFlow's logits, losses, imports."""
    text = sys.argv[1] if len(sys.argv) > 1 else "fbnetv2_f1"
    print(f"{'backend':<12}{'relative difference':>20}{'loss':>18}{'TensorFlow imported':>22}")
    with tempfile.TemporaryDirectory() as folder:
        for backend in BACKENDS:
            if importlib.util.find_spec(backend) is None:
                print(f"{backend:<12}{'not installed':>20}")
                continue
            result = subprocess.run(
                [sys.executable, "-c", SCRIPT, text, folder, backend],
                env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            losses, imported = result.stdout.strip().splitlines()[-1].split("|")
            expected, logits = (np.load(Path(folder, f"{b}.npy")) for b in (BACKENDS[0], backend))
            difference = np.abs(logits - expected).max() / np.abs(expected).max()
            print(f"{backend:<12}{difference:>20.1e}{losses:>18}{imported:>22}", flush=True)


if __name__ == "__main__":
    main()
