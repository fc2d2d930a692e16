"""`fbnetv2-evaluate`: the accuracy of Keras models and .tflite files on the same images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.errors import InputError, RunError
from fbnetv2_tf.run_folder import CHILD, RunFolder

from .common import define_path, define_run, one_of
from .driver import Driver
from .quiet import import_tensorflow, quiet_start
from .run_data import DataChoice, data_choice, define_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fbnetv2_tf.datasets.splits import Split

Answer = Callable[["NDArray[Any]"], "NDArray[Any]"]
"""Images (batch, height, width, channels) to logits (batch, classes)."""

PARTS = ("test", "validation", "architecture", "weights", "train")
BATCH = 250


@dataclass(frozen=True)
class EvaluateOptions:
    """What `fbnetv2-evaluate` was asked for.

    Attributes:
        models: the files to evaluate.
        data: the data set.
        split: which part of it.
        threads: of the LiteRT interpreter.
    """

    models: tuple[Path, ...]
    data: DataChoice
    split: str
    threads: int


@dataclass(frozen=True)
class Model:
    """A model that answers images, whatever file it is from.

    Attributes:
        path: the file.
        input_shape: (height, width, channels).
        classes: number of logits.
        answer: what it does.
    """

    path: Path
    input_shape: tuple[int, ...]
    classes: int
    answer: Answer


def define(values: Any) -> None:
    """Registers the flags."""
    define_run(values)
    define_path(values, "model", "A .keras or .tflite file.")
    define_data(values)
    flags.DEFINE_enum("split", "test", PARTS, "Which part of the data.", flag_values=values)
    flags.DEFINE_integer(
        "threads", 1, "Of the LiteRT interpreter.", lower_bound=1, flag_values=values
    )


def options(values: Any) -> EvaluateOptions:
    """Reads the flags."""
    given = one_of(values, "run", "model")
    run = RunFolder(values.run if given == "run" else values.model.parent)
    models = _models_of(run) if given == "run" else (values.model,)
    for model in models:
        if model.suffix not in (".keras", ".tflite"):
            raise InputError(f"A model must be a .keras or .tflite file. Received: '{model}'.")
        if not model.is_file():
            raise RunError(f"There is no file '{model}'.")
    return EvaluateOptions(models, data_choice(values, run), values.split, values.threads)


def _models_of(run: RunFolder) -> tuple[Path, ...]:
    keras_file = [run / CHILD] if run.has(CHILD) else []
    models = (*keras_file, *sorted(run.path.glob("*.tflite")))
    if not models:
        raise RunError(
            f"The run folder '{run.path}' has no file {CHILD!r}. fbnetv2-train writes it."
        )
    return models


def main(options: EvaluateOptions) -> None:
    """Evaluates each model on the same images and prints a table."""
    import_tensorflow()
    from fbnetv2_tf.datasets import image_errors

    models = [_load(path, options.threads) for path in options.models]
    shape = models[0].input_shape
    data = options.data.load(image_side=shape[0], channels=shape[2])
    part = getattr(data, options.split)
    print(f"{part.size:,} {options.split} images of {data.name}")
    width = max(len(model.path.name) for model in models)
    for model in models:
        if (model.input_shape, model.classes) != (shape, data.classes):
            raise InputError(
                f"'{model.path}' must take images of {shape} and give {data.classes} classes. "
                f"Received: {model.input_shape} and {model.classes}."
            )
        began = time.monotonic()
        with image_errors():
            right, loss = evaluate(model.answer, part)
        print(
            f"  {model.path.name:<{width}}  {100 * right:6.2f} % right  loss {loss:.3f}  "
            f"{time.monotonic() - began:.1f} s",
            flush=True,
        )


def evaluate(answer: Answer, part: Split) -> tuple[float, float]:
    """The share of images with the right class, and the mean cross-entropy in nats."""
    import numpy as np

    right, loss = 0, 0.0
    for images, labels in part.dataset(BATCH):
        logits = answer(images.numpy()).astype(np.float64)
        classes = labels.numpy()
        right += int(np.sum(np.argmax(logits, axis=1) == classes))
        highest = logits.max(axis=1, keepdims=True)
        normalizer = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))
        loss += float(np.sum(normalizer - logits[np.arange(len(classes)), classes]))
    return right / part.size, loss / part.size


def _load(path: Path, threads: int) -> Model:
    if path.suffix == ".tflite":
        from fbnetv2_tf.builders.litert import LiteModel

        with quiet_start():  # LiteRT tells of its delegate when it makes the first one
            file = LiteModel.load(path, threads=threads)
        return Model(path, file.input_shape[1:], file.classes, file.predict)
    from fbnetv2_tf.builders.keras_file import load_model
    from fbnetv2_tf.builders.tflite_proof import keras_logits

    model = load_model(path)

    def answer(images: NDArray[Any]) -> NDArray[Any]:
        logits: NDArray[Any] = keras_logits(model, images)
        return logits

    return Model(path, tuple(model.input_shape[1:]), int(model.output_shape[-1]), answer)


DRIVER = Driver(
    name="fbnetv2-evaluate",
    summary="Prints the accuracy of Keras models and .tflite files on the same images.",
    usage=("fbnetv2-evaluate --run=runs/first", "fbnetv2-evaluate --model=model.tflite"),
    first=("run", "model", "dataset", "data_dir", "split"),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
