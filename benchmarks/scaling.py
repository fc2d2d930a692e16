"""What more alternatives cost: time and memory of a search step at the same largest network.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --alternatives=1,32 --steps=31

The largest network stays; its expansions, widths and squeeze-and-excite ratios get 1, 2, 8 or 32
alternatives, and every block its choice of kernel, activation and skip from 2 on (there are no more
of those). Steps are interleaved in one process, medians, processors' time of all threads together;
memory is the most that a process of its own takes beyond its libraries, median of three.
Measurements are kept in `--results`, so that an interrupted run goes on. Writes `--plot`.
"""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

from absl import app, flags
from training_steps import medians, peak_mib, print_peak, search_step

from fbnetv2_tf.space import Space, parse_space

ALTERNATIVES = flags.DEFINE_list("alternatives", ["1", "2", "8", "32"], "Of each choice.")
IMAGES = flags.DEFINE_integer("images", 64, "In a step.")
STEPS = flags.DEFINE_integer("steps", 21, "Timed steps of each.")
PROCESSES = flags.DEFINE_integer("processes", 3, "For the memory of each.")
RESULTS = flags.DEFINE_string("results", "benchmarks/results/scaling.json", "Measured so far.")
PLOT = flags.DEFINE_string("plot", "docs/pictures/scaling.png", "The picture to write.")
PEAK_OF = flags.DEFINE_integer("peak_of", None, "Print the memory of one of them and stop.")

WIDTH, EXPANSION, RATIO = 64, 4.0, 0.5
"""Of the largest network's blocks."""


def space_of(alternatives: int) -> Space:
    """A space whose every choice has so many alternatives, or all that there are."""

    def down_from(largest: float, step: float) -> str:
        low = largest - (alternatives - 1) * step
        return f"{largest:g}" if alternatives == 1 else f"{low:g}:{largest:g}:{step:g}"

    widths = down_from(WIDTH, 2 if alternatives < 32 else 1)
    tokens = f"e{down_from(EXPANSION, 0.125)}_c{widths}_se{down_from(RATIO, 0.015625)}"
    kind, kernel, names = ("ir", "5", "hs") if alternatives == 1 else ("ir/sk", "3/5", "re/hs")
    blocks = [
        f"{kind if stride == 1 else 'ir'}_k{kernel}_s{stride}_{tokens}_n{names}"
        for stride in (2, 1, 1, 2, 1)
    ]
    return parse_space(f"in_hw32_c3 cn_k3_s2_c16_nhs {' '.join(blocks)} ip_e2_c128_nhs fc_c10")


def peak_of(alternatives: int) -> float:
    """The most memory that a process of its own takes for three steps, MiB."""
    return peak_mib([f"--peak_of={alternatives}", f"--images={IMAGES.value}"])[0]


def measured(results: Path) -> dict[str, Any]:
    """All measurements, the missing ones made."""
    found: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    numbers = [int(number) for number in ALTERNATIVES.value]
    if any(f"ms {number}" not in found for number in numbers):
        steps = {str(n): search_step(space_of(n), IMAGES.value) for n in numbers}
        times = medians(steps, STEPS.value)
        found |= {f"ms {n}": times[str(n)].processors for n in numbers}
        found |= {f"clock {n}": times[str(n)].wall for n in numbers}
        _write(results, found)
    for number in numbers:
        key = f"mib {number}"
        if key not in found:
            found[key] = statistics.median(peak_of(number) for _ in range(PROCESSES.value))
            _write(results, found)
    return found


def _write(results: Path, found: dict[str, Any]) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n")


def plot(rows: list[tuple[float, float, float]], path: Path) -> None:
    """Draws time and memory over the size of the space.

    Args:
        rows: (log10 of the size, time ratio, MiB more than the first).
        path: of the PNG.
    """
    import matplotlib.pyplot as plt

    sizes, ratios, more = zip(*rows, strict=True)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    left.plot(sizes, ratios, "o-")
    left.set(ylim=(0, 1.5), ylabel="time of a step / one alternative")
    right.plot(sizes, more, "o-")
    right.set(ylim=(-50, 100), ylabel="memory beyond that of one, MiB")
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
    found = measured(Path(RESULTS.value))
    numbers = [int(number) for number in ALTERNATIVES.value]
    first, rows = numbers[0], []
    print(
        f"{'each':>5} {'architectures':>14} {'clock':>11} {'ratio':>6} {'processors':>13} "
        f"{'ratio':>6} {'peak':>9} {'more':>9}"
    )
    for number in numbers:
        size, ms, mib = space_of(number).size, found[f"ms {number}"], found[f"mib {number}"]
        clock = found[f"clock {number}"]
        ratio, more = ms / found[f"ms {first}"], mib - found[f"mib {first}"]
        rows.append((math.log10(size), ratio, more))
        line = f"{number:5} {size:14.1e} {clock:8.1f} ms {clock / found[f'clock {first}']:6.3f} "
        line += f"{ms:10.1f} ms {ratio:6.3f} {mib:5.0f} MiB {more:5.1f} MiB"
        print(line)
    hundreds = (rows[-1][0] - rows[0][0]) / 2
    print(f"memory for each factor of 100 in size: {rows[-1][2] * 2**20 / hundreds:,.0f} bytes")
    plot(rows, Path(PLOT.value))


if __name__ == "__main__":
    app.run(main)
