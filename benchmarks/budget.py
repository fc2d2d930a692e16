"""How budgets are kept: 5 seeds x 3 limits on MACs, then weights, memory, latency, and all four.

`python -m benchmarks.budget [--runs=FOLDER] [--epochs=3] [--seeds=5] ...` from the root of a
checkout. Every search is a run folder under FOLDER; one that is there is read, not repeated, so an
interrupted benchmark goes on (`--most=1` runs one search at a time) and a second one adds seeds.
The searches are short: what is shown is how limits are kept, not how accurate the children are.
Ends with code 1 where a child is over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.latency_table import load_latency_table
from fbnetv2_tf.limits import LIMITS
from fbnetv2_tf.space import parse_space
from fbnetv2_tf.units import parse_quantity

from .searching import command, is_done, search_some, searched, table

FILLED = 0.98
"""The share of a limit on MACs that counts as used."""


@dataclass(frozen=True)
class Case:
    """One search: its name, seed and limits in the resources' own units."""

    name: str
    seed: int
    limits: dict[str, float]


def main() -> None:
    """Runs what is not there yet, and prints the table."""
    options = _options()
    runs: Path = options.runs
    latency = runs / "latency.json"
    if not latency.exists():
        measured = {"space": options.space, "output": latency, "repeats": options.repeats}
        command("latency", {**measured, "check": options.check}, runs / "latency")
    landscape = Landscape(parse_space(options.space), latency=load_latency_table(latency))
    cases = {
        runs / f"{case.name}_seed{case.seed}": (case, _flags(case, options, latency))
        for case in _cases(landscape, options)
    }
    missing = [(folder, flags) for folder, (_, flags) in cases.items() if not is_done(folder)]
    search_some(missing, options.most)
    rows = [["search", "seed", "limit on", "limit", "child", "used"]]
    over, filled, of_macs = 0, 0, 0
    for folder, (case, flags) in cases.items():
        found = searched(folder, flags)
        for resource, limit in case.limits.items():
            name, scale = resource, 1.0
            if resource == "latency_ns":
                name, scale = "latency_ms", 1e-6
            cost = found["cost"][name] / scale
            share, words = cost / limit, LIMITS[resource]
            over += share > 1
            if case.name.startswith("macs"):
                of_macs, filled = of_macs + 1, filled + (share >= FILLED)
            row = [case.name, str(case.seed), words.noun, words.text(limit), words.text(cost)]
            rows.append([*row, f"{100 * share:.2f} %"])
    print(table(rows))
    print(
        f"{len(cases)} searches, epochs each: {options.epochs}. {over} costs are above their "
        f"limits; {filled} of {of_macs} use {100 * FILLED:.0f} % of MACs or more."
    )
    sys.exit(1 if over else 0)


def _cases(landscape: Landscape, options: argparse.Namespace) -> Iterator[Case]:
    for seed in range(options.seeds):
        for text in options.max_macs.split(","):
            yield Case(f"macs_{text}", seed, {"macs": parse_quantity(text)})
    middle = {}
    for resource in LIMITS:
        low, high = landscape.range(resource)
        scale = LIMITS[resource].scale
        middle[resource] = round(low * (high / low) ** 0.5 / scale, 0 if scale == 1 else 6) * scale
    for resource in ("weights", "activation_bytes", "latency_ns"):
        yield Case(resource, 0, {resource: middle[resource]})
    yield Case("all_four", 0, middle)


def _flags(case: Case, options: argparse.Namespace, latency: Path) -> dict[str, Any]:
    limits = {LIMITS[r].argument: f"{v / LIMITS[r].scale:.6f}" for r, v in case.limits.items()}
    for resource in ("macs", "weights"):
        if resource in case.limits:
            limits[LIMITS[resource].argument] = f"{case.limits[resource]:.0f}"
    common = {"space": options.space, "epochs": options.epochs, "seed": case.seed}
    common |= {"candidates": options.candidates, "dataset": options.dataset}
    if "max_latency_ms" in limits:
        common["latency_table"] = latency
    return {**common, **limits}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/budget"))
    parser.add_argument("--space", default="fashion28")
    parser.add_argument("--dataset", default="fashion_mnist_10k")
    parser.add_argument("--max_macs", default="300K,600K,1.2M")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--check", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
