"""What int8 costs in accuracy: after training, in training, and in training without a library.

`python -m benchmarks.int8 [--seeds=3] [--runs=FOLDER] [--limit=N]` from the root of a checkout, on
Fashion-MNIST (54,000 images to train with, 10,000 to test). Of each network and seed:

- `float`: trained in float32 (Keras); `ptq`: the same weights as int8, by the default export;
- `qat`: one more epoch with int8's rounding (tensorflow-model-optimization), exported as int8;
- `native`: the same epoch with layers that round, written in Keras 3;
- `control`: the same epoch in float32, then `ptq`: what the epoch gives without the rounding.

Accuracies are those of the .tflite files on the test images. What is measured stays in
FOLDER/int8.json, so an interrupted benchmark goes on; `--limit` measures so many and ends.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import keras

from fbnetv2_tf.atomic_files import write_text
from fbnetv2_tf.builders.keras_file import load_model, save_model
from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.qat import QAT_RECIPE, QuantizedNetwork
from fbnetv2_tf.builders.tflite import export_tflite
from fbnetv2_tf.builders.tflite_proof import accuracy, keras_logits
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import DataSplits, load_dataset
from fbnetv2_tf.recipe import Recipe
from fbnetv2_tf.run_state import Saving
from fbnetv2_tf.training import train_child

from .native_qat import native_file, native_network, train_native
from .searching import table

CALIBRATION_IMAGES = 300

SEARCHED = (
    "in_hw28_c1 cn_k3_s2_c16_nre ds_k5_s1_c8_se0.25_nre ir_k3_s2_e2_c20_se0.25_nhs sk_s1_c20_nre "
    "ir_k3_s1_e2_c20_se0.25_nre ir_k5_s2_e2_c32_nhs ir_k5_s1_e2_c32_nre sk_s1_c48_nre "
    "ip_e3_c96_nhs fc_c10"
)
"""What `make quickstart` has found."""


def searched() -> Any:
    """The child of a search, with squeeze-and-excite and hard-swish."""
    return build_model(SEARCHED)


def mobilenet_v3_small() -> Any:
    """Keras's own MobileNetV3-Small, at 32 pixels."""
    return keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 1),
        weights=None,
        classes=10,
        classifier_activation=None,
        include_preprocessing=False,
    )


NETWORKS: dict[str, Callable[[], Any]] = {
    "searched": searched,
    "mobilenet_v3_small_32": mobilenet_v3_small,
}
ARMS = ("float", "ptq", "qat", "native", "control")


@dataclass(frozen=True)
class Case:
    """One measurement: a network, a seed, and how its int8 file comes about."""

    network: str
    seed: int
    arm: str

    def __str__(self) -> str:
        return f"{self.network}/{self.seed}/{self.arm}"


