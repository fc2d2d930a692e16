"""What a searched network has to beat: networks of its cost that took no search, or a cheap one.

* random networks of the space within 3 % of the budget, from a fair prior: blocks are skipped with
  probability 0.15 (with one half, random networks are too shallow to be a fair baseline);
* uniform scaling: the space's middle network, all widths times one factor;
* MobileNetV3-Small (Howard et al. 2019, table 2) at the space's side, all widths times one factor.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

import numpy as np

import fbnetv2_tf as fb
from fbnetv2_tf.choices_layout import searched
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.path_search import Window
from fbnetv2_tf.space import SpaceBlock

BAND = 0.97
"""Random networks cost this share of the budget or more."""

SKIPPED = 0.15
"""Probability of a skip in the prior of random networks."""

MOBILENET_V3_SMALL = (
    "in_hw{side}_c{colours} cn_k3_s2_c16_nhs ir_k3_s1_e1_c16_se0.25_nre ir_k3_s2_e4.5_c24_nre "
    "ir_k3_s1_e3.6667_c24_nre ir_k5_s2_e4_c40_se0.25_nhs ir_r2_k5_s1_e6_c40_se0.25_nhs "
    "ir_k5_s1_e3_c48_se0.25_nhs ir_k5_s1_e3_c48_se0.25_nhs ir_k5_s1_e6_c96_se0.25_nhs "
    "ir_r2_k5_s1_e6_c96_se0.25_nhs ip_e6_c1024_nhs fc_c{classes}"
)
"""Two of its five strides are 1 here, so that its last map is 4x4 of 28 or 32, not 1x1."""


def random_networks(
    space: fb.Space, budget: int, number: int, seed: int, band: float = BAND
) -> list[str]:
    """Networks drawn from the prior, given that they cost `band` to 1 of the budget."""
    prior = {
        name: np.array([1 - SKIPPED, SKIPPED])
        for name, alternatives in searched(space).items()
        if name.endswith("kind") and len(alternatives) == 2
    }
    window = Window(int(np.ceil(band * budget)), budget, "macs")
    drawn = Landscape(space).draw(prior, window, number, seed)
    return [str(architecture) for architecture in drawn]


def spread_networks(space: fb.Space, number: int, seed: int) -> list[str]:
    """Networks whose costs are spread evenly, by their logarithm, over most of the space."""
    low, high = Landscape(space).range("macs")
    budgets = np.geomspace(1.6 * low, 0.8 * high, number)
    return [random_networks(space, int(b), 1, seed + n, 0.95)[0] for n, b in enumerate(budgets)]


def uniform_scaling(space: fb.Space, budget: int) -> str:
    """The space's middle network with all its widths scaled to the budget."""
    middle = " ".join(_middle(block) for block in space.blocks)
    return _scaled_to(middle, budget, grain=2)


def scaled_mobilenet(space: fb.Space, budget: int) -> str:
    """MobileNetV3-Small with all its widths scaled to the budget."""
    text = MOBILENET_V3_SMALL.format(
        side=max(space.sides), colours=space.input_channels, classes=space.classes
    )
    return _scaled_to(text, budget, grain=2)


def _middle(block: SpaceBlock) -> str:
    """The block in its middle sizes, present, and with what makes it strong: 5x5, hs, se."""
    sizes = ("channels", "expansion")
    values = {f: getattr(block, f)[len(getattr(block, f)) // 2] for f in sizes if getattr(block, f)}
    strong = ("kernel", "activation", "se")
    values.update({f: getattr(block, f)[-1] for f in strong if getattr(block, f)})
    return str(block.block(block.kind, **values))


def _scaled_to(text: str, budget: int, grain: int) -> str:
    """The text with its widths times the largest factor at which it keeps the budget."""

    def widened(factor: float) -> str:
        blocks = text.split()
        scaled = [
            block if block.startswith(("in_", "fc_")) else _with_width(block, factor, grain)
            for block in blocks
        ]
        return str(fb.parse_architecture(" ".join(scaled)))

    factors = [float(factor) for factor in np.geomspace(0.05, 8.0, 600)]
    kept = bisect_right(factors, budget, key=lambda factor: _macs(widened(factor)))
    if not kept:
        raise ValueError(f"`budget` must be above {_macs(widened(0.05))}. Received: {budget}.")
    return widened(factors[kept - 1])


def _with_width(block: str, factor: float, grain: int) -> str:
    def scaled(found: re.Match[str]) -> str:
        return f"_c{max(grain, grain * round(factor * int(found[1]) / grain))}"

    return re.sub(r"_c(\d+)", scaled, block)


def _macs(text: str) -> int:
    return int(fb.count(fb.parse_architecture(text)).macs)


BASELINES: dict[str, Callable[[fb.Space, int], str]] = {
    "uniform scaling": uniform_scaling,
    "MobileNetV3-Small": scaled_mobilenet,
}
"""Those that need no training to be chosen."""
