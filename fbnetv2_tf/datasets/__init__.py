"""Data sets by name, divided into weights, architecture, validation and test parts."""

from .epochs import counted, endless
from .load import NAMES, load_dataset
from .splits import DataSplits, Split
from .unreadable import image_errors

__all__ = [
    "NAMES",
    "DataSplits",
    "Split",
    "counted",
    "endless",
    "image_errors",
    "load_dataset",
]
