"""The definition of the size task: a space of 2,592 networks, and which of them are trained."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

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
