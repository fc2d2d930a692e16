"""Which input resolution a search prefers: the larger where cost is free, the smaller where not.

`python -m benchmarks.resolution [--runs=FOLDER] [--epochs=12] [--seeds=3]` from the root of a
checkout; resumable as `benchmarks.budget` is. The images are real ones (Fashion-MNIST).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.space import parse_space

from .searching import searched, table

SPACE = (
    "in_hw14/20/28_c1 cn_k3_s2_c8/12/16_nre ir_k3_s2_e1/2/3_c16/24_nre "
    "ir_k3_s2_e1/2/3_c32/48_nre ip_e3_c96_nhs fc_c10"
)


def main() -> None:
    """Runs what is not there yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/resolution"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--candidates", type=int, default=16)
    options = parser.parse_args()
    low, high = Landscape(parse_space(SPACE)).range("macs")
    budgets = {"free": high, "tight": int(1.5 * low)}
    rows = [["budget", "MACs", "seed", "P(14)", "P(20)", "P(28)", "child's side", "child's MACs"]]
    for name, limit in budgets.items():
        for seed in range(options.seeds):
            flags = {"space": SPACE, "max_macs": limit, "seed": seed, "epochs": options.epochs}
            flags["candidates"] = options.candidates
            found = searched(options.runs / f"{name}_seed{seed}", flags)
            sides = [f"{p:.2f}" for p in found["probabilities"]["b00_side"]]
            side = parse_architecture(found["architecture"]).side
            macs = f"{found['cost']['macs']:,}"
            rows.append([name, f"{limit:,}", str(seed), *sides, str(side), macs])
    print(table(rows))


if __name__ == "__main__":
    main()
