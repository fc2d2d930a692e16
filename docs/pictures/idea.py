"""Draws docs/pictures/idea.svg: from four candidate widths to one path and a mask.

python docs/pictures/idea.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

WIDTHS = (2, 4, 6, 8)
WEIGHTS = np.array([0.1, 0.5, 0.3, 0.1])
ON, OFF, INK = "#2f6f9f", "#e3e9ee", "#22303a"


def bar(axes: Axes, x: float, mask: np.ndarray) -> None:
    """A tensor as a stack of channels, each as dark as its mask is near 1."""
    for channel, value in enumerate(mask):
        colour = tuple(
            (1 - value) * np.array(matplotlib.colors.to_rgb(OFF))
            + value * np.array(matplotlib.colors.to_rgb(ON))
        )
        axes.add_patch(plt.Rectangle((x, channel), 0.8, 0.9, facecolor=colour, edgecolor="white"))


def main() -> None:
    """Draws the picture."""
    masks = (np.arange(8) < np.array(WIDTHS)[:, None]).astype(float)
    matplotlib.rcParams.update({"font.size": 11, "svg.hashsalt": "fbnetv2_tf", "text.color": INK})
    figure, axes = plt.subplots(figsize=(10, 3.4))
    for i, (mask, weight) in enumerate(zip(masks, WEIGHTS, strict=True)):
        bar(axes, 1.5 * i, mask)
        axes.text(1.5 * i + 0.4, -0.9, f"{weight:g} ×", ha="center")
        axes.text(1.5 * i + 0.4, 8.4, f"{WIDTHS[i]} channels", ha="center", fontsize=9)
    axes.text(6.4, 4, "=", fontsize=20, ha="center")
    bar(axes, 7.2, np.ones(8))
    axes.text(7.6, 8.4, "one path", ha="center", fontsize=9)
    axes.text(8.6, 4, "×", fontsize=16, ha="center")
    bar(axes, 9.2, WEIGHTS @ masks)
    axes.text(9.6, 8.4, "the mask", ha="center", fontsize=9)
    for channel, value in enumerate(WEIGHTS @ masks):
        axes.text(10.2, channel + 0.25, f"{value:.1f}", fontsize=9)
    axes.text(2.65, 9.7, "four candidates, padded to the widest", ha="center")
    axes.text(9.0, 9.7, "multiplies the kernel, never the map", ha="center")
    axes.set_xlim(-0.4, 11.2)
    axes.set_ylim(-1.6, 10.6)
    axes.axis("off")
    target = Path(__file__).with_suffix(".svg")
    figure.savefig(target, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
