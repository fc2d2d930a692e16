"""Kernels of one byte in a float32 file: the small form that computes as the large one does.

ai-edge-quantizer (the `weights` extra) writes each kernel as int8 with one scale a channel and a
`DEQUANTIZE` behind it, which LiteRT's delegate carries out once, when it loads the file. The
converter's own dynamic range is no match: it leaves the depthwise convolutions to slow kernels.
"""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

from .extras import require


def with_int8_weights(content: bytes) -> bytes:
    """The bytes of a float32 .tflite file with its kernels in int8.

    Args:
        content: the bytes of a float32 file.

    Raises:
        InputError: ai-edge-quantizer is not installed.
    """
    require("The form 'weights'", "weights", "ai_edge_quantizer")
    from ai_edge_quantizer import quantizer, recipe

    # It narrates its steps and draws progress bars.
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        form = quantizer.Quantizer(bytearray(content), recipe.weight_only_wi8_afp32())
        return bytes(form.quantize().quantized_model)
