"""Draws the pictures of docs/concepts.md: choices, phases, temperature, budget, derivation.

python docs/pictures/concepts.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from fbnetv2_tf import count, parse_space
from fbnetv2_tf.choices_layout import one_hot_rows

ON, WARM, GREEN, OFF, INK, SOFT = "#2f6f9f", "#c2571a", "#2d7d52", "#e3e9ee", "#22303a", "#6b7985"
SPACE = "in_hw28_c1 cn_k3_s2_c8:16:4_nhs ir_k3/5_s2_e1:4:1_c16:32:4_se0/0.25_nhs fc_c10"
LIMIT = 120_000


def choices(axes: Axes) -> None:
    """One block of a space: its alternatives, and the one path that is every one of them."""
    rows = [
        ("kernel", ["3", "5"], [0.3, 0.7]),
        ("expansion", ["1", "2", "3", "4"], [0.1, 0.2, 0.6, 0.1]),
        ("channels", ["16", "20", "24", "28", "32"], [0.05, 0.1, 0.6, 0.2, 0.05]),
        ("squeeze-and-excite", ["0", "0.25"], [0.4, 0.6]),
        ("activation", ["relu", "hswish"], [0.2, 0.8]),
    ]
    for row, (name, values, shares) in enumerate(rows):
        y = len(rows) - row
        axes.text(-0.3, y, name, ha="right", va="center")
        for place, (value, share) in enumerate(zip(values, shares, strict=True)):
            box = (1.15 * place, y - 0.36)
            axes.add_patch(plt.Rectangle(box, 1, 0.72, facecolor=OFF))
            axes.add_patch(plt.Rectangle(box, share, 0.72, facecolor=ON, alpha=0.4))
            axes.text(box[0] + 0.5, y, value, ha="center", va="center", fontsize=8)
    axes.annotate("", (8.2, 3), (6.4, 3), arrowprops={"arrowstyle": "->", "color": SOFT, "lw": 2})
    axes.text(7.3, 3.3, "masks", ha="center", color=SOFT)
    for place, name in enumerate(("1x1", "5x5", "SE", "1x1")):
        x = 8.6 + 1.25 * place
        axes.add_patch(plt.Rectangle((x, 2.2), 0.9, 1.6, facecolor=ON))
        axes.text(x + 0.45, 3, name, ha="center", va="center", color="white")
    axes.text(11, 4.2, "one path, as wide as the widest", ha="center")
    axes.text(11, 1.6, "2 x 4 x 5 x 2 x 2 = 160 blocks", ha="center", color=SOFT)
    axes.set_xlim(-3.4, 13.8)
    axes.set_ylim(0.3, 5.8)


def phases(axes: Axes) -> None:
    """An epoch: the weights learn on 80 % of the images, then the choices on the other 20 %."""
    for epoch in range(4):
        x = 3.3 * epoch
        parts = [(x, 2.4, ON, "weights"), (x + 2.44, 0.6, OFF if epoch == 0 else WARM, "choices")]
        for left, width, colour, name in parts:
            axes.add_patch(plt.Rectangle((left, 1), width, 1, facecolor=colour))
            dark = colour == OFF
            size = 11 if name == "weights" else 8
            word = "wait" if dark else name
            axes.text(
                left + width / 2,
                1.5,
                word,
                ha="center",
                va="center",
                fontsize=size,
                color=INK if dark else "white",
                rotation=0 if name == "weights" else 90,
            )
        axes.text(x + 1.5, 0.6, f"epoch {epoch + 1}" + (" (warm-up)" * (epoch == 0)), ha="center")
    axes.text(0, 2.6, "80 % of the images, SGD: what the network computes", color=ON)
    axes.text(0, 3.2, "20 % of the images, Adam: which network it is", color=WARM)
    axes.set_xlim(-0.2, 13.2)
    axes.set_ylim(0.2, 3.8)


def temperature(axes: Axes) -> None:
    """The weights of one choice in ten samples, at three temperatures."""
    random = np.random.default_rng(3)
    logits = np.log([0.1, 0.2, 0.6, 0.1])
    noise = random.gumbel(size=(10, 4))
    for panel, degree in enumerate((5.0, 1.0, 0.1)):
        scaled = (logits + noise) / degree
        weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        left = 12.5 * panel
        for sample, row in enumerate(weights):
            bottom = 0.0
            for share, colour in zip(row, (OFF, "#a9c4d8", ON, WARM), strict=True):
                axes.add_patch(
                    plt.Rectangle((left + sample, bottom), 0.85, share, facecolor=colour)
                )
                bottom += share
        axes.text(left + 5, 1.08, f"temperature {degree:g}", ha="center")
        axes.text(left + 5, -0.12, "ten samples", ha="center", fontsize=9, color=SOFT)
    axes.set_xlim(-0.5, 35.5)
    axes.set_ylim(-0.2, 1.25)
    axes.set_aspect("auto")


def budget(axes: Axes) -> None:
    """What a cost above or below its limit adds to the loss."""
    costs = np.geomspace(0.3, 3.3, 400)
    axes.axis("on")
    for degree, colour in ((1.0, WARM), (2.0, ON), (5.0, "#a9c4d8")):
        axes.plot(costs, np.abs(np.log(costs)) / degree, color=colour, lw=2)
        place = 3.35, abs(np.log(3.3)) / degree
        axes.text(*place, f"temperature {degree:g}", color=colour, va="center")
    axes.axvline(1, color=SOFT, ls="--", lw=1)
    axes.text(0.97, 1.1, "the budget", ha="right", color=SOFT)
    axes.text(2.15, 0.05, "too dear: pulled down", ha="center", color=INK, fontsize=9)
    axes.text(0.45, 0.05, "unused: pulled up", ha="center", color=INK, fontsize=9)
    axes.set_xscale("log")
    axes.set_xticks([0.33, 0.5, 1, 2, 3])
    axes.set_xticklabels(["1/3", "1/2", "1", "2", "3"])
    axes.minorticks_off()
    axes.set_xlabel("expected cost over the budget")
    axes.set_ylabel("added to the loss")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0.3, 5)


def derivation(axes: Axes) -> None:
    """Every network of a small space by exact cost and probability, and the one that is taken."""
    space = parse_space(SPACE)
    random = np.random.default_rng(1)
    logits: dict[str, np.ndarray] = {}
    points = []
    for network in space.architectures():
        chosen = one_hot_rows(space, network)
        for name, row in chosen.items():
            logits.setdefault(name, random.normal(0, 1.2, len(row)))
        shares = [np.exp(logits[n]) @ row / np.exp(logits[n]).sum() for n, row in chosen.items()]
        points.append((count(network).macs, float(np.prod(shares))))
    macs, mass = np.array(points).T
    kept = macs <= LIMIT
    window = kept & (macs >= 0.99 * LIMIT)
    best = np.flatnonzero(window)[np.argmax(mass[window])]
    axes.axis("on")
    axes.scatter(macs[~kept] / 1e3, mass[~kept], s=10, color=WARM, alpha=0.35, lw=0)
    axes.scatter(macs[kept] / 1e3, mass[kept], s=10, color=ON, alpha=0.5, lw=0)
    axes.axvspan(0.99 * LIMIT / 1e3, LIMIT / 1e3, color=GREEN, alpha=0.25, lw=0)
    axes.scatter(macs[best] / 1e3, mass[best], s=90, facecolor="none", edgecolor=GREEN, lw=2.2)
    axes.annotate(
        "taken: the most probable one\nthat fills the budget",
        (macs[best] / 1e3, mass[best]),
        (0.62, 0.86),
        textcoords="axes fraction",
        color=GREEN,
        arrowprops={"arrowstyle": "-", "color": GREEN},
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )
    axes.text(0.02, 0.94, "keeps the budget", color=ON, transform=axes.transAxes)
    axes.text(0.02, 0.87, "exceeds it", color=WARM, transform=axes.transAxes)
    axes.set_yscale("log")
    axes.set_xlabel("multiply-adds, thousands (exact)")
    axes.set_ylabel("probability")
    axes.spines[["top", "right"]].set_visible(False)


PICTURES: dict[str, tuple[Callable[[Axes], None], tuple[float, float]]] = {
    "choices": (choices, (10, 3.4)),
    "phases": (phases, (10, 2.6)),
    "temperature": (temperature, (10, 2.8)),
    "budget": (budget, (7.5, 3.4)),
    "derivation": (derivation, (7.5, 3.8)),
}


def main() -> None:
    """Draws the pictures."""
    matplotlib.rcParams.update({"font.size": 11, "svg.hashsalt": "fbnetv2_tf", "text.color": INK})
    for name, (draw, size) in PICTURES.items():
        figure, axes = plt.subplots(figsize=size)
        axes.axis("off")
        draw(axes)
        target = Path(__file__).with_name(f"{name}.svg")
        figure.savefig(target, bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
