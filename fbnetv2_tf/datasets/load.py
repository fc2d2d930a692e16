"""Data sets by name."""

from __future__ import annotations

import difflib
from pathlib import Path

from ..errors import DataError
from .arrays import ArrayExamples
from .assignment import PARTS, assign, content_hashes
from .fashion_mnist import CLASS_NAMES, SHIPPED_SHARES, read_shipped
from .splits import DataSplits, Split

NAMES = ("fashion_mnist_10k",)


def load_dataset(
    name: str,
    data_dir: str | Path | None = None,
    *,
    image_side: int | None = None,
    channels: int | None = None,
    seed: int = 0,
) -> DataSplits:
    """Loads a data set and divides it into weights, architecture, validation and test parts."""
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise DataError(f"`name` must be one of {', '.join(NAMES)}. Received: '{name}'.{hint}")
    pixels, labels = read_shipped()
    height, width = (image_side or pixels.shape[1],) * 2
    examples = ArrayExamples(pixels, labels, (height, width, channels or pixels.shape[3]))
    parts = assign(content_hashes(image.data for image in pixels), labels, SHIPPED_SHARES)
    splits = {part: Split(part, examples, parts[part], len(CLASS_NAMES)) for part in PARTS}
    return DataSplits(
        name=name,
        source="in the package",
        class_names=CLASS_NAMES,
        image_shape=examples.image_shape,
        **splits,
    )
