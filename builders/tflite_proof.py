"""Law 7: a .tflite file agrees with its Keras model on images, or it is not written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fbnetv2_tf.errors import ExportError

TOLERANCES = {"none": 1e-4, "float16": 1e-2, "weights": 0.15, "int8": 0.5, "qat": 0.25}
"""The largest `Agreement.difference` that is accepted for each form.

float32, float16 and `weights` differ by rounding: it is the largest difference of a logit over the
largest logit. int8 differs by design: it is the root mean square of the difference over that of the
logits (around their mean), which is 1 or more for a file that computes something else; trained
networks give 0.02 to 0.15. `qat` is compared with the network that rounds as it was trained to.
"""

WHOLE_NUMBERS = ("int8", "qat")
"""The forms in which every operator computes in whole numbers."""

_TIE = 1e-5
"""Two logits that differ by less than this share of the largest one are a tie in float32."""


@dataclass(frozen=True)
class Agreement:
    """How a file's answers compare with its Keras model's on the same images.

    Attributes:
        images: how many were compared.
        difference: as explained at `TOLERANCES`, by the form of the file.
        tolerance: the largest `difference` that was accepted.
        same_class: the share of images, 0 to 1, for which both give the same class.
        keras_accuracy, tflite_accuracy: share of right classes, 0 to 1; None without labels.
    """

    images: int
    difference: float
    tolerance: float
    same_class: float
    keras_accuracy: float | None = None
    tflite_accuracy: float | None = None


def keras_logits(model: Any, images: NDArray[np.float32], batch_size: int = 256) -> Any:
    """The Keras model's answers in inference, (images, classes) float32."""
    batches = (images[at : at + batch_size] for at in range(0, len(images), batch_size))
    answers = [keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches]
    return np.concatenate(answers).astype(np.float32)


def accuracy(logits: NDArray[np.float32], labels: NDArray[Any]) -> float:
    """The share of images whose largest logit is that of their class, 0 to 1."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def prove(
    reference: NDArray[np.float32],
    answers: NDArray[np.float32],
    *,
    quantization: str,
    tolerance: float | None = None,
    labels: NDArray[Any] | None = None,
) -> Agreement:
    """Compares a file's answers with those of its Keras model.

    Args:
        reference: logits of the Keras model, (images, classes).
        answers: logits of the file for the same images.
        quantization: the form of the file.
        tolerance: instead of the form's own of `TOLERANCES`.
        labels: (images,) classes, for the accuracies.

    Returns:
        The agreement.

    Raises:
        ExportError: where they do not agree: numbers that are not finite, a difference above the
            tolerance, or (float32) another class where Keras has no tie.
    """
    limit = TOLERANCES[quantization] if tolerance is None else tolerance
    for logits, whose in ((reference, "Keras model's"), (answers, ".tflite's")):
        if not np.isfinite(logits).all():
            raise ExportError(f"The {whose} logits must be finite. Received: NaN or infinity.")
    whole_numbers = quantization in WHOLE_NUMBERS
    difference = (_relative_rms if whole_numbers else _relative_largest)(reference, answers)
    if difference > limit:
        raise ExportError(
            f"The .tflite ({quantization}) does not agree with its Keras model on {len(answers)} "
            f"images, so it was not written: their difference must be at most {limit:g}. "
            f"Received: {difference:.3g}."
        )
    other = np.argmax(reference, axis=1) != np.argmax(answers, axis=1)
    if quantization == "none":
        _refuse_other_classes(reference, other)
    return Agreement(
        images=len(answers),
        difference=difference,
        tolerance=limit,
        same_class=float(np.mean(~other)),
        keras_accuracy=None if labels is None else accuracy(reference, labels),
        tflite_accuracy=None if labels is None else accuracy(answers, labels),
    )


def _relative_largest(reference: NDArray[np.float32], answers: NDArray[np.float32]) -> float:
    largest = max(float(np.max(np.abs(reference))), np.finfo(np.float32).tiny)
    return float(np.max(np.abs(answers - reference))) / largest


def _relative_rms(reference: NDArray[np.float32], answers: NDArray[np.float32]) -> float:
    spread = max(float(np.std(reference)), np.finfo(np.float32).tiny)
    return float(np.sqrt(np.mean(np.square(answers - reference)))) / spread


def _refuse_other_classes(reference: NDArray[np.float32], other: NDArray[np.bool_]) -> None:
    highest = np.sort(reference, axis=1)[:, -2:]
    tie = (highest[:, -1] - highest[:, 0]) <= _TIE * np.max(np.abs(reference))
    wrong = int(np.sum(other & ~tie))
    if wrong:
        raise ExportError(
            f"The .tflite must give the Keras model's class for every image, and was not written. "
            f"Received: another class for {wrong} of {len(reference)} images."
        )
