"""Latency of whole networks at 224 pixels: our export against the stock converter, one run each.

`python -m benchmarks.latency [--networks=a,b] [--runs=FOLDER] [--limit=N]` from the root of a
checkout. Of every network of the zoo and of Keras's own MobileNetV3 (random weights), float32 and
int8, by `fb.export_tflite` and by `TFLiteConverter.from_keras_model` with its documented settings,
and kernels of one byte. The files are measured in turn, so a drift of the machine meets all of
them; one thread. What is measured stays in FOLDER/latency.json. Ends with code 1 where the
multiply-adds in a file of the zoo are not those of `fb.count`, or where an int8 file of ours has a
float operator.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fbnetv2_tf.atomic_files import write_text
from fbnetv2_tf.builders.latency import samples_here
from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable
from fbnetv2_tf.builders.weight_only import with_int8_weights
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from fbnetv2_tf.flags.quiet import quiet_start

from .searching import table

CALIBRATION_IMAGES = 4


def _of_keras(builder: Callable[..., Any]) -> Any:
    return builder(
        input_shape=(224, 224, 3),
        weights=None,
        classifier_activation=None,
        include_preprocessing=False,
    )


APPLICATIONS: dict[str, Callable[..., Any]] = {
    "keras MobileNetV3Small": keras.applications.MobileNetV3Small,
    "keras MobileNetV3Large": keras.applications.MobileNetV3Large,
}
NETWORKS = (*APPLICATIONS, *zoo)


def network(name: str, images: Any) -> Any:
    """A network by its name, with random weights and the BatchNorm statistics of the images.

    Without those the maps of a fresh network shrink from layer to layer to scales that no trained
    network has, and that the delegate refuses to add.
    """
    is_keras = name in APPLICATIONS
    model = (
        _of_keras(APPLICATIONS[name]) if is_keras else build_model(name, zero_init_residual=False)
    )
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(images, training=True)
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
    return model


def side(name: str) -> int:
    """Height and width of a network's image."""
    return 224 if name in APPLICATIONS else zoo[name].architecture.side


def ours(model: Any, images: Any, is_int8: bool) -> bytes:
    """Our file, by the defaults of `export_tflite` for the form."""
    return convert(
        deployable(model, fused_hard_swish=not is_int8),
        quantization="int8" if is_int8 else "none",
        calibration=images if is_int8 else None,
        image_type="int8" if is_int8 else "float32",
    )


def stock(model: Any, images: Any, is_int8: bool) -> bytes:
    """The converter's file, by the settings of its documentation."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if is_int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def measured(name: str, repeats: int) -> dict[str, Any]:
    """One network in four files."""
    keras.utils.set_random_seed(0)
    began = time.monotonic()
    with quiet_start():
        shape = (CALIBRATION_IMAGES, side(name), side(name), 3)
        images = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        model = network(name, images)
        files = {
            f"{maker.__name__} {form}": maker(model, images, form == "int8")
            for maker in (ours, stock)
            for form in ("float32", "int8")
        }
        files["ours weights"] = with_int8_weights(files["ours float32"])
        samples = samples_here(files, repeats=repeats, warmup=3)
        graphs = {key: read_graph(content) for key, content in files.items()}
        return {
            "ms": {key: median(values) for key, values in samples.items()},
            "lowest_ms": {key: min(values) for key, values in samples.items()},
            "pieces": {key: LiteModel(content).pieces for key, content in files.items()},
            "float_operators": {key: len(graph.float_operators) for key, graph in graphs.items()},
            "kib": {key: round(len(content) / 1024) for key, content in files.items()},
            "file_macs": {key: graph.macs for key, graph in graphs.items()},
            "counted_macs": count(zoo[name].architecture).macs if name in zoo else None,
            "seconds": round(time.monotonic() - began, 1),
        }


def is_right(found: dict[str, Any]) -> bool:
    """Whether the multiply-adds are those that were counted, and int8 computes in int8."""
    macs = {found["file_macs"]["ours float32"], found["file_macs"]["ours int8"]}
    same = found["counted_macs"] is None or macs == {found["counted_macs"]}
    return same and found["float_operators"]["ours int8"] == 0


def row(name: str, found: dict[str, Any]) -> list[str]:
    """One line of the table."""
    ms, pieces = found["ms"], found["pieces"]
    macs = found["file_macs"]["ours int8"]
    return [
        name,
        f"{macs / 1e6:.1f}",
        *(f"{ms[name]:.2f}" for name in ("ours float32", "stock float32", "ours weights")),
        *(f"{ms[f'{m} int8']:.2f} ({pieces[f'{m} int8']})" for m in ("ours", "stock")),
        f"{ms['ours int8'] / ms['stock int8']:.2f}",
        f"{ms['ours int8'] / ms['ours float32']:.2f}",
        "yes" if is_right(found) else "NO",
    ]


def main() -> None:
    """Measures what is not measured yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--runs", type=Path, default=Path("runs/latency"))
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--limit", type=int, default=len(NETWORKS))
    options = parser.parse_args()
    path = options.runs / "latency.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    names = options.networks.split(",")
    for name in [each for each in names if each not in results][: options.limit]:
        results[name] = measured(name, options.repeats)
        write_text(path, json.dumps(results, indent=1) + "\n")
    heads = ["network", "M MACs", "float32", "stock", "weights", "int8 (pieces)", "stock (pieces)"]
    heads += ["int8/stock", "int8/float32", "right"]
    done = [name for name in names if name in results]
    print(table([heads, *(row(name, results[name]) for name in done)]))
    sys.exit(0 if all(is_right(results[name]) for name in done) else 1)


if __name__ == "__main__":
    main()
