"""What a network costs block by block, beside the largest network of its space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from ..architecture import Architecture
from ..counting import LayerCost, count
from ..units import KIB, format_quantity
from .bar_chart import Bar, bar_chart


@dataclass(frozen=True)
class CostChart:
    """A resource's chart and the sum below it."""

    title: str
    total: str
    picture: Markup


def cost_charts(architecture: Architecture, largest: Architecture | None) -> list[CostChart]:
    """Charts of multiply-adds, weights and memory."""
    return [
        _chart("Multiply-adds", "macs", architecture, largest, format_quantity),
        _chart("Weights", "weights", architecture, largest, format_quantity),
        _chart("Activations alive, int8", "activation_bytes", architecture, largest, _kib),
    ]


def _chart(
    title: str,
    resource: str,
    architecture: Architecture,
    largest: Architecture | None,
    text: Callable[[float], str],
) -> CostChart:
    own = _by_block(architecture, resource)
    theirs = _by_block(largest, resource) if largest is not None else {}
    bars = [
        Bar(f"{index} {block.kind}", own.get(index, 0), theirs.get(index))
        for index, block in enumerate(architecture.blocks)
        if index
    ]
    total = text(getattr(count(architecture), resource))
    if largest is not None:
        total += f" ({text(getattr(count(largest), resource))} in the largest)"
    return CostChart(title, total, bar_chart(title, bars, text))


def _by_block(architecture: Architecture, resource: str) -> dict[int, int]:
    """Block -> its cost: a sum, of memory the most that is alive at a time."""
    found: dict[int, int] = {}
    for layer in count(architecture).layers:
        value = _value(layer, resource)
        before = found.get(layer.block, 0)
        is_memory = resource == "activation_bytes"
        found[layer.block] = max(before, value) if is_memory else before + value
    return found


def _value(layer: LayerCost, resource: str) -> int:
    return int(getattr(layer, resource))


def _kib(value: float) -> str:
    return format_quantity(value / 1024, KIB) if value else "0"
