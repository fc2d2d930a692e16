"""The int8 answers of tflite-micro, the runtime of microcontrollers, beside LiteRT's."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from fbnetv2_tf.builders.litert import LiteModel
from fbnetv2_tf.builders.operator_files import operator_files

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


def operator_steps_from_micro(content: bytes, seed: int = 0) -> int:
    """The largest difference of any operator by itself, each fed with the same random maps.

    Whole networks with random weights enlarge a difference of one step from layer to layer.

    Args:
        content: the bytes of an int8 file.
        seed: of the maps.
    """
    random, most = np.random.default_rng(seed), 0
    for part in operator_files(content):
        reference = Interpreter(
            model_content=part.content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        reference.allocate_tensors()
        micro = runtime.Interpreter.from_bytes(part.content, arena_size=ARENA_BYTES)
        for place, detail in enumerate(reference.get_input_details()):
            values = random.integers(-128, 128, detail["shape"]).astype(np.int8)
            reference.set_tensor(detail["index"], values)
            micro.set_input(values, place)
        reference.invoke()
        micro.invoke()
        expected = reference.get_tensor(reference.get_output_details()[0]["index"]).astype(int)
        most = max(most, int(np.abs(micro.get_output(0).astype(int) - expected).max()))
    return most


def _answers(content: bytes, images: NDArray[Any]) -> NDArray[np.int64]:
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
    answers = []
    for number in range(len(images)):
        interpreter.set_input(images[number : number + 1], 0)
        interpreter.invoke()
        answers.append(interpreter.get_output(0)[0].astype(int))
    return np.array(answers)
