"""How a search and a training went, as charts over their epochs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..limits import LIMITS
from .line_chart import Line, line_chart
from .record import Search, Training


@dataclass(frozen=True)
class Chart:
    """A chart with a heading and a sentence on how to read it."""

    title: str
    note: str
    picture: Markup


def search_charts(search: Search) -> list[Chart]:
    """The charts of a search: costs against the budget, losses, accuracy, entropy, temperature."""
    return list(_search_charts(search))


def training_charts(training: Training) -> list[Chart]:
    """The charts of a training: loss and accuracy."""
    history = training.history
    if not history:
        return []
    losses = [Line("training", _of(history, "loss")), Line("validation", _of(history, "val_loss"))]
    rights = [
        Line("training", _of(history, "accuracy")),
        Line("validation", _of(history, "val_accuracy")),
    ]
    return [
        Chart(
            "Accuracy",
            "Training images are augmented, and measured while the weights still move.",
            line_chart("Accuracy of the training", _present(rights), _share),
        ),
        Chart(
            "Loss",
            "Cross-entropy, nats.",
            line_chart("Loss of the training", _present(losses), _number),
        ),
    ]


def _search_charts(search: Search) -> Iterator[Chart]:
    history = search.history
    if not history:
        return
    for resource, limit in _priced(search).items():
        words = LIMITS[resource]
        line = Line("expected", _searched(history, f"expected_{resource}"))
        if line.known:
            yield Chart(
                f"Expected {words.noun}",
                "The exact expectation over all networks of the space; the search draws it to the "
                "budget, and the network that is taken keeps the budget in any case."
                if limit
                else "The exact expectation over all networks of the space.",
                line_chart(f"Expected {words.noun}", [line], words.text, limit),
            )
    losses = _losses(history)
    added = "; what the budget adds to those" if losses[2:] else ""
    note = f"Of the weights on their images, and of the choices on theirs{added}."
    yield Chart("Loss", note, line_chart("Losses of the search", _present(losses), _number))
    entropy = Line("entropy", _searched(history, "entropy"))
    if entropy.known:
        note = "Mean over the choices: 1 is undecided, 0 decided."
        picture = line_chart("Entropy of the choices", [entropy], _number, low=0.0)
        yield Chart("Entropy", note, picture)
        line = Line("temperature", _searched(history, "temperature"))
        note = "Of the sampling: at high ones all alternatives take part, at low ones mostly one."
        yield Chart("Temperature", note, line_chart("Temperature", [line], _number, low=0.0))
    right = Line("accuracy", _of(history, "accuracy"))
    if right.known:
        note = "Of the sampled networks on the images that train the weights."
        yield Chart("Accuracy", note, line_chart("Accuracy of the search", [right], _share))


def _priced(search: Search) -> dict[str, float | None]:
    """Resource -> the limit that the search held, or None where it only priced it."""
    priced: dict[str, float | None] = dict(search.held)
    return priced or {r: None for r in LIMITS if f"expected_{r}" in search.history[-1]}


def _losses(history: Sequence[Mapping[str, Any]]) -> list[Line]:
    task = _searched(history, "architecture_loss")
    whole = _searched(history, "objective")
    added = [None if a is None or b is None else b - a for a, b in zip(task, whole, strict=True)]
    lines = [Line("weights", _of(history, "loss")), Line("choices", task)]
    # The paper's objective is a product, so nothing was added to the loss.
    is_sum = all(value is None or value >= -1e-6 for value in added)
    return [*lines, Line("budget", added)] if is_sum else lines


def _of(history: Sequence[Mapping[str, Any]], name: str) -> list[float | None]:
    return [epoch.get(name) for epoch in history]


def _searched(history: Sequence[Mapping[str, Any]], name: str) -> list[float | None]:
    """A metric of the architecture phase; None while only the weights learned."""
    return [epoch.get(name) if epoch.get("temperature") else None for epoch in history]


def _present(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.known]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
