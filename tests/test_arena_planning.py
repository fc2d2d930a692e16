"""Plans never overlap, and are what the interpreters really reserve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.arena_planning import arena_bytes, plan
from fbnetv2_tf.builders.litert_arena import litert_arena_bytes
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.execution import Lifetime, execution_steps, live_elements
from tests.interpreter_arenas import tflm_arena_bytes
from tests.networks import SMALL, moved_network
from tests.strategies import architectures

LIFETIMES = st.lists(
    st.builds(
        lambda size, first, length: Lifetime(size, first, first + length),
        st.integers(1, 100),
        st.integers(0, 10),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)


@given(LIFETIMES, st.sampled_from([1, 16]))
def test_no_two_that_live_together_overlap(tensors: list[Lifetime], alignment: int) -> None:
    offsets = plan(tensors, alignment)
    assert all(offset % alignment == 0 for offset in offsets)
    for i, a in enumerate(tensors):
        for j, b in enumerate(tensors[:i]):
            if a.first <= b.last and b.first <= a.last:
                assert (
                    offsets[i] + a.elements <= offsets[j] or offsets[j] + b.elements <= offsets[i]
                )


@given(architectures(), st.sampled_from(["fused", "decomposed"]))
def test_a_plan_holds_all_that_is_alive(architecture: Architecture, hard_swish: str) -> None:
    alive = max(live_elements(architecture, hard_swish=hard_swish).values())
    assert alive <= arena_bytes(architecture, hard_swish=hard_swish)


@pytest.mark.parametrize("name", zoo)
def test_plans_of_the_zoo_are_near_what_must_be_alive(name: str) -> None:
    architecture = zoo[name].architecture
    alive = max(live_elements(architecture).values())
    assert 1 <= arena_bytes(architecture) / alive < 1.07


@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_tflm_reserves_what_is_planned(quantization: str) -> None:
    pytest.importorskip("tflite_micro")
    hard_swish = "decomposed" if quantization == "int8" else "fused"
    element_bytes = 1 if quantization == "int8" else 4
    architecture = parse_architecture(SMALL)
    content = _converted(quantization, hard_swish)
    arguments = {"element_bytes": element_bytes, "hard_swish": hard_swish}
    planned = arena_bytes(architecture, **arguments)  # type: ignore[arg-type]
    # Kernels add scratch memory of some channels each, which a network this small does feel.
    assert planned <= tflm_arena_bytes(content) <= 1.05 * planned
    held = arena_bytes(architecture, **arguments, interpreter="litert")  # type: ignore[arg-type]
    assert litert_arena_bytes(content) == pytest.approx(held, rel=0.05)
    assert _operators(content) == len(execution_steps(architecture, hard_swish=hard_swish))


def _converted(quantization: str, hard_swish: str) -> bytes:
    import numpy as np

    model = deployable(moved_network(SMALL), fused_hard_swish=hard_swish == "fused")
    images = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
    if quantization == "none":
        return convert(model, quantization="none")
    return convert(model, quantization="int8", calibration=images, image_type="int8")


def _operators(content: bytes) -> int:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    return len(interpreter._get_ops_details())


def test_an_unknown_interpreter_is_named() -> None:
    with pytest.raises(InputError, match=r"must be one of tflm, litert. Received: 'onnx'"):
        arena_bytes(parse_architecture(SMALL), interpreter="onnx")
