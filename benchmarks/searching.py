"""One search as a benchmark's building block: run by the command a user types, or read if done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags.search import DRIVER
from fbnetv2_tf.flags.search_flags import options

ROOT = Path(__file__).parent.parent
DONE = "search.json"


def searched(folder: Path, flags: Mapping[str, Any]) -> dict[str, Any]:
    """What a search has found, from its folder where it has finished before.

    Args:
        folder: of the run; an interrupted search in it goes on.
        flags: of `fbnetv2-search`, without `output`.

    Returns:
        The content of `search.json`.

    Raises:
        InputError: where the folder holds a search with other flags.
    """
    if not is_done(folder):
        command("search", {**flags, "output": folder}, folder)
    content: dict[str, Any] = json.loads((folder / DONE).read_text(encoding="utf-8"))
    found = _flat(content["options"])
    for name, value in options_of(flags).items():
        if found.get(name) != value:
            raise InputError(
                f"'{folder}' must be a search with `{name}` {value}. Received: {found.get(name)}. "
                "Remove it, or give another folder."
            )
    return content


def options_of(flags: Mapping[str, Any]) -> dict[str, Any]:
    """What `search.json` says of a search with these flags, but for where and how it ran."""
    values = DRIVER.flag_values()
    values(["fbnetv2-search", "--output=runs", *_arguments(flags)])
    whole = asdict(options(values))
    told = {n: value for n, value in whole.items() if n not in ("output", "running", "flagfile")}
    return _flat(json.loads(json.dumps(told, default=str)))


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    return {**{n: value for n, value in options.items() if n != "settings"}, **options["settings"]}


def _arguments(flags: Mapping[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def is_done(folder: Path) -> bool:
    """Whether a search has finished in a folder."""
    return (folder / DONE).exists()


def search_missing(searches: Mapping[Path, Mapping[str, Any]], only: Collection[str] = ()) -> None:
    """Runs the searches that are missing, and ends the program where some of them are left.

    Args:
        searches: folder -> flags of each.
        only: names of the folders to run; empty for all.
    """
    for folder, flags in searches.items():
        if not is_done(folder) and (not only or folder.name in only):
            searched(folder, flags)
    left = [folder.name for folder in searches if not is_done(folder)]
    if left:
        raise SystemExit(f"{len(left)} searches are left: {', '.join(left)}.")


def command(driver: str, flags: Mapping[str, Any], folder: Path) -> None:
    """Runs a driver; what it says is kept in `<folder>.log`, and shown where it fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    arguments = _arguments(flags)
    module = f"fbnetv2_tf.flags.{driver}"
    with log.open("a") as file:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{log.read_text()[-2000:]}")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts as aligned lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