class Bench:
    """The measurements, those that are done and those to do."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        self.recipe = recipe
        self.path = folder / "int8.json"
        self.results: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            self.results = json.loads(self.path.read_text(encoding="utf-8"))

    def measure(self, case: Case) -> None:
        """Measures one case and keeps it."""
        began = time.monotonic()
        keras.utils.set_random_seed(case.seed)
        model, data = self._network(case)
        found = getattr(self, f"_{case.arm}")(model, data, replace(QAT_RECIPE, seed=case.seed))
        found["seconds"] = round(time.monotonic() - began, 1)
        self.results[str(case)] = found
        write_text(self.path, json.dumps(self.results, indent=1) + "\n")
        print(f"{case}: {json.dumps(found)}", flush=True)

    def _network(self, case: Case) -> tuple[Any, DataSplits]:
        """The trained float network of a case, trained now where that is the case."""
        path = self.folder / f"{case.network}_{case.seed}.keras"
        side = 28 if case.network == "searched" else 32
        data = load_dataset("fashion_mnist", image_side=side, channels=1)
        if not path.exists():
            model = NETWORKS[case.network]()
            checkpoints = path.with_suffix("")  # a training that was stopped goes on
            saving = Saving(CheckpointSeries(checkpoints))
            train_child(model, data, replace(self.recipe, seed=case.seed), saving=saving)
            save_model(model, path)
            shutil.rmtree(checkpoints)
        return load_model(path), data

    def _float(self, model: Any, data: DataSplits, recipe: Recipe) -> dict[str, Any]:
        logits = keras_logits(model, data.test.images())
        return {"accuracy": accuracy(logits, data.test.labels), "parameters": model.count_params()}

    def _ptq(self, model: Any, data: DataSplits, recipe: Recipe) -> dict[str, Any]:
        path = self.folder / "ptq.tflite"
        export_tflite(
            model,
            path,
            quantization="int8",
            calibration=_calibration(data),
            proof_images=data.validation.images(500),
        )
        return _of_file(path.read_bytes(), data)

    def _control(self, model: Any, data: DataSplits, recipe: Recipe) -> dict[str, Any]:
        trained = train_child(model, data, recipe)
        return {**self._ptq(model, data, recipe), "float_accuracy": trained.test["accuracy"]}

    def _qat(self, model: Any, data: DataSplits, recipe: Recipe) -> dict[str, Any]:
        network = QuantizedNetwork(model, calibration=_calibration(data))
        network.train(data, recipe)
        return _of_file(network.content(), data)

    def _native(self, model: Any, data: DataSplits, recipe: Recipe) -> dict[str, Any]:
        network = native_network(model, _calibration(data))
        train_native(network, data, recipe)
        return _of_file(native_file(network), data)


def _calibration(data: DataSplits) -> Any:
    images, _ = next(iter(data.train.epoch(CALIBRATION_IMAGES, 0, shuffle_seed=0)))
    return images.numpy()


def _of_file(content: bytes, data: DataSplits) -> dict[str, Any]:
    file = LiteModel(content)
    return {
        "accuracy": accuracy(file.predict(data.test.images()), data.test.labels),
        "bytes": len(content),
        "pieces": file.pieces,
        "float_operators": len(read_graph(content).float_operators),
    }


def _rows(bench: Bench, network: str, seeds: int) -> list[list[str]]:
    rows = [["arm", "accuracy %", "spread", "drop from float", "KiB", "pieces", "float operators"]]
    plain = [bench.results[f"{network}/{seed}/float"]["accuracy"] for seed in range(seeds)]
    for arm in ARMS:
        found = [bench.results[f"{network}/{seed}/{arm}"] for seed in range(seeds)]
        values = [100 * each["accuracy"] for each in found]
        drops = [100 * a - b for a, b in zip(plain, values, strict=True)]
        size = f"{found[0]['bytes'] / 1024:.0f}" if "bytes" in found[0] else ""
        pieces, floats = (str(found[0].get(key, "")) for key in ("pieces", "float_operators"))
        spread = f"{stdev(values):.2f}" if seeds > 1 else ""
        row = [arm, f"{mean(values):.2f}", spread, f"{mean(drops):+.2f}", size, pieces, floats]
        rows.append(row)
    return rows


def main() -> None:
    """Measures what is not measured yet, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/int8"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--learning_rate", type=float, default=0.2)
    parser.add_argument("--limit", type=int, default=10**9)
    options = parser.parse_args()
    recipe = Recipe(
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        augment="flip",
    )
    bench = Bench(options.runs, recipe)
    cases = [Case(n, s, a) for s in range(options.seeds) for n in NETWORKS for a in ARMS]
    missing = [case for case in cases if str(case) not in bench.results]
    for case in missing[: options.limit]:
        bench.measure(case)
    if len(missing) > options.limit:
        print(f"{len(missing) - options.limit} of {len(cases)} measurements are missing.")
        return
    for network in NETWORKS:
        print(f"\n{network}, {options.seeds} seeds, {options.epochs} epochs")
        print(table(_rows(bench, network, options.seeds)))


if __name__ == "__main__":
    main()
