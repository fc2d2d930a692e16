"""How budgets are kept: limits on MACs, weights, memory, latency, and all four together.

`python -m benchmarks.budget [--runs=FOLDER] [--epochs=4] [--seeds=5] ...` from the root of a
checkout. One search a seed derives a child for each of three limits on MACs; one search each has a
limit on weights, on memory, on latency, and on everything. Every search is a run folder under
FOLDER; one that is there is read, not repeated, so an interrupted benchmark goes on (`--only
macs_seed0 ...` names the searches to run) and a second one adds seeds. The searches are short and
have no fair epoch: what is shown is how limits are kept, not how accurate the children are. Ends
with code 1 where a child is above a limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.latency_table import load_latency_table
from fbnetv2_tf.limits import LIMITS
from fbnetv2_tf.space import parse_space
from fbnetv2_tf.units import parse_quantity

from .searching import command, search_missing, searched, table

FILLED = 0.98
"""The share of a limit on MACs that counts as used."""


@dataclass(frozen=True)
class Case:
    """One search: its name, seed and the limits of each child in the resources' own units."""

    name: str
    seed: int
    limits: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class Kept:
    """A limit and what a child costs, in the resource's own unit."""

    case: Case
    resource: str
    limit: float
    cost: float

    @property
    def row(self) -> list[str]:
        """As a line of the table."""
        words = LIMITS[self.resource]
        texts = (words.noun, words.text(self.limit), words.text(self.cost))
        share = f"{100 * self.cost / self.limit:.2f} %"
        return [self.case.name, str(self.case.seed), *texts, share]


def main() -> None:
    """Runs what is not there yet, and prints the table."""
    options = _options()
    latency = options.latency_table or options.runs / "latency.json"
    if not latency.exists():
        command("latency", {"space": options.space, "output": latency}, options.runs / "latency")
    landscape = Landscape(parse_space(options.space), latency=load_latency_table(latency))
    cases = {
        options.runs / f"{case.name}_seed{case.seed}": (case, _flags(case, options, latency))
        for case in _cases(landscape, options)
    }
    search_missing({folder: flags for folder, (_, flags) in cases.items()}, options.only)
    kept = [k for folder, (case, flags) in cases.items() for k in _kept(case, folder, flags)]
    print(table([["search", "seed", "limit on", "limit", "child", "used"], *(k.row for k in kept)]))
    over = sum(k.cost > k.limit for k in kept)
    macs = [k.cost >= FILLED * k.limit for k in kept if k.case.name == "macs"]
    print(
        f"{len(cases)} searches (--epochs={options.epochs}) on {options.dataset}: {over} of "
        f"{len(kept)} limits are exceeded; {sum(macs)} of {len(macs)} children use "
        f"{100 * FILLED:.0f} % of their limit on MACs or more."
    )
    sys.exit(1 if over else 0)


def _kept(case: Case, folder: Path, flags: Mapping[str, Any]) -> Iterator[Kept]:
    """The limits and costs of the children of a search, in the order of their limits."""
    found = searched(folder, flags)
    for limits, child in zip(case.limits, found.get("children", [found]), strict=True):
        for resource, limit in limits.items():
            cost = child["cost"].get(resource)
            if resource == "latency_ns":
                cost = round(child["cost"]["latency_ms"] * LIMITS[resource].scale)
            yield Kept(case, resource, limit, cost)


def _cases(landscape: Landscape, options: argparse.Namespace) -> Iterator[Case]:
    macs = sorted(map(parse_quantity, options.max_macs.split(",")))
    for seed in range(options.seeds):
        yield Case("macs", seed, tuple({"macs": limit} for limit in macs))
    middle = {}
    for resource in LIMITS:
        low, high = landscape.range(resource)
        scale = LIMITS[resource].scale
        middle[resource] = round(low * (high / low) ** 0.5 / scale, 0 if scale == 1 else 4) * scale
    for resource in ("weights", "activation_bytes", "latency_ns"):
        yield Case(resource, 0, ({resource: middle[resource]},))
    yield Case("all_four", 0, (middle,))


def _flags(case: Case, options: argparse.Namespace, latency: Path) -> dict[str, Any]:
    limits = {}
    for resource in case.limits[0]:
        words = LIMITS[resource]
        values = [child[resource] / words.scale for child in case.limits]
        limits[words.argument] = ",".join(f"{v:.{0 if words.scale == 1 else 4}f}" for v in values)
    common = {"space": options.space, "epochs": options.epochs, "seed": case.seed}
    common |= {"candidates": options.candidates, "fair_epochs": 0}
    common |= {"dataset": options.dataset}
    common |= {"batch_size": options.batch_size, "warmup_epochs": 0}
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
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--latency_table", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
