"""The zoo as a table in docs/architectures.md: `python -m tests.zoo_table` writes it anew."""

from __future__ import annotations

from pathlib import Path

from fbnetv2_tf.builders.zoo import ZooEntry, zoo
from fbnetv2_tf.counting import count

PAGE = Path(__file__).parent.parent / "docs" / "architectures.md"
BEGIN, END = "<!-- zoo table: python -m tests.zoo_table -->", "<!-- end of the zoo table -->"

COLUMNS = (
    "name",
    "input",
    "MACs",
    "weights",
    "pooled elements",
    "activations, int8 KiB",
    '"flops" published, M',
    '"params" published, M',
    "ImageNet top-1, %",
)


def table() -> str:
    """The zoo in Markdown, figures counted now and published ones as printed."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" + "|---:" * (len(COLUMNS) - 1) + "|"]
    lines += ["| " + " | ".join(row(entry)) + " |" for entry in zoo.values()]
    notes = [f"- `{entry.name}`: {entry.note}" for entry in zoo.values() if entry.note]
    sources = sorted({f"- {entry.source}." for entry in zoo.values()})
    return "\n".join([*lines, "", *notes, "", "Sources:", "", *sources])


def row(entry: ZooEntry) -> list[str]:
    """The cells of one network."""
    cost, side = count(entry.architecture), entry.architecture.side
    counted = [f"{cost.macs:,}", f"{cost.weights:,}", f"{cost.pooled_elements:,}"]
    counted.append(f"{cost.activation_bytes / 1024:,.1f}")
    figures = entry.published
    printed = ["", "", ""]
    if figures is not None:
        printed = [str(figures.flops_m), str(figures.params_m), f"{figures.top1:.2f}"]
    return [f"`{entry.name}`", f"{side}x{side}", *counted, *printed]


def replaced(page: str) -> str:
    """A page with the table between its marks written anew."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
