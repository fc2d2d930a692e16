"""What train.json says of a trained network, and the line that sums it up."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fbnetv2_tf.counting import count
from fbnetv2_tf.run_folder import versions

if TYPE_CHECKING:
    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.datasets import DataSplits
    from fbnetv2_tf.training import Trained

UNITS = {
    "macs": "multiply-adds for one image",
    "accuracy": "share of the images, 0 to 1",
    "loss": "nats",
    "seconds": "of this process, data loading not included",
}


def training_results(
    architecture: Architecture, data: DataSplits, dataset: dict[str, Any], trained: Trained
) -> dict[str, Any]:
    """The contents of train.json, with units and versions.

    Args:
        architecture: the network, with the classes of the data set.
        data: the data set.
        dataset: how it was asked for.
        trained: what came of the training.
    """
    cost = count(architecture)
    return {
        "architecture": str(architecture),
        "cost": {f.name: getattr(cost, f.name) for f in fields(cost) if f.name != "layers"},
        "dataset": dataset,
        "images": {part: getattr(data, part).size for part in ("train", "validation", "test")},
        "class_names": list(data.class_names),
        "validation": trained.validation,
        "test": trained.test,
        "history": list(trained.history),
        "units": UNITS,
        "versions": versions(),
    }


def summary(results: dict[str, Any]) -> str:
    """One sentence with the accuracies."""
    parts = [
        f"{100 * results[part]['accuracy']:.2f} % of {results['images'][part]:,} {part} images"
        for part in ("validation", "test")
    ]
    return f"Right: {parts[0]}, {parts[1]}."
