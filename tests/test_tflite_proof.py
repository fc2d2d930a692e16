"""What counts as agreement, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from fbnetv2_tf.builders.tflite_proof import accuracy, prove
from fbnetv2_tf.errors import ExportError

LOGITS = np.array([[4.0, 1.0], [0.0, 2.0], [3.0, 2.9]], np.float32)


def test_the_figures_by_hand() -> None:
    answers = LOGITS + np.array([[2e-4, 0], [0, 0], [0, 0]], np.float32)
    agreement = prove(LOGITS, answers, quantization="none", labels=np.array([0, 1, 1]))
    assert agreement.difference == pytest.approx(2e-4 / 4, rel=1e-2)
    assert agreement.same_class == 1.0
    assert agreement.keras_accuracy == agreement.tflite_accuracy == pytest.approx(2 / 3)


def test_int8_is_measured_against_the_spread_of_the_logits() -> None:
    answers = LOGITS + np.float32(0.1) * np.array([[1, -1], [1, -1], [-1, 1]], np.float32)
    agreement = prove(LOGITS, answers, quantization="int8")
    assert agreement.difference == pytest.approx(0.1 / LOGITS.std(), rel=1e-5)
    assert agreement.same_class == pytest.approx(2 / 3)
    assert agreement.keras_accuracy is None


def test_a_file_that_computes_something_else_is_refused() -> None:
    for quantization in ("none", "float16", "int8"):
        with pytest.raises(ExportError, match=rf"\({quantization}\) does not agree"):
            prove(LOGITS, LOGITS[::-1], quantization=quantization)
    with pytest.raises(ExportError, match=r"must be at most 0\.01"):
        prove(LOGITS, LOGITS + 1, quantization="int8", tolerance=0.01)


def test_another_class_is_refused_but_for_a_tie() -> None:
    near = np.array([[100.0, 99.995]], np.float32)
    with pytest.raises(ExportError, match="another class for 1 of 1 images"):
        prove(near, near[:, ::-1], quantization="none")
    tie = np.array([[100.0, 100.0]], np.float32)
    assert prove(tie, tie - [[1e-5, 0]], quantization="none").images == 1


def test_numbers_that_are_not_are_refused() -> None:
    broken = LOGITS * np.float32(np.nan)
    with pytest.raises(ExportError, match=r"The \.tflite's logits must be finite"):
        prove(LOGITS, broken, quantization="int8")
    with pytest.raises(ExportError, match="The Keras model's logits must be finite"):
        prove(broken, LOGITS, quantization="int8")


def test_accuracy_by_hand() -> None:
    assert accuracy(LOGITS, np.array([0, 0, 0])) == pytest.approx(2 / 3)
