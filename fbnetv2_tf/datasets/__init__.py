"""Data sets by name, divided into weights, architecture, validation and test parts."""

from .load import load_dataset
from .splits import DataSplits, Split

__all__ = ["DataSplits", "Split", "load_dataset"]
