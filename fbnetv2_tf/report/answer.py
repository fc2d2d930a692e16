"""The answer: the figures that one looks for first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..limits import LIMITS
from ..run_folder import CHILD
from ..units import KIB, format_quantity
from .record import RunRecord


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: what it is.
        value: as text.
        detail: a line below, or "".
        share: of a limit that is used, 0 to 1; None where there is no limit.
    """

    name: str
    value: str
    detail: str = ""
    share: float | None = None


@dataclass(frozen=True)
class ModelFile:
    """One file of the trained network.

    Attributes:
        name, form, size, accuracy, same_class: as text, "" where it is not known.
    """

    name: str
    form: str
    size: str
    accuracy: str
    same_class: str


def per_cent(share: float, decimals: int = 1) -> str:
    r"""A share as text that does not break.

    Example:
        >>> per_cent(0.8745, 2)
        '87.45\xa0%'
    """
    return f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """A time as text.

    Example:
        >>> duration(42), duration(301), duration(7400)
        ('42 seconds', '5 minutes', '2.1 hours')
    """
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def figures(record: RunRecord) -> list[Figure]:
    """The figures of a run with one network, limits and accuracy first."""
    return [*_accuracies(record), *_costs(record)]


def accuracy(record: RunRecord) -> float | None:
    """On the test images where it was trained, else of the inherited weights on validation."""
    if record.training is not None:
        return record.training.accuracy["test"]
    if record.search is not None and record.search.candidates:
        return float(record.search.candidates[0]["accuracy"])
    return None


def model_files(record: RunRecord) -> list[ModelFile]:
    """The files that hold the network."""
    found = []
    size = record.size(CHILD)
    if size is not None and record.training is not None:
        right = per_cent(record.training.accuracy["test"], 2)
        found.append(
            ModelFile(CHILD, "Keras, float32", format_quantity(size / 1024, KIB), right, "")
        )
    for name, entry in record.exports.items():
        agreement = entry.get("agreement", {})
        right = agreement.get("tflite_accuracy")
        form = {"none": "float32"}.get(entry["quantization"], entry["quantization"])
        found.append(
            ModelFile(
                name=name,
                form=f"LiteRT, {form}",
                size=format_quantity(entry["size_bytes"] / 1024, KIB),
                accuracy="" if right is None else per_cent(right, 2),
                same_class=per_cent(agreement["same_class"], 2) if agreement else "",
            )
        )
    return found


def lead(record: RunRecord) -> str:
    """One or two sentences that say what was found."""
    said = []
    if record.cost is not None and "macs" in record.limits:
        limit = record.limits["macs"]
        said.append(
            f"{format_quantity(record.cost.macs)} multiply-adds of at most "
            f"{format_quantity(limit)}: {per_cent(record.cost.macs / limit)} of the budget is used."
        )
    if record.training is not None:
        images = record.training.images["test"]
        right = per_cent(record.training.accuracy["test"], 2)
        said.append(f"Trained, it gets {right} of {images:,} test images right.")
    elif record.search is not None and record.search.candidates:
        right = per_cent(record.search.candidates[0]["accuracy"])
        said.append(
            f"With the weights that the search left it gets {right} of the validation images "
            "right; it is not trained yet."
        )
    return " ".join(said)


def _accuracies(record: RunRecord) -> Iterator[Figure]:
    trained = record.training
    if trained is not None:
        test, validation = trained.accuracy["test"], trained.accuracy["validation"]
        detail = f"of {trained.images['test']:,} images; validation {per_cent(validation)}"
        yield Figure("test accuracy", per_cent(test, 2), detail)
    elif record.search is not None and record.search.candidates:
        value = per_cent(record.search.candidates[0]["accuracy"])
        yield Figure("validation accuracy", value, "with inherited weights, not trained")
    small = [f for f in model_files(record) if f.name.endswith(".tflite") and f.accuracy]
    if small:
        least = small[-1]
        yield Figure(f"{least.form} file", least.size, f"{least.accuracy} right")


def _costs(record: RunRecord) -> Iterator[Figure]:
    cost, limits = record.cost, record.limits
    if cost is None:
        return
    values = {
        "macs": ("multiply-adds", cost.macs, format_quantity(cost.macs)),
        "weights": ("weights", cost.weights, format_quantity(cost.weights)),
        "activation_bytes": (
            "peak activations, int8",
            cost.activation_bytes,
            format_quantity(cost.activation_bytes / 1024, KIB),
        ),
    }
    for resource, (name, value, text) in values.items():
        if resource in limits:
            share = value / limits[resource]
            of = f"{per_cent(share)} of {LIMITS[resource].text(limits[resource])}"
            yield Figure(name, text, of, share)
        else:
            yield Figure(name, text)
    for resource in (r for r in limits if r not in values):
        yield Figure(LIMITS[resource].noun, f"at most {LIMITS[resource].text(limits[resource])}")
