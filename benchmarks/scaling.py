"""What more alternatives cost: time and memory of a search step at the same largest network.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --alternatives=1,32 --steps=31

The largest network stays; its expansions, widths and squeeze-and-excite ratios get 1, 2, 8 or 32
alternatives, and every block its choice of kernel and activation from 2 on (there are no more of
those). All of these are masks on the operators that the largest network has. A skip is not: where
it may change the width it is a convolution that the largest network has not, so a last line has the
space of the most alternatives with skips, and says how many multiply-adds they add.

Steps are interleaved in one process, medians, processors' time of all threads together. Memory is
the most that a process of its own takes beyond its libraries, median of five, with one heap for
C's `malloc`: with two, as the drivers have, one process takes up to 20 MiB more than the next by
which thread happens to compile what (`--heaps=2` measures that). Measurements are kept in
`--results`, so that an interrupted run goes on. Writes `--plot`.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absl import app, flags
from training_steps import medians, peak_mib, print_peak, search_step

import fbnetv2_tf as fb
from fbnetv2_tf.cost_tables import space_tables

ALTERNATIVES = flags.DEFINE_list("alternatives", ["1", "2", "8", "32"], "Of each choice.")
IMAGES = flags.DEFINE_integer("images", 64, "In a step.")
STEPS = flags.DEFINE_integer("steps", 21, "Timed steps of each.")
PROCESSES = flags.DEFINE_integer("processes", 5, "For the memory of each.")
HEAPS = flags.DEFINE_integer("heaps", 1, "Of C's `malloc` in those.")
RESULTS = flags.DEFINE_string("results", "runs/scaling.json", "Measured so far.")
PLOT = flags.DEFINE_string("plot", "docs/pictures/scaling.png", "The picture to write.")
PEAK_OF = flags.DEFINE_string("peak_of", None, "Print the memory of one of them and stop.")

WIDTH, EXPANSION, RATIO = 64, 4.0, 0.5
"""Of the largest network's blocks."""

STRIDES = (2, 1, 1, 1) * 3
"""Of the blocks: at 16, 8 and 4 pixels."""

SKIPS = "+skips"
"""Ends the name of a space whose blocks may be skipped."""


@dataclass(frozen=True)
class Row:
    """What was measured of one space.

    Attributes:
        name: as `space_of` takes it.
        size: architectures in the space.
        clock, processors: milliseconds of a step.
        mib: the most memory.
    """

    name: str
    size: int
    clock: float
    processors: float
    mib: float


def space_of(name: str) -> fb.Space:
    """A space whose every choice has so many alternatives, or all that there are.

    Args:
        name: the number of alternatives, and `+skips` where blocks may be skipped.
    """
    alternatives = int(name.removesuffix(SKIPS))

    def down_from(largest: float, step: float) -> str:
        low = largest - (alternatives - 1) * step
        return f"{largest:g}" if alternatives == 1 else f"{low:g}:{largest:g}:{step:g}"

    widths = down_from(WIDTH, 2 if alternatives < 32 else 1)
    tokens = f"e{down_from(EXPANSION, 0.125)}_c{widths}_se{down_from(RATIO, 0.015625)}"
    kernel, names = ("5", "hs") if alternatives == 1 else ("3/5", "re/hs")
    kinds = {1: "ir/sk" if name.endswith(SKIPS) else "ir", 2: "ir"}
    blocks = [f"{kinds[s]}_k{kernel}_s{s}_{tokens}_n{names}" for s in STRIDES]
    return fb.parse_space(f"in_hw32_c3 cn_k3_s2_c16_nhs {' '.join(blocks)} ip_e2_c128_nhs fc_c10")


def skips_macs(space: fb.Space) -> int:
    """The multiply-adds of all skips at their largest."""
    tables = space_tables(space, space.sides[0], "macs")
    return sum(int(of.joint("sk").max()) for of in tables if of.block.skippable)


def peak_of(name: str) -> float:
    """The most memory that a process of its own takes for three steps, MiB."""
    return peak_mib([f"--peak_of={name}", f"--images={IMAGES.value}"], HEAPS.value)[0]


def measured(names: Sequence[str], results: Path) -> list[Row]:
    """All measurements, the missing ones made."""
    found: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    if any(f"ms {name}" not in found for name in names):
        steps = {name: search_step(space_of(name), IMAGES.value) for name in names}
        times = medians(steps, STEPS.value)
        found |= {f"ms {name}": times[name].processors for name in names}
        found |= {f"clock {name}": times[name].wall for name in names}
        _write(results, found)
    for name in names:
        if f"mib {name}" not in found:
            found[f"mib {name}"] = statistics.median(peak_of(name) for _ in range(PROCESSES.value))
            _write(results, found)
    return [
        Row(name, space_of(name).size, *(found[f"{key} {name}"] for key in ("clock", "ms", "mib")))
        for name in names
    ]


def _write(results: Path, found: dict[str, Any]) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n")


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draws time and memory over the size of the space."""
    import matplotlib.pyplot as plt

    sizes, first = [math.log10(row.size) for row in rows], rows[0]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    left.plot(sizes, [row.processors / first.processors for row in rows], "o-")
    left.set(ylim=(0, 1.5), ylabel="time of a step / one alternative")
    right.plot(sizes, [row.mib for row in rows], "o-")
    right.set(ylim=(0, 1.5 * first.mib), ylabel="memory, MiB")
    for axes in (left, right):
        axes.set_xlabel("architectures in the space, power of ten")
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(_: list[str]) -> None:
    """Prints the table and draws the picture."""
    if PEAK_OF.value:
        print_peak(lambda: search_step(space_of(PEAK_OF.value), IMAGES.value))
        return
    names = [*ALTERNATIVES.value, f"{ALTERNATIVES.value[-1]}{SKIPS}"]
    rows = measured(names, Path(RESULTS.value))
    first, last = rows[0], rows[-2]
    print(
        f"{'each':>8} {'architectures':>14} {'clock':>11} {'ratio':>6} {'processors':>13} "
        f"{'ratio':>6} {'peak':>9} {'more':>9}"
    )
    for row in rows:
        line = f"{row.name:>8} {row.size:14.1e} {row.clock:8.1f} ms {row.clock / first.clock:6.3f} "
        line += f"{row.processors:10.1f} ms {row.processors / first.processors:6.3f} "
        print(f"{line}{row.mib:5.0f} MiB {row.mib - first.mib:5.1f} MiB")
    hundreds = math.log10(last.size / first.size) / 2
    more = (last.mib - first.mib) * 2**20 / hundreds
    print(f"memory for each factor of 100 in size: {more:,.0f} bytes")
    space = space_of(names[-1])
    share = skips_macs(space) / fb.count(space.largest).macs
    print(f"the skips' own multiply-adds: {share:.1%} of the largest network's")
    plot(rows[:-1], Path(PLOT.value))


if __name__ == "__main__":
    app.run(main)
