"""What a network costs block by block, beside the largest network of its space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from ..architecture import Architecture
from ..counting import Cost, count
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
    own = count(architecture)
    theirs = count(largest) if largest is not None else None
    names = [
        f"{index} {block.kind}"
        for index, block in enumerate(architecture.blocks)
        if block.kind != "in"
    ]
    return [
        _chart("Multiply-adds", "macs", names, own, theirs, format_quantity),
        _chart("Weights", "weights", names, own, theirs, format_quantity),
        _chart("Activations alive, int8", "activation_bytes", names, own, theirs, _kib),
    ]


def _chart(
    title: str,
    resource: str,
    names: list[str],
    cost: Cost,
    largest: Cost | None,
    text: Callable[[float], str],
) -> CostChart:
    own = _by_block(cost, resource)
    theirs = _by_block(largest, resource) if largest is not None else {}
    bars = [
        Bar(name, own.get(index, 0), theirs.get(index)) for index, name in enumerate(names, start=1)
    ]
    total = text(getattr(cost, resource))
    if largest is not None:
        total += f" ({text(getattr(largest, resource))} in the largest)"
    return CostChart(title, total, bar_chart(title, bars, text))


def _by_block(cost: Cost, resource: str) -> dict[int, int]:
    """Block -> its cost: a sum, of memory the most that is alive at a time."""
    found: dict[int, int] = {}
    for layer in cost.layers:
        value = int(getattr(layer, resource))
        before = found.get(layer.block, 0)
        is_memory = resource == "activation_bytes"
        found[layer.block] = max(before, value) if is_memory else before + value
    return found


def _kib(value: float) -> str:
    return format_quantity(value / 1024, KIB) if value else "0"
