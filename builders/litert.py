"""Reading and running .tflite files with LiteRT: what is in a file, and what it answers.

No TensorFlow here: ai-edge-litert alone reads and runs a file.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from fbnetv2_tf.errors import ExportError

_OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
_FLOATS = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16, schema.TensorType.FLOAT64)
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class LiteOperator:
    """One operator of a file.

    Attributes:
        name: as the schema has it, such as `CONV_2D`.
        output: name of its first output tensor, which tells the Keras layer it came from.
        input_shape: shape of its first input tensor, () where it has none.
        output_shape: shape of the output tensor.
        macs: multiply-adds of a convolution or a matrix product, biases not counted.
        touches_float: whether an input or output is a floating-point tensor.
    """

    name: str
    output: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    macs: int
    touches_float: bool


@dataclass(frozen=True)
class LiteGraph:
    """A file's first subgraph.

    Attributes:
        operators: in execution order.
        open_tensors: names of the tensors that have a side of any length.
    """

    operators: tuple[LiteOperator, ...]
    open_tensors: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-adds of the whole network for one image."""
        return sum(operator.macs for operator in self.operators)

    @property
    def operator_counts(self) -> dict[str, int]:
        """How often each operator occurs, the most frequent first."""
        return dict(Counter(operator.name for operator in self.operators).most_common())

    @property
    def float_operators(self) -> tuple[LiteOperator, ...]:
        """The operators that touch a floating-point tensor."""
        return tuple(operator for operator in self.operators if operator.touches_float)


def read_graph(content: bytes) -> LiteGraph:
    """Reads the operators of a .tflite file.

    Args:
        content: the bytes of the file.

    Raises:
        ExportError: where they are not those of a .tflite file.
    """
    _check_identifier(content, "The file")
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    operators = []
    for operator in graph.operators:
        name = _OPERATOR_NAMES.get(codes[operator.opcodeIndex], "UNKNOWN")
        indices = [*operator.inputs, *operator.outputs]
        tensors = [graph.tensors[index] for index in indices if index >= 0]
        output = graph.tensors[operator.outputs[0]]
        operators.append(
            LiteOperator(
                name=name,
                output=output.name.decode(),
                input_shape=_shape(tensors[0]) if operator.inputs[0] >= 0 else (),
                output_shape=_shape(output),
                macs=_macs(name, tensors, output),
                touches_float=any(tensor.type in _FLOATS for tensor in tensors),
            )
        )
    has_open_side = (tensor.shapeSignature for tensor in graph.tensors)
    opened = tuple(
        tensor.name.decode()
        for tensor, sides in zip(graph.tensors, has_open_side, strict=True)
        if sides is not None and any(int(side) < 0 for side in sides)
    )
    return LiteGraph(tuple(operators), opened)


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(map(int, tensor.shape))


def _macs(name: str, tensors: list[Any], output: Any) -> int:
    """Elements of the output times the kernel elements that each of them takes."""
    if name not in _WEIGHTED:
        return 0
    kernel = [int(side) for side in tensors[1].shape]
    # Kernels: (out, k, k, in), (1, k, k, channels), (out, in).
    each = kernel[1] * kernel[2] if name == "DEPTHWISE_CONV_2D" else math.prod(kernel[1:])
    return math.prod(map(int, output.shape)) * each


