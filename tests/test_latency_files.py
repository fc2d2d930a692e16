"""Files for a latency table: what is resized is what would have been converted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from fbnetv2_tf.builders.latency_files import BlockFiles, network_file


def structure(content: bytes) -> list[Any]:
    """Operators, with the type and shape of what each reads and writes, and its options."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (graph,) = model.subgraphs
    found = []
    for operator in graph.operators:
        tensors = [graph.tensors[place] for place in (*operator.inputs, *operator.outputs)]
        shapes = [(tensor.type, np.array(tensor.shape).tolist()) for tensor in tensors]
        options = vars(operator.builtinOptions) if operator.builtinOptions else {}
        found.append((model.operatorCodes[operator.opcodeIndex].builtinCode, shapes, options))
    return found


def answer(content: bytes) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(inputs["index"], np.ones(inputs["shape"], inputs["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(outputs["index"])


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("in_hw7_c16 ir_k5_s1_e3_c16_se0.25_nhs fc_c1", "float32"),
        ("in_hw5_c8 ds_k3_s2_c24_nre fc_c1", "int8"),
        ("in_hw4_c8 ip_e3_c96_nhs fc_c1", "int8"),
    ],
)
@pytest.mark.slow
def test_a_resized_file_has_the_operators_of_a_converted_one(text: str, dtype: str) -> None:
    files = BlockFiles(dtype)
    assert files.conversions([text]) == 1
    content = files.make(text)
    assert structure(content) == structure(network_file(text, dtype))
    assert np.isfinite(answer(content)).all()
    assert files.conversions([text, text.replace("hw", "hw1"), "in_hw1_c8 fc_c2"]) == 1
