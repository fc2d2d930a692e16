"""Which choices a space has and what they are called; no Keras and no TensorFlow here."""

from __future__ import annotations

from typing import Any

import numpy as np

from .architecture import Architecture
from .space import Space
from .tokens import GRAMMAR

FIELDS = ("side", "kind", "kernel", "expansion", "channels", "se", "activation")
"""What may be chosen of a block."""


def searched(space: Space) -> dict[str, tuple[Any, ...]]:
    """The choices of a space that have alternatives: name -> alternatives, in the text's order."""
    found: dict[str, tuple[Any, ...]] = {}
    for index, block in enumerate(space.blocks):
        fields = {"kind": block.kinds}
        fields |= {token.field: getattr(block, token.field) for token in GRAMMAR[block.kind]}
        for field in FIELDS:
            if len(fields.get(field, ())) > 1:
                found[choice_name(index, field)] = fields[field]
    return found


def choice_name(block: int, field: str) -> str:
    """The name of a choice.

    Example:
        >>> choice_name(3, "channels")
        'b03_channels'
    """
    return f"b{block:02d}_{field}"


def one_hot_rows(space: Space, architecture: Architecture) -> dict[str, np.ndarray]:
    """One-hot weights of every choice of the space at an architecture of it."""
    rows = {}
    for index, (block, alternatives) in enumerate(
        zip(architecture.blocks, space.blocks, strict=True)
    ):
        for field in FIELDS:
            values = alternatives.kinds if field == "kind" else getattr(alternatives, field)
            if len(values) < 2:
                continue
            value = getattr(block, field)
            if block.kind == "sk" and alternatives.skippable and field == "activation":
                value = None
            row = np.zeros(len(values), np.float32)
            row[values.index(value) if value is not None else 0] = 1
            rows[choice_name(index, field)] = row
    return rows
