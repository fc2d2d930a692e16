"""The forms of search.json, train.json and export.json, as far as a report reads them."""

from __future__ import annotations

from typing import Any

from ..choices_layout import searched
from ..json_forms import (
    Form,
    anything,
    each,
    file_name,
    mapping,
    number,
    optional,
    record,
    refuse,
    text,
)
from ..limits import LIMITS
from ..space import Space

_SHARE, _COUNT = number(0, 1), number(0, 1e15)
_MEASURED = record({"accuracy": _SHARE}, {"loss": number()})
_SCORE = record({"loss": number(), "accuracy": _SHARE})
_SHARES = mapping(each(_SHARE))
_RESOURCES = (*LIMITS, "latency_ms")
_LIMITS = mapping(number(1e-9, 1e15), _RESOURCES)
_DATASET = record({}, {"name": optional(text), "data_dir": optional(text)})

SEARCH_FORM: Form = record(
    {
        "space": text,
        "options": record({}, {"settings": mapping(anything), "running": mapping(anything)}),
        "probabilities": _SHARES,
        "history": each(
            record({}, {"probabilities": _SHARES, "alarms": each(text)}, rest=number())
        ),
        "versions": mapping(text),
    },
    {
        "architecture": text,
        "limits": _LIMITS,
        "held": _LIMITS,
        "candidates": each(
            record(
                {"architecture": text, "loss": number(), "accuracy": _SHARE},
                {"macs": _COUNT, "weights": _COUNT, "trained": optional(_SCORE)},
            )
        ),
        "children": each(
            record(
                {
                    "limit": number(1e-9, 1e15),
                    "architecture": text,
                    "cost": record({"macs": _COUNT, "weights": _COUNT}, rest=_COUNT),
                    "loss": number(),
                    "accuracy": _SHARE,
                    "folder": file_name,
                }
            )
        ),
        "images": mapping(_COUNT),
        "machine": text,
        "seconds": optional(_COUNT),
        "dataset": _DATASET,
    },
)

_TRAINED = {
    "architecture": text,
    "history": each(mapping(number())),
    "validation": _MEASURED,
    "test": _MEASURED,
    "images": record(dict.fromkeys(("train", "validation", "test"), _COUNT)),
}
_TOLD = {
    "training": record({}, {"recipe": mapping(anything)}),
    "seconds": _COUNT,
    "versions": mapping(text),
    "dataset": _DATASET,
}


def train_form(value: Any, file: str, place: str = "") -> None:
    """The form of train.json: all of a training, or what is known of a network without one."""
    is_trained = isinstance(value, dict) and "history" in value
    form = record(_TRAINED, _TOLD) if is_trained else record({}, {**_TRAINED, **_TOLD})
    form(value, file, place)


EXPORT_FORM: Form = mapping(
    record(
        {"quantization": text, "size_bytes": _COUNT},
        {"agreement": record({"same_class": _SHARE}, {"tflite_accuracy": optional(_SHARE)})},
    )
)


def require_fit(found: dict[str, Any], space: Space, file: str) -> None:
    """Refuses what does not fit the space: probabilities of other choices, other candidates.

    Raises:
        RunError: where a choice is missing, or has another number of alternatives, or a candidate
            another number of blocks.
    """
    for index, candidate in enumerate(found.get("candidates", ())):
        blocks = candidate["architecture"]
        if len(blocks.split()) != len(space.blocks):
            expected = f"of {len(space.blocks)} blocks"
            raise refuse(blocks, file, f"candidates[{index}].architecture", expected)
    epochs = [entry["probabilities"] for entry in found["history"] if "probabilities" in entry]
    for shares in (found["probabilities"], *epochs):
        for name, alternatives in searched(space).items():
            if len(shares.get(name, ())) != len(alternatives):
                expected = f"{len(alternatives)} shares, one for each alternative of the space"
                raise refuse(shares.get(name), file, f"probabilities.{name}", expected)
