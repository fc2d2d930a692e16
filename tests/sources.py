"""The files of the package in a checkout, by the names under which they are imported."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent

INSTALLED_NAMES = {
    "fbnetv2_tf": "fbnetv2_tf",
    "builders": "fbnetv2_tf.builders",
    "flags": "fbnetv2_tf.flags",
}
"""Top-level folder -> its installed name, from the lowest to the highest."""


def module_of(path: Path) -> str:
    """The name under which a file is imported."""
    folder, *parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([INSTALLED_NAMES[folder], *parts]).removesuffix(".__init__")


SOURCES = {
    module_of(path): path
    for folder in INSTALLED_NAMES
    for path in sorted((ROOT / folder).rglob("*.py"))
}
"""Module -> file."""
