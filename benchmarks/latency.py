"""Latency of whole networks: our export against the stock converter, one run each.

`python -m benchmarks.latency [--networks=a,b] [--runs=FOLDER] [--prepare]` from the root of a
checkout. Of every network of the zoo at its own side and of Keras's own MobileNetV3 at 224 pixels,
the files of `benchmarks.phone_files`; `--prepare` makes those and measures nothing. All files of a
network are measured in turn, so that a drift of the machine meets all of them; one thread. What was
measured stays in FOLDER/latency.json. Ends with code 1 where int8 of MobileNetV3-Small takes more
than its share of the stock converter's int8, or of our float32.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from fbnetv2_tf.atomic_files import write_text
from fbnetv2_tf.builders.latency import samples_here, this_device
from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.flags.quiet import quiet_start

from .phone_files import NETWORKS, files
from .searching import table

BARS = {"stock int8": 0.35, "ours float32": 0.7}
"""The shares of a file's time that our int8 file of `JUDGED` may take."""

JUDGED = "keras_mobilenet_v3_small"


def measured(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """The files of one network, in turn."""
    found = files(name, folder)
    with quiet_start():  # the delegate introduces itself on file descriptor 2
        samples = samples_here(found, repeats=repeats, warmup=3)
        pieces = {form: LiteModel(content).pieces for form, content in found.items()}
    return {
        "ms": {form: median(values) for form, values in samples.items()},
        "lowest_ms": {form: min(values) for form, values in samples.items()},
        "pieces": pieces,
        "kib": {form: round(len(content) / 1024) for form, content in found.items()},
        "macs": read_graph(found["ours int8"]).macs,
    }


def share(found: dict[str, Any], of: str) -> float:
    """The share of another file's time that our int8 file takes."""
    return float(found["ms"]["ours int8"] / found["ms"][of])


def row(name: str, found: dict[str, Any]) -> list[str]:
    """One line of the table."""
    ms, pieces = found["ms"], found["pieces"]
    return [
        name,
        f"{found['macs'] / 1e6:.1f}",
        *(f"{ms[form]:.2f}" for form in ("ours float32", "stock float32", "ours weights")),
        *(f"{ms[form]:.2f} ({pieces[form]})" for form in ("ours int8", "stock int8")),
        *(f"{share(found, form):.2f}" for form in BARS),
    ]


HEADS = ["network", "M MACs", "float32", "stock float32", "weights", "int8 (pieces)"]
HEADS += ["stock int8 (pieces)", "int8/stock int8", "int8/float32"]


def main() -> None:
    """Measures what is not measured yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--runs", type=Path, default=Path("runs/phone_files"))
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--prepare", action="store_true")
    options = parser.parse_args()
    names = options.networks.split(",")
    if options.prepare:
        for name in names:
            print(f"{name}: {len(files(name, options.runs))} files", flush=True)
        return
    path = options.runs / "latency.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in [each for each in names if each not in results]:
        results[name] = measured(name, options.runs, options.repeats)
        write_text(path, json.dumps(results, indent=1) + "\n")
    print(f"{this_device(1, '')['device']}, one thread, medians of {options.repeats} in ms")
    print(table([HEADS, *(row(name, results[name]) for name in names)]))
    shares = {form: share(results[JUDGED], form) for form in BARS} if JUDGED in results else {}
    for form, found in shares.items():
        print(f"{JUDGED}: int8 takes {found:.2f} of {form} (at most {BARS[form]})")
    sys.exit(0 if all(found <= BARS[form] for form, found in shares.items()) else 1)


if __name__ == "__main__":
    main()
