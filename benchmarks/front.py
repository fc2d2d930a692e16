"""One search's children for eight budgets: the table and the picture of `docs/budgets.md`.

`python -m benchmarks.front [--runs=FOLDER] [--epochs=4] [--picture=docs/pictures/front.png]` from
the root of a checkout; resumable as `benchmarks.budget` is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fbnetv2_tf.budget_front import Child, plot_front
from fbnetv2_tf.limits import LIMITS

from .searching import ROOT, searched

TABLE = "budgets.txt"


def main() -> None:
    """Searches where that is not done yet, prints the table and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/front"))
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "pictures" / "front.png")
    parser.add_argument("--space", default="fashion28")
    parser.add_argument("--dataset", default="fashion_mnist_10k")
    parser.add_argument("--budgets", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=4)
    options = parser.parse_args()
    names = ("space", "dataset", "epochs", "seed", "candidates")
    flags = {name: getattr(options, name) for name in names} | {
        "pareto": options.budgets,
        "fair_epochs": 0,
    }
    run = options.runs / f"pareto_{options.budgets}_seed{options.seed}"
    found = searched(run, flags)
    children = [Child(**child) for child in found["children"]]
    plot_front(options.picture, children)
    print((run / TABLE).read_text(encoding="utf-8").rstrip())
    over = [child for child in children if child.cost["macs"] > child.limit]
    print(f"{len(children)} children, {len(over)} above their limit on {LIMITS['macs'].noun}.")
    print(f"The picture is in '{options.picture}'.")


if __name__ == "__main__":
    main()
