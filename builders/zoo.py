"""The zoo: published networks by name, as text with their published figures and sources.

No Keras here. The figures that the text itself gives are in the entries too, so that a test can
hold both against `count`.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.errors import ArchitectureError

ZOO_FILE = Path(__file__).parent / "zoo.json"


@dataclass(frozen=True)
class Published:
    """What the authors of a network printed about it.

    Attributes:
        params_m: "params", millions: weights of convolutions and classifier.
        flops_m: "flops", millions: their multiply-adds and the input elements of every pool.
        top1, top5: ImageNet accuracy, per cent.
        resize: the shorter side of an image before the central crop, pixels; None if not printed.
        crop: side of the central crop, pixels.
    """

    params_m: float
    flops_m: float
    top1: float
    top5: float
    resize: int | None
    crop: int


@dataclass(frozen=True)
class ZooEntry:
    """One network of the zoo.

    Attributes:
        name: its name, lower case.
        architecture: the network.
        published: the authors' figures; None where none were printed.
        macs, weights, pooled_elements: what `fb.count` must give.
        source: where text and figures are from.
        note: what to know before comparing with the published figures, or "".
    """

    name: str
    architecture: Architecture
    published: Published | None
    macs: int
    weights: int
    pooled_elements: int
    source: str
    note: str = ""


class Zoo(Mapping[str, ZooEntry]):
    """The networks by name; case does not matter, and a near miss is suggested.

    Example:
        >>> zoo["FBNetV2_F1"].published.top1
        68.278
    """

    def __getitem__(self, name: str) -> ZooEntry:
        if not isinstance(name, str) or name.strip().lower() not in self._rows:
            raise UnknownNetworkError(self.refusal(name))
        return _entry(name.strip().lower(), self._rows[name.strip().lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.strip().lower() in self._rows

    def refusal(self, name: object) -> str:
        """The sentence that says that there is no such network, with the nearest names."""
        near = difflib.get_close_matches(str(name).strip().lower(), list(self), n=2, cutoff=0.6)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        return f"The zoo has {', '.join(self)}. Received: {str(name)[:80]!r}.{hint}"

    @functools.cached_property
    def _rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = json.loads(ZOO_FILE.read_text(encoding="utf-8"))
        return rows


class UnknownNetworkError(ArchitectureError, KeyError):
    """A name that is not in the zoo; a `KeyError` too, as a mapping's must be."""

    __str__ = ValueError.__str__  # KeyError would print the sentence in quotes


@functools.cache
def _parsed(text: str) -> Architecture:
    return parse_architecture(text)


def _entry(name: str, row: dict[str, Any]) -> ZooEntry:
    published = row["published"]
    return ZooEntry(
        name=name,
        architecture=_parsed(row["architecture"]),
        published=Published(**published) if published else None,
        macs=row["macs"],
        weights=row["weights"],
        pooled_elements=row["pooled_elements"],
        source=row["source"],
        note=row.get("note", ""),
    )


zoo = Zoo()
"""The published networks: `zoo["fbnetv2_f1"].architecture`."""
