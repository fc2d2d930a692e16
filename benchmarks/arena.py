"""The arenas that TFLM and LiteRT reserve for the zoo at batch 1, beside those that we plan.

`python -m benchmarks.arena [name...]`, from the root of a checkout; about half a minute a network
and form. `alive` is `fb.count`'s activation memory; the ratios are the interpreter's arena over our
plan of it. Kernels' scratch memory is in the interpreters' figures and not in ours.
"""

from __future__ import annotations

import sys

import numpy as np

from fbnetv2_tf.arena_planning import arena_bytes
from fbnetv2_tf.builders.litert_arena import litert_arena_bytes
from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from tests.interpreter_arenas import tflm_arena_bytes

FORMS = (("none", "fused", 4), ("int8", "decomposed", 1))


def arena_row(name: str, quantization: str, hard_swish: str, element_bytes: int) -> str:
    """One network in one form: KiB alive, planned and reserved."""
    architecture = zoo[name].architecture
    cost = count(architecture)
    model = deployable(build_model(name), fused_hard_swish=hard_swish == "fused")
    images = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:]))
    content = convert(
        model,
        quantization=quantization,
        calibration=None if quantization == "none" else images.astype("float32"),
        image_type="float32" if quantization == "none" else "int8",
    )
    alive = cost.activation_bytes_float32 if element_bytes == 4 else cost.activation_bytes
    cells = f"{name:<20}{'float32' if element_bytes == 4 else quantization:<9}{alive / 1024:>10.1f}"
    for interpreter, measure in (("tflm", tflm_arena_bytes), ("litert", litert_arena_bytes)):
        planned = arena_bytes(
            architecture, element_bytes, hard_swish=hard_swish, interpreter=interpreter
        )
        reserved = measure(content)
        cells += f"{planned / 1024:>12.1f}{reserved / 1024:>10.1f}{reserved / planned:>8.3f}"
    return cells


def main() -> None:
    """Prints the table, row by row."""
    columns = "".join(f"{n + ' plan':>12}{'real':>10}{'ratio':>8}" for n in ("TFLM", "LiteRT"))
    print(f"{'KiB':<20}{'form':<9}{'alive':>10}{columns}")
    for name in sys.argv[1:] or zoo:
        for form in FORMS:
            print(arena_row(name, *form), flush=True)


if __name__ == "__main__":
    main()
