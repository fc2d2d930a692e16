"""A hook of MkDocs: each command's help where docs/reference/commands.md asks for it."""

from __future__ import annotations

import importlib
from typing import Any

MARK = "<!-- commands -->"
MODULES = (
    "search",
    "train",
    "evaluate",
    "export",
    "report",
    "count",
    "latency",
    "benchmark",
    "import_checkpoint",
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with a section for each command in place of the mark."""
    if MARK not in markdown:
        return markdown
    return markdown.replace(MARK, "\n".join(map(section, MODULES)))


def section(module: str) -> str:
    """A command's heading and help."""
    from fbnetv2_tf.flags.driver_help import full_help

    driver: Any = importlib.import_module(f"fbnetv2_tf.flags.{module}").DRIVER
    help_text = full_help(driver, driver.flag_values())
    return f"## {driver.name}\n\n```\n{help_text}\n```\n"
