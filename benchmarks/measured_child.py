"""Whether a searched child keeps its limit on latency when it is measured whole.

`python -m benchmarks.measured_child --run=FOLDER --latency_table=FILE` from the root of a checkout
converts the child of a search with `--max_latency_ms`, measures it on this machine among random
networks of the space, and prints what the table says of each and what it takes. The random networks
tell by how much the machine is slower or faster than when the table was measured; at the table's
speed the child must keep its limit within 5 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.latency import honesty, measure_here
from fbnetv2_tf.builders.latency_files import network_file
from fbnetv2_tf.flags.quiet import quiet_start
from fbnetv2_tf.latency_table import NANOSECONDS, load_latency_table
from fbnetv2_tf.space import parse_space

from .searching import DONE, table

TOLERANCE = 0.05
"""By which a measurement may be above the limit."""


def main() -> None:
    """Measures and prints; ends with code 1 where the child is above its limit."""
    options = _options()
    latency = load_latency_table(options.latency_table)
    found = json.loads((options.run / DONE).read_text(encoding="utf-8"))
    limit, child = found["limits"]["latency_ms"], found["architecture"]
    space = parse_space(found["space"])
    others = [str(space.sample(options.seed + number)) for number in range(options.others)]
    files = {text: network_file(text, latency.device["dtype"]) for text in (child, *others)}
    threads = latency.device["threads"]
    with quiet_start():  # the delegate introduces itself on file descriptor 2
        measured = measure_here(files, threads=threads, repeats=options.repeats, seed=options.seed)
    predicted = {text: latency.cost_ns(parse_architecture(text)) / NANOSECONDS for text in files}
    rows = [["network", "table, ms", "measured, ms", "measured / table"]]
    for place, text in enumerate(files):
        name = "child" if text == child else f"random {place}"
        ms, said = measured[text], predicted[text]
        rows.append([name, f"{said:.4f}", f"{ms:.4f}", f"{ms / said:.3f}"])
    print(table(rows))
    print(honesty(list(predicted.values()), [measured[text] for text in files]))
    drift = median(measured[text] / predicted[text] for text in others)
    share = measured[child] / drift / limit
    print(
        f"The child takes {measured[child]:.4f} ms, {100 * measured[child] / limit:.1f} % of its "
        f"limit of {limit:.4f} ms; at the speed the machine had for the table, {100 * share:.1f} %."
    )
    sys.exit(1 if share > 1 + TOLERANCE else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--latency_table", type=Path, required=True)
    parser.add_argument("--others", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--seed", type=int, default=10_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
