"""What a latency table of int8 files says of relu and hard-swish, and what whole networks take.

`python -m benchmarks.activations [--runs=FOLDER]` from the root of a checkout. A search by latency
knows what its table says. So a small space is measured by the command a user types, once in float32
and once in int8, and two networks of it, relu throughout and hard-swish throughout, are asked of
each table and measured whole. Tables that are there are not measured again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.latency import measure_here
from fbnetv2_tf.builders.latency_files import network_file
from fbnetv2_tf.flags.quiet import quiet_start
from fbnetv2_tf.latency_table import NANOSECONDS, load_latency_table

from .searching import command, table

NETWORK = (
    "in_hw28_c1 cn_k3_s2_c16_nre ir_r2_k3_s1_e3_c24_n{n} ir_r2_k5_s2_e3_c40_n{n} "
    "ir_r2_k3_s2_e3_c64_n{n} fc_c10"
)
SPACE = NETWORK.format(n="re/hs")
DTYPES = ("float32", "int8")


def rows_of(dtype: str, folder: Path) -> list[list[str]]:
    """The two networks by the table of a number type, and measured."""
    path = folder / f"{dtype}.json"
    if not path.exists():
        command("latency", {"space": SPACE, "dtype": dtype, "output": path}, folder / dtype)
    latency = load_latency_table(path)
    texts = {word: str(parse_architecture(NETWORK.format(n=word))) for word in ("re", "hs")}
    with quiet_start():  # the converter and the delegate narrate to file descriptor 2
        measured = measure_here({word: network_file(text, dtype) for word, text in texts.items()})
    said = {
        word: latency.cost_ns(parse_architecture(text)) / NANOSECONDS
        for word, text in texts.items()
    }
    return [
        [dtype, by, *(f"{ms[word]:.4f}" for word in ("re", "hs")), f"{ms['hs'] / ms['re']:.2f}"]
        for by, ms in (("table", said), ("measured whole", measured))
    ]


def main() -> None:
    """Measures what is not measured yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/activations"))
    options = parser.parse_args()
    rows = [["files", "by", "relu, ms", "hard-swish, ms", "hard-swish / relu"]]
    for dtype in DTYPES:
        rows += rows_of(dtype, options.runs)
    print(table(rows))


if __name__ == "__main__":
    main()