class LiteModel:
    """A .tflite file, loaded and allocated, that answers float images with float logits.

    Args:
        content: the bytes of the file.
        threads: of the interpreter.
        reference_kernels: whether to use LiteRT's reference kernels instead of XNNPACK's.
        name: what to call it in an error.

    Raises:
        ExportError: where the interpreter refuses the file.
    """

    def __init__(
        self,
        content: bytes,
        *,
        threads: int = 1,
        reference_kernels: bool = False,
        name: str = "The file",
    ) -> None:
        _check_identifier(content, name)
        resolver = OpResolverType.BUILTIN_REF if reference_kernels else OpResolverType.AUTO
        try:
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=threads,
                experimental_op_resolver_type=resolver,
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ExportError(f"{name} is refused by the LiteRT interpreter: {reason}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    @classmethod
    def load(cls, path: Path, **arguments: Any) -> LiteModel:
        """Reads and loads a file; raises `ExportError` where it is not a .tflite file."""
        return cls(path.read_bytes(), name=f"'{path}'", **arguments)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, height, width, channels)."""
        return tuple(map(int, self._input["shape"]))

    @property
    def input_dtype(self) -> str:
        """Of the images that the file itself takes: `float32`, `int8` or `uint8`."""
        return np.dtype(self._input["dtype"]).name

    @property
    def classes(self) -> int:
        """Number of logits."""
        return int(self._output["shape"][-1])

    @property
    def signatures(self) -> dict[str, Any]:
        """The names of the signatures, with their inputs and outputs."""
        return dict(self._interpreter.get_signature_list())

    def predict(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Runs images one after the other.

        Args:
            images: (images, height, width, channels), in the range that the Keras model takes; they
                are quantised here where the file takes integers.

        Returns:
            Logits (images, classes), dequantised where the file gives integers.
        """
        raw = self.predict_raw(self.quantize(images))
        scale, zero = self._output["quantization"]
        if not scale:
            return raw.astype(np.float32)
        return ((raw.astype(np.float32) - zero) * np.float32(scale)).astype(np.float32)

    def predict_raw(self, images: NDArray[Any]) -> NDArray[Any]:
        """Runs images of the file's own type, and returns its own type."""
        one = self.input_shape[1:]
        if images.ndim != 4 or images.shape[1:] != one:
            raise ExportError(
                f"The images must have the shape (images, {', '.join(map(str, one))}). "
                f"Received: {images.shape}."
            )
        answers = np.empty((len(images), self.classes), self._output["dtype"])
        for number in range(len(images)):
            self._interpreter.set_tensor(self._input["index"], images[number : number + 1])
            self._interpreter.invoke()
            answers[number] = self._interpreter.get_tensor(self._output["index"])[0]
        return answers

    def quantize(self, images: NDArray[Any]) -> NDArray[Any]:
        """Float images as the file takes them: rounded to its scale and zero point."""
        dtype = self._input["dtype"]
        scale, zero = self._input["quantization"]
        if not scale:
            return images.astype(dtype)
        limits = np.iinfo(dtype)
        steps = np.round(images.astype(np.float32) / np.float32(scale)) + zero
        return np.clip(steps, limits.min, limits.max).astype(dtype)

    @cached_property
    def pieces(self) -> int:
        """Into how many pieces the CPU delegate (XNNPACK) takes the graph; one is the fastest."""
        return sum(node["op_name"] == "DELEGATE" for node in self._nodes)

    @cached_property
    def undelegated_operators(self) -> tuple[str, ...]:
        """The operators that the delegate left to slower kernels, which cut the graph in pieces."""
        delegates = [node for node in self._nodes if node["op_name"] == "DELEGATE"]
        plain = [node for node in self._nodes if node["op_name"] != "DELEGATE"]
        produced = {int(i) for node in delegates for i in node["outputs"]}
        wanted = {int(i) for node in delegates for i in node["inputs"]} | {self._output["index"]}
        left = []
        # Backwards: what nobody outside a delegate reads was computed inside one.
        for node in reversed(plain):
            outputs = {int(i) for i in node["outputs"]}
            if outputs & wanted and not outputs & produced:
                left.append(node["op_name"])
                wanted |= {int(i) for i in node["inputs"]}
        return tuple(reversed(left))

    @cached_property
    def _nodes(self) -> list[dict[str, Any]]:
        return list(self._interpreter._get_ops_details())


def _check_identifier(content: bytes, name: str) -> None:
    if content[4:8] != b"TFL3":
        raise ExportError(
            f"{name} is not a .tflite file: its bytes 4 to 8 must be b'TFL3'. "
            f"Received: {content[4:8]!r}."
        )
