"""What can go wrong with a search while its loss looks well: sentences for the log.

A search has collapsed when its choices have decided before they could learn, or have all decided
for the same thing: every block skipped (a network that does nothing), every width the largest (a
budget that does not hold) or the smallest (a budget that holds nothing else).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .choices_layout import searched
from .space import Space

DECIDED = 0.9
"""The probability from which on a choice counts as decided."""

EARLY, LOW_ENTROPY = 0.5, 0.1
"""A mean entropy below the second, in the first part of a search, is a collapse."""

UNDECIDED = 0.95
"""A mean entropy above it at the end of a search says that it has learned next to nothing."""

WIDTHS = ("channels", "expansion")
"""The fields of choices whose alternatives are widths."""


def search_alarms(
    space: Space, probabilities: Mapping[str, Sequence[float]], share_done: float
) -> list[str]:
    """What is wrong with the choices of a search; mostly nothing.

    Args:
        space: what is searched.
        probabilities: choice name -> probabilities (alternatives,).
        share_done: of the architecture's steps, in [0, 1].

    Returns:
        Sentences, empty where all is well.

    Example:
        >>> from fbnetv2_tf.space import parse_space
        >>> space = parse_space("in_hw8_c1 cn_k3_s2_c8/16_nre ir/sk_k3_s1_e1_c16_nre fc_c2")
        >>> p = {"b01_channels": [0.5, 0.5], "b02_kind": [0.02, 0.98]}
        >>> search_alarms(space, p, share_done=0.3)[0].split(":")[0]
        'Every block that may be skipped is skipped'
    """
    alternatives = searched(space)
    chosen = {name: int(np.argmax(p)) for name, p in probabilities.items()}
    sure = {name for name, p in probabilities.items() if max(p) >= DECIDED}
    kinds = [n for n in probabilities if n.endswith("_kind") and "sk" in alternatives[n]]
    widths = [n for n in probabilities if n.endswith(tuple(f"_{field}" for field in WIDTHS))]
    alarms = []
    if kinds and all(n in sure and alternatives[n][chosen[n]] == "sk" for n in kinds):
        alarms.append(
            "Every block that may be skipped is skipped: the budget may be too tight, or the "
            "architecture's learning rate too high."
        )
    for word, pick, cause in (
        ("widest", max, "the budget may not bind, or its penalty be too weak"),
        ("narrowest", min, "the budget may be too tight"),
    ):
        if widths and all(_is_at(pick, alternatives[n], chosen[n], n in sure) for n in widths):
            alarms.append(f"Every width is the {word}: {cause}.")
    entropy = float(np.mean([_entropy(p) for p in probabilities.values()] or [0.0]))
    if share_done >= 1 and entropy > UNDECIDED:
        alarms.append(
            f"The choices are still undecided (entropy {entropy:.2f}, 1 is a draw by lot): the "
            "architecture had too few steps; give more --epochs, a smaller --batch_size, or more "
            "images."
        )
    if probabilities and share_done < EARLY and entropy < LOW_ENTROPY:
        alarms.append(
            f"The choices have decided early (entropy {entropy:.2f} after "
            f"{100 * share_done:.0f} % of the search): try a higher --temperature or a smaller "
            "--architecture_learning_rate."
        )
    return alarms


def _is_at(pick: object, values: Sequence[object], chosen: int, is_sure: bool) -> bool:
    return is_sure and values[chosen] == pick(values)  # type: ignore[operator]


def _entropy(probabilities: Sequence[float]) -> float:
    """`H(p) / log(alternatives)`: 1 undecided, 0 decided."""
    p = np.asarray(probabilities, np.float64)
    terms = p * np.log(np.where(p > 0, p, 1.0))
    return float(-terms.sum() / np.log(len(p)))
