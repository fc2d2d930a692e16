"""What int8 costs in accuracy: after training, in training, and in training without a library.

`python -m benchmarks.int8 [--seeds=3] [--data_dir=FOLDER] [--runs=FOLDER] [--limit=N]` from the
root of a checkout, on Fashion-MNIST (54,000 images to train with, 10,000 to test; FOLDER as
docs/data.md has it, and `--dataset=fashion_mnist_10k` for a try). Of each network and seed:

- `float`: trained in float32 (Keras); `ptq`: the same weights as int8, by the default export;
- `qat`: one more epoch with int8's rounding (tensorflow-model-optimization), exported as int8;
- `native`: the same epoch with layers that round, written in Keras 3;
- `control`: the same epoch in float32, then `ptq`: what the epoch gives without the rounding.

Accuracies are those of the .tflite files on the test images. The recipe is a short one (3 epochs),
the same for both networks. What is measured stays in FOLDER/int8.json, so an interrupted benchmark
goes on; `--limit` measures so many and ends.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
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
from fbnetv2_tf.flags.quiet import quiet_start
from fbnetv2_tf.recipe import Recipe
from fbnetv2_tf.run_state import Saving
from fbnetv2_tf.training import train_child

from .micro import steps_from_micro
from .native_qat import native_file, native_network, train_native
from .searching import table

CALIBRATION_IMAGES = 300
MICRO_IMAGES = 20
"""Images on which tflite-micro is compared with LiteRT's reference kernels."""
MOST_LOST = 0.5
"""Points of accuracy that the default int8 may lose to float."""

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
    """Keras's own MobileNetV3-Small, at 32 pixels.

    Its BatchNorms' momentum of 0.999 is for ImageNet's steps: after 1,000 of them a third of their
    statistics would still be what they started from.
    """
    model = keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 1),
        weights=None,
        classes=10,
        classifier_activation=None,
        include_preprocessing=False,
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99
    return model


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
    """The measurements, those that are done and those to do.

    Args:
        folder: where they are kept, with the trained networks.
        recipe: of the float training; the further epoch has its batches.
        load: `(image_side, channels) -> DataSplits`.
        settings: what a measurement depends on beside its case; a folder holds those of one kind.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        load: Callable[..., DataSplits],
        settings: dict[str, Any],
    ) -> None:
        self.folder = folder
        self.recipe = recipe
        self.load = load
        self.path = folder / "int8.json"
        self.record: dict[str, Any] = {"settings": settings, "cases": {}}
        if self.path.exists():
            self.record = json.loads(self.path.read_text(encoding="utf-8"))
        if self.record["settings"] != settings:
            raise SystemExit(
                f"{self.path} was measured with {self.record['settings']}; give another --runs."
            )
        self.results: dict[str, dict[str, Any]] = self.record["cases"]

    def of(self, network: str, arm: str, seeds: int) -> list[dict[str, Any]]:
        """What an arm gave, seed by seed."""
        return [self.results[str(Case(network, seed, arm))] for seed in range(seeds)]

    def measure(self, case: Case) -> None:
        """Measures one case and keeps it."""
        began = time.monotonic()
        keras.utils.set_random_seed(case.seed)
        further = replace(QAT_RECIPE, seed=case.seed, batch_size=self.recipe.batch_size)
        with quiet_start():  # the converter and the interpreter narrate to file descriptor 2
            model, data = self._network(case)
            found = getattr(self, f"_{case.arm}")(model, data, further)
        found["seconds"] = round(time.monotonic() - began, 1)
        self.results[str(case)] = found
        write_text(self.path, json.dumps(self.record, indent=1) + "\n")
        print(f"{case}: {json.dumps(found)}", flush=True)

    def _network(self, case: Case) -> tuple[Any, DataSplits]:
        """The trained float network of a case, trained now where that is the case."""
        path = self.folder / f"{case.network}_{case.seed}.keras"
        side = 28 if case.network == "searched" else 32
        data = self.load(image_side=side, channels=1)
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
    images = data.validation.images(MICRO_IMAGES)
    return {
        "accuracy": accuracy(file.predict(data.test.images()), data.test.labels),
        "bytes": len(content),
        "pieces": file.pieces,
        "float_operators": len(read_graph(content).float_operators),
        "micro_steps": steps_from_micro(content, images),
    }


def _rows(bench: Bench, network: str, seeds: int) -> list[list[str]]:
    heads = ["arm", "accuracy %", "spread", "lost to float", "KiB", "pieces", "float operators"]
    rows = [[*heads, "steps from tflite-micro"]]
    for arm in ARMS:
        found = bench.of(network, arm, seeds)
        values = [100 * each["accuracy"] for each in found]
        spread = f"{stdev(values):.2f}" if seeds > 1 else ""
        row = [arm, f"{mean(values):.2f}", spread, f"{_lost(bench, network, arm, seeds):+.2f}"]
        row.append(f"{found[0]['bytes'] / 1024:.0f}" if "bytes" in found[0] else "")
        for key in ("pieces", "float_operators", "micro_steps"):
            row.append(str(max(each[key] for each in found)) if key in found[0] else "")
        rows.append(row)
    return rows


def _lost(bench: Bench, network: str, arm: str, seeds: int) -> float:
    """How many points of accuracy an arm loses to float, in the mean over the seeds."""
    pairs = zip(bench.of(network, "float", seeds), bench.of(network, arm, seeds), strict=True)
    return mean(100 * (before["accuracy"] - after["accuracy"]) for before, after in pairs)


def main() -> None:
    """Measures what is not measured yet, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/int8"))
    parser.add_argument("--dataset", default="fashion_mnist")
    parser.add_argument("--data_dir")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--learning_rate", type=float, default=0.2)
    parser.add_argument("--limit", type=int, default=10**9)
    options = parser.parse_args()
    recipe = Recipe(
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        augment="flip",
    )
    settings = {
        name: getattr(options, name)
        for name in ("dataset", "epochs", "batch_size", "learning_rate")
    }
    load = partial(load_dataset, options.dataset, options.data_dir)
    bench = Bench(options.runs, recipe, load, settings)
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
        lost = _lost(bench, network, "ptq", options.seeds)
        print(f"the default int8 loses {lost:.2f} points (at most {MOST_LOST})")


if __name__ == "__main__":
    main()
