"""Costs as a table, as JSON and as CSV: the text that `fbnetv2-count` prints."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.arena_planning import arena_bytes
from fbnetv2_tf.builders.zoo import ZooEntry, zoo
from fbnetv2_tf.counting import Cost, count
from fbnetv2_tf.space import Space

FORMATS = ("table", "json", "csv")
WIDTH = 112
"""Columns where the output is no terminal that says how wide it is."""

TOTALS = (
    "macs",
    "weights",
    "parameters",
    "pooled_elements",
    "activation_bytes",
    "activation_bytes_float32",
)


def network_report(source: str, architecture: Architecture, form: str) -> str:
    """The costs of a network, layer by layer and in all.

    Args:
        source: as it was given; a name of the zoo adds its published figures.
        architecture: the network.
        form: `table`, `json` or `csv`.

    Returns:
        Text that ends with a line break.
    """
    cost = count(architecture)
    entry = zoo.get(source)
    if form == "json":
        return _json(_network_facts(architecture, cost, entry))
    if form == "csv":
        rows = [_flat(asdict(layer)) for layer in cost.layers]
        totals = {name: getattr(cost, name) for name in TOTALS if name in rows[0]}
        return _csv([*rows, {"block": "", "name": "total", "kind": "", **totals}])
    lines = ["", str(architecture), "", *_summary(architecture, cost, entry), ""]
    return _rendered(_layer_table(cost)) + "\n".join(lines)


def space_report(space: Space, form: str) -> str:
    """The size of a space, and its cheapest and dearest network by multiply-adds.

    Args:
        space: what to describe.
        form: `table`, `json` or `csv`.

    Returns:
        Text that ends with a line break.
    """
    ends = {"smallest": space.smallest, "largest": space.largest}
    rows = [
        {"network": name, **_totals(count(end)), "architecture": str(end)}
        for name, end in ends.items()
    ]
    if form == "json":
        named = {str(row.pop("network")): row for row in rows}
        return _json({"space": str(space), "size": space.size, **named})
    if form == "csv":
        return _csv(rows)
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("")
    for title in ("MACs", "weights", "parameters", "alive, KiB"):
        table.add_column(title, justify="right")
    for row in rows:
        figures = (row["macs"], row["weights"], row["parameters"])
        kib = f"{row['activation_bytes'] / 1024:,.1f}"
        table.add_row(str(row["network"]), *(f"{figure:,}" for figure in figures), kib)
    lines = [f"{name}: {end}" for name, end in ends.items()]
    head = f"{space}\n\n{space.size:,} architectures (about 10^{len(str(space.size)) - 1})\n\n"
    return head + _rendered(table) + "\n" + "\n".join(lines) + "\n"


def _network_facts(
    architecture: Architecture, cost: Cost, entry: ZooEntry | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "architecture": str(architecture),
        "input_shape": [architecture.side, architecture.side, architecture.input_channels],
        "classes": architecture.classes,
        **_totals(cost),
        "arena_bytes": arena_bytes(architecture),
    }
    if entry is not None:
        facts["published"] = asdict(entry.published) if entry.published else None
        facts["source"] = entry.source
    return {**facts, "layers": [asdict(layer) for layer in cost.layers]}


def _totals(cost: Cost) -> dict[str, Any]:
    return {name: getattr(cost, name) for name in TOTALS}


def _layer_table(cost: Cost) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("layer", no_wrap=True)
    table.add_column("output")
    for title in ("MACs", "weights", "parameters", "pooled", "alive, KiB"):
        table.add_column(title, justify="right")
    for layer in cost.layers:
        figures = (layer.macs, layer.weights, layer.parameters, layer.pooled_elements)
        table.add_row(
            layer.name,
            "x".join(map(str, layer.output_shape)),
            *(f"{figure:,}" if figure else "" for figure in figures),
            f"{layer.activation_bytes / 1024:,.1f}" if layer.activation_bytes else "",
        )
    return table


def _summary(architecture: Architecture, cost: Cost, entry: ZooEntry | None) -> Iterable[str]:
    yield (
        f"{cost.macs:,} MACs, {cost.weights:,} weights, {cost.parameters:,} parameters, "
        f"{cost.pooled_elements:,} pooled elements"
    )
    yield (
        f"activations of one image: {cost.activation_bytes / 1024:,.1f} KiB alive at most in int8 "
        f"(arena {arena_bytes(architecture) / 1024:,.1f} KiB), "
        f"{cost.activation_bytes_float32 / 1024:,.1f} KiB in float32"
    )
    if entry is not None and entry.published is not None:
        figures = entry.published
        flops = cost.macs + cost.pooled_elements
        yield (
            f'published: "flops" {figures.flops_m} M (here {flops / 1e6} M), "params" '
            f"{figures.params_m} M (here {cost.weights / 1e6} M), ImageNet top-1 "
            f"{figures.top1:.2f} %"
        )
    if entry is not None and entry.note:
        yield entry.note


def _rendered(table: Table) -> str:
    """A table as plain text, as wide as the terminal or `WIDTH`."""
    console = Console(
        file=io.StringIO(), width=None if sys.stdout.isatty() else WIDTH, color_system=None
    )
    console.print(table)
    file = console.file
    text = file.getvalue() if isinstance(file, io.StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A layer's row with its output shape in three columns."""
    height, width, channels = row.pop("output_shape")
    place = {"height": height, "width": width, "channels": channels}
    return {name: row[name] for name in ("block", "name", "kind")} | place | row


def _csv(rows: list[dict[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, indent=1) + "\n"
