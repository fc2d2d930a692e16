"""Where an interpreter puts tensors: the plans of TensorFlow Lite Micro and of LiteRT.

No plan needs less than the largest sum of living tensors (`execution.live_elements`); these need a
little more where tensors of different sizes leave gaps between them. The rule is that of TFLM's
`GreedyMemoryPlanner`, to the byte; LiteRT's `ArenaPlanner` comes within a few per cent of it
(`benchmarks/arena.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .architecture import Architecture
from .errors import InputError
from .execution import IMAGE, Lifetime, Step, execution_steps, lifetimes

ALIGNMENT = {"tflm": 16, "litert": 64}
"""Bytes that every tensor begins at a multiple of, by interpreter."""


def arena_bytes(
    architecture: Architecture,
    element_bytes: int = 1,
    *,
    hard_swish: str = "decomposed",
    interpreter: str = "tflm",
) -> int:
    """The bytes of the arena that an interpreter plans for the tensors of one image.

    Args:
        architecture: the network.
        element_bytes: 1 for int8, 4 for float32.
        hard_swish: `decomposed`, as int8 files have it by default, or `fused`.
        interpreter: `tflm`; or `litert` without a delegate, which keeps the image to the end, and
            lets sums and products overwrite an input of theirs that nobody else reads.

    Returns:
        The size of the plan. Scratch memory of kernels is not in it.

    Raises:
        InputError: there is no such interpreter.

    Example:
        >>> from fbnetv2_tf.architecture import parse_architecture
        >>> arena_bytes(parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
        320
    """
    if interpreter not in ALIGNMENT:
        known = ", ".join(ALIGNMENT)
        raise InputError(f"`interpreter` must be one of {known}. Received: {interpreter!r}.")
    tensors = lifetimes(architecture, hard_swish=hard_swish, keeps_image=interpreter == "litert")
    if interpreter == "litert":
        tensors = _computed_in_place(execution_steps(architecture, hard_swish=hard_swish), tensors)
    buffers = [replace(tensor, elements=tensor.elements * element_bytes) for tensor in tensors]
    offsets = plan(buffers, ALIGNMENT[interpreter])
    return max(offset + buffer.elements for offset, buffer in zip(offsets, buffers, strict=True))


def plan(tensors: Sequence[Lifetime], alignment: int = 1) -> list[int]:
    """Places tensors so that no two that are alive at once overlap.

    The largest is placed first, of equal ones the first that is listed; each goes into the lowest
    gap that is large enough.

    Args:
        tensors: what to place; their `elements` are bytes.
        alignment: every offset is a multiple of it.

    Returns:
        An offset for each tensor.

    Example:
        >>> plan([Lifetime(32, 0, 1), Lifetime(64, 1, 2), Lifetime(16, 2, 3)])
        [64, 0, 64]
    """
    offsets: dict[int, int] = {}
    for index in sorted(range(len(tensors)), key=lambda i: -tensors[i].elements):
        wanted = tensors[index]
        neighbours = sorted(
            (offset, offset + tensors[other].elements)
            for other, offset in offsets.items()
            if tensors[other].first <= wanted.last and wanted.first <= tensors[other].last
        )
        free = 0
        for start, end in neighbours:
            if start - free >= wanted.elements:
                break
            free = max(free, -(-end // alignment) * alignment)
        offsets[index] = free
    return [offsets[index] for index in range(len(tensors))]


def _computed_in_place(steps: list[Step], tensors: list[Lifetime]) -> list[Lifetime]:
    """Joins the output of sums and products with the first input that ends there."""
    holder = list(range(len(tensors)))  # the tensor in whose place each one lies
    joined = list(tensors)
    for time, step in enumerate(steps):
        if step.operator not in ("binary", "scale"):
            continue
        for tensor in step.inputs:
            ends_here = tensor != IMAGE and tensors[tensor].last == time
            if ends_here and tensors[tensor].elements == step.elements:
                place = holder[step.output] = holder[tensor]
                joined[place] = replace(joined[place], last=tensors[step.output].last)
                break
    return [joined[index] for index, place in enumerate(holder) if index == place]
