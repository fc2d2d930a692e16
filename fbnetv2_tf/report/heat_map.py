"""The probabilities of a block's choices over the epochs, as heat maps one below the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .drawing import label, picture, tag

WIDTH, ROW, LEFT, RIGHT, GAP = 300, 13, 52, 40, 20
COLUMNS = 48
"""Epochs that are drawn; of a longer search as many, evenly apart, the last one always."""
LEVELS = 24
"""Shades; the cells of a shade are one path, which keeps the file small."""


@dataclass(frozen=True)
class ChoiceHistory:
    """One choice.

    Attributes:
        name: what is chosen, such as `kernel`.
        alternatives: their texts.
        probabilities: (epochs, alternatives).
        chosen: the place of the alternative that the network has; None where it has none.
    """

    name: str
    alternatives: Sequence[str]
    probabilities: Sequence[Sequence[float]]
    chosen: int | None


def heat_maps(title: str, choices: Sequence[ChoiceHistory]) -> Markup:
    """Draws a block's choices; the stronger the likelier, the network's alternative is framed."""
    parts: list[Markup] = []
    y = 0.0
    for choice in choices:
        parts.append(label(0, y + 11, choice.name, class_="name"))
        y += 15
        parts += _map(choice, y)
        y += ROW * len(choice.alternatives) + GAP - 12
    ends = "; ".join(_said(choice) for choice in choices)
    return picture(
        WIDTH, y, f"Probabilities of {title} over the epochs. At the end: {ends}.", parts
    )


def columns(epochs: int) -> list[int]:
    """The epochs that are drawn, counted from 0.

    Example:
        >>> columns(3), len(columns(500)), columns(500)[-1]
        ([0, 1, 2], 48, 499)
    """
    if epochs <= COLUMNS:
        return list(range(epochs))
    return [round(place * (epochs - 1) / (COLUMNS - 1)) for place in range(COLUMNS)]


def _map(choice: ChoiceHistory, top: float) -> list[Markup]:
    drawn = [choice.probabilities[epoch] for epoch in columns(len(choice.probabilities))]
    width = (WIDTH - LEFT - RIGHT) / len(drawn)
    shades: dict[int, list[str]] = defaultdict(list)
    for column, row in enumerate(drawn):
        for place, probability in enumerate(row):
            level = round(probability * LEVELS)
            if level:
                y = top + place * ROW
                # Neighbours name the same edge, so no seam opens between them.
                left, right = (f"{LEFT + c * width:.1f}" for c in (column, column + 1))
                shades[level].append(f"M{left} {y:.0f}H{right}v{ROW - 1}H{left}z")
    parts = [
        tag(
            "rect",
            x=LEFT,
            y=top,
            width=WIDTH - LEFT - RIGHT,
            height=len(choice.alternatives) * ROW - 1,
            class_="empty",
        ),
        *(
            tag("path", d="".join(cells), class_="heat", fill_opacity=level / LEVELS)
            for level, cells in sorted(shades.items())
        ),
    ]
    for place, text in enumerate(choice.alternatives):
        is_chosen = place == choice.chosen
        y = top + place * ROW + 10
        class_ = "tick chosen" if is_chosen else "tick"
        parts.append(label(LEFT - 6, y, text, "end", class_))
        share = f"{100 * drawn[-1][place]:.0f} %"
        parts.append(label(WIDTH, y, share, "end", class_))
    if choice.chosen is not None:
        y = top + choice.chosen * ROW - 0.5
        size = {"width": WIDTH - LEFT - RIGHT, "height": ROW}
        parts.append(tag("rect", x=LEFT, y=y, **size, class_="frame"))
    return parts


def _said(choice: ChoiceHistory) -> str:
    last = choice.probabilities[-1]
    shares = ", ".join(
        f"{text} {100 * p:.0f} %" for text, p in zip(choice.alternatives, last, strict=True)
    )
    return f"{choice.name}: {shares}"
