"""The int8 answers of tflite-micro, the runtime of microcontrollers, beside LiteRT's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from fbnetv2_tf.builders.litert import LiteModel

ARENA_BYTES = 64 * 2**20


def steps_from_micro(content: bytes, images: NDArray[np.float32]) -> int:
    """The largest difference of a logit between tflite-micro and LiteRT's reference kernels.

    Args:
        content: the bytes of an int8 file.
        images: (images, height, width, channels) float, in the range that the model takes.

    Returns:
        The difference in steps of int8; 0 where both answer the same.
    """
    reference = LiteModel(content, reference_kernels=True)
    raw = reference.quantize(images)
    expected = reference.predict_raw(raw).astype(int)
    return int(np.abs(_answers(content, raw) - expected).max())


def _answers(content: bytes, images: NDArray[Any]) -> NDArray[np.int64]:
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
    answers = []
    for number in range(len(images)):
        interpreter.set_input(images[number : number + 1], 0)
        interpreter.invoke()
        answers.append(interpreter.get_output(0)[0].astype(int))
    return np.array(answers)
