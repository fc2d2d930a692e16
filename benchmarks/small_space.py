"""A size task that others can repeat: 2,592 networks, of which a stratified sample is trained.

    python -m benchmarks.small_space --sample=216 --list=sample.txt
    python -m benchmarks.judge --networks=sample.txt

The space is so small that the best accuracy within a budget is known up to noise, and a search has
a regret: what that accuracy is above the one of the network it found. `SPACE` is the whole
definition; data and recipe are the judge's.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from absl import app, flags

import fbnetv2_tf as fb
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.path_search import Window

SPACE = """
in_hw28_c1
cn_k3_s2_c8/16_nhs
ir_k3_s2_e1/2/4_c16/24/32_se0.25_nre
ir/sk_k3_s1_e1/2/4_c24_nre
ir_k5_s2_e1/2/4_c32/48/64_se0.25_nhs
ir/sk_k5_s1_e1/2/4_c48_se0.25_nhs
ip_e3_c128_nhs
fc_c10
"""
BUDGETS = (400_000, 800_000)
"""Multiply-adds; the space reaches from 227 to 1,746 thousand."""

SAMPLE = flags.DEFINE_integer("sample", 216, "Networks to train.")
LIST = flags.DEFINE_string("list", None, "The file to write them to, a line each.")


def sample(number: int, seed: int = 0) -> list[str]:
    """Different networks of the space, equally many from each of eight equal ranges of log cost."""
    space = fb.parse_space(SPACE)
    low, high = Landscape(space).range("macs")
    edges = np.geomspace(low, high + 1, 9)
    found: dict[str, None] = {}
    for stratum, (lower, upper) in enumerate(pairwise(edges)):
        window = Window(int(np.ceil(lower)), int(np.ceil(upper)) - 1, "macs")
        drawn = Landscape(space).draw({}, window, number // 8, seed + stratum)
        found.update(dict.fromkeys(map(str, drawn)))
    return list(found)


def main(_: list[str]) -> None:
    """Writes the sample."""
    networks = sample(SAMPLE.value)
    Path(LIST.value).write_text("".join(f"{network}\n" for network in networks), encoding="utf-8")
    print(f"{len(networks)} networks of {fb.parse_space(SPACE).size}")


if __name__ == "__main__":
    flags.mark_flag_as_required("list")
    app.run(main)
