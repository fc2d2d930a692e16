"""Which input resolution a search prefers: the larger where cost is free, the smaller where not.

`python -m benchmarks.resolution [--runs=FOLDER] [--epochs=16] [--seeds=3]` from the root of a
checkout; resumable as `benchmarks.budget` is. The images are real ones (Fashion-MNIST). The free
limit binds no network, so nothing but the loss moves the resolution; under the tight one only
networks of the smallest fit. Beside the searches stands what the largest network of each
resolution reaches when it is trained alone. Ends with code 1 where a search prefers another.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.run_folder import TRAIN
from fbnetv2_tf.space import parse_space

from .searching import command, search_missing, searched, table

SPACE = "in_hw14/20/28_c1 cn_k3_s2_c8/16_nre ir_k3_s2_e1/3_c16/32_nre ir_k3_s2_e3_c32/64_nre fc_c10"
TIGHT = 1.5
"""The tight limit over the least cost of the space."""


def main() -> None:
    """Runs what is not there yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/resolution"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--alone_epochs", type=int, default=15)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=())
    options = parser.parse_args()
    low, high = Landscape(parse_space(SPACE)).range("macs")
    cases = {
        (name, limit, seed): (
            options.runs / f"{name}_seed{seed}",
            {"space": SPACE, "max_macs": limit, "seed": seed}
            | {"epochs": options.epochs, "candidates": options.candidates}
            | {"fair_epochs": 0},
        )
        for name, limit in {"free": high, "tight": int(TIGHT * low)}.items()
        for seed in range(options.seeds)
    }
    search_missing(dict(cases.values()), options.only)
    print(table([["alone at", "MACs", "validation loss", "accuracy"], *_alone(options)]), "\n")
    sides = parse_space(SPACE).sides
    rows = [["limit", "MACs", "seed", *(f"P({side})" for side in sides), "child", "its MACs"]]
    expected = {"free": max(sides), "tight": min(sides)}
    right = 0
    for (name, limit, seed), (folder, flags) in cases.items():
        found = searched(folder, flags)
        likely = found["probabilities"]["b00_side"]
        side = parse_architecture(found["architecture"]).side
        right += expected[name] == side == sides[likely.index(max(likely))]
        shares, macs = [f"{p:.2f}" for p in likely], found["cost"]["macs"]
        rows.append([name, f"{limit:,}", str(seed), *shares, f"{side} pixels", f"{macs:,}"])
    print(table(rows))
    print(
        f"{len(cases)} searches (--epochs={options.epochs}) on fashion_mnist_10k: {right} prefer "
        f"{expected['free']} pixels where cost is free and {expected['tight']} where it is tight."
    )
    sys.exit(0 if right == len(cases) else 1)


def _alone(options: argparse.Namespace) -> Iterator[list[str]]:
    """The largest network of each resolution, trained alone: a row of the table each."""
    for side in parse_space(SPACE).sides:
        at_side = parse_space(SPACE.replace("14/20/28", str(side)))
        folder = options.runs / f"alone_{side}"
        if not (folder / TRAIN).exists():
            epochs = options.alone_epochs
            flags = {"architecture": at_side.largest, "output": folder, "epochs": epochs}
            command("train", {**flags, "dataset": "fashion_mnist_10k"}, folder)
        found = json.loads((folder / TRAIN).read_text(encoding="utf-8"))
        loss, accuracy = found["validation"]["loss"], found["validation"]["accuracy"]
        macs = f"{found['cost']['macs']:,}"
        yield [f"{side} pixels", macs, f"{loss:.3f}", f"{100 * accuracy:.1f} %"]


if __name__ == "__main__":
    main()
