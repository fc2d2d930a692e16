"""The version of the package, read by `setup.py` without importing anything."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
