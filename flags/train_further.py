"""`fbnetv2-train --qat`, `--sparsity=` and `--clusters=`: a trained child goes on training.

The child of the run goes in, another one comes out beside it: `child_qat.keras` with the ranges of
its maps in `further.json`, `child_sparse.keras`, or `child_clustered.keras`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.run_folder import CHILD, CHILD_QAT, FURTHER, RunFolder, versions

from .quiet import import_tensorflow
from .run_data import DataChoice

if TYPE_CHECKING:
    from fbnetv2_tf.datasets import DataSplits
    from fbnetv2_tf.recipe import Recipe

CHILDREN = {
    "qat": CHILD_QAT,
    "sparsity": "child_sparse.keras",
    "clusters": "child_clustered.keras",
}
"""Flag -> the file that it writes."""

FURTHER_FLAGS = tuple(CHILDREN)

CALIBRATION_IMAGES = 300


@dataclass(frozen=True)
class Further:
    """What a trained child is trained for.

    Attributes:
        aim: `qat`, `sparsity` or `clusters`.
        value: of that flag.
        recipe: the settings that were given, by name; the others are the aim's own.
    """

    aim: str
    value: float
    recipe: dict[str, Any]


def define_further(values: Any) -> None:
    """Registers the flags."""
    flags.DEFINE_boolean(
        "qat",
        False,
        "Train the run's child.keras for another epoch with int8's rounding in it.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "sparsity",
        None,
        "Train the run's child.keras until this share of its kernels is 0; the compressed file "
        "becomes smaller, not faster.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "clusters",
        None,
        "Train the run's child.keras with so many different weights in each kernel; the "
        "compressed file becomes smaller, not faster.",
        flag_values=values,
    )


def further_of(values: Any, recipe: Sequence[str]) -> Further | None:
    """Reads the flags; None where a network is to be trained from its start.

    Raises:
        InputError: for more than one aim, or without a run.
    """
    aims = [aim for aim in CHILDREN if values[aim].value not in (None, False)]
    if not aims:
        return None
    if len(aims) > 1 or not values.run or values.inherit:
        received = ", ".join(
            f"--{name}" for name in (*aims, "inherit", "run") if values[name].value
        )
        raise InputError(
            "--qat, --sparsity and --clusters need --run, each without the other and without "
            f"--inherit. Received: {received}."
        )
    if values.distribution != "one":
        raise InputError(
            f"--{aims[0]} trains on one device. Received: --distribution={values.distribution}."
        )
    given = {name: values[name].value for name in (*recipe, "augment") if values[name].present}
    return Further(aims[0], values[aims[0]].value, given)


def train_further(run: RunFolder, choice: DataChoice, further: Further) -> None:
    """Trains, writes, and prints what it did to the accuracy.

    Args:
        run: the folder with the child.
        choice: the data set.
        further: what for.

    Raises:
        InputError: as the trainings; `RunError` where there is no child.
    """
    from fbnetv2_tf.builders.extras import require_qat

    require_qat(f"--{further.aim}")
    with run.lock():
        import_tensorflow()
        import keras

        from fbnetv2_tf.builders.keras_file import load_model, save_model
        from fbnetv2_tf.training import evaluate

        model = load_model(run.existing(CHILD))
        side, channels = model.input_shape[1], model.input_shape[-1]
        data = choice.load(image_side=side, channels=channels)
        before = evaluate(model, data.test)
        began = time.monotonic()
        recipe = _recipe(further)
        keras.utils.set_random_seed(recipe.seed)
        ranges, history = _trained(model, data, further, recipe)
        record = {
            "aim": further.aim,
            "value": further.value,
            "recipe": asdict(recipe),
            "history": history,
            "test_before": before,
            "test": evaluate(model, data.test),
            "seconds": round(time.monotonic() - began, 1),
            "versions": versions(),
        }
        save_model(model, run / CHILDREN[further.aim])
        earlier = run.read_record(FURTHER) if run.has(FURTHER) else {}
        ranged = {"ranges": ranges} if ranges else {}
        run.write_json(FURTHER, {**earlier, further.aim: {**record, **ranged}})
        print(_sentence(record, run / CHILDREN[further.aim]))


def _recipe(further: Further) -> Recipe:
    from fbnetv2_tf.builders.compression import CLUSTERING_RECIPE, PRUNING_RECIPE
    from fbnetv2_tf.builders.qat import QAT_RECIPE

    recipes = {"qat": QAT_RECIPE, "sparsity": PRUNING_RECIPE, "clusters": CLUSTERING_RECIPE}
    return replace(recipes[further.aim], **further.recipe)


def _trained(
    model: Any, data: DataSplits, further: Further, recipe: Recipe
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """The ranges (of `--qat`) and the history; the model has the new weights."""
    from fbnetv2_tf.builders.compression import cluster_weights, prune_weights
    from fbnetv2_tf.builders.qat import QuantizedNetwork

    if further.aim == "sparsity":
        return {}, prune_weights(model, further.value, data, recipe)
    if further.aim == "clusters":
        return {}, cluster_weights(model, int(further.value), data, recipe)
    count = min(CALIBRATION_IMAGES, data.train.size)
    images, _ = next(iter(data.train.epoch(count, 0, shuffle_seed=0)))
    network = QuantizedNetwork(model, calibration=images.numpy())
    history = network.train(data, recipe)
    network.give_weights(model)
    return network.ranges(), history


def _sentence(record: dict[str, Any], path: Path) -> str:
    before, after = (100 * record[name]["accuracy"] for name in ("test_before", "test"))
    what = {
        "qat": "With int8's rounding in its training",
        "sparsity": f"With {record['value']:g} of its large kernels at 0",
        "clusters": f"With {record['value']} different weights in each large kernel",
    }[record["aim"]]
    return (
        f"{what}, the network is right for {after:.2f} % of the test images in float32 "
        f"({before:.2f} % before). Written: {path}"
    )
