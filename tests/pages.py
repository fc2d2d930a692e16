"""The pages of the documentation as data: their fenced blocks, and the commands that are typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from .sources import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a page in a language; "" for those that name none."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def typed_commands(path: Path) -> list[list[str]]:
    """The words of every line of a page that is typed, in the order of the page."""
    found = []
    for block in blocks(path, "(?:console|bash)?"):
        for line in block.replace("\\\n", " ").splitlines():
            typed = re.fullmatch(r"(?:\$ )?((?:fbnetv2-[a-z]+(?: |$)|make |\$ ).*)", line)
            if typed:
                words = shlex.split(typed[1].removeprefix("$ "), comments=True)
                # A usage line such as `[--format=table|json|csv]` is not typed.
                if not [word for word in words if word.startswith("[")]:
                    found.append(words)
    return found
