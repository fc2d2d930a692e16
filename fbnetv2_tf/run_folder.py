"""A run is a folder: the names of its files, and the rules for writing and reading them.

Every file is written atomically; a folder belongs to one search space, and to
one process at a time.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

from .atomic_files import remove_leftovers, write_bytes, write_text
from .errors import RunError
from .version import __version__

FLAGS = "flags.txt"
SPACE = "space.txt"
ARCHITECTURE = "architecture.txt"
SEARCH = "search.json"
INHERITED = "inherited.keras"
CHILD = "child.keras"
TRAIN = "train.json"
CHILD_QAT = "child_qat.keras"
FURTHER = "further.json"
EXPORT = "export.json"
REPORT = "report.html"
CHECKPOINTS = "checkpoints"
FAIR = "fair"
CANDIDATES = f"{CHECKPOINTS}/candidates.json"
TENSORBOARD = "tensorboard"

WRITTEN_BY = {
    SPACE: "fbnetv2-search",
    ARCHITECTURE: "fbnetv2-search",
    SEARCH: "fbnetv2-search",
    INHERITED: "fbnetv2-search",
    CHILD: "fbnetv2-train",
    TRAIN: "fbnetv2-train",
    CHILD_QAT: "fbnetv2-train --qat",
    FURTHER: "fbnetv2-train --qat",
    EXPORT: "fbnetv2-export",
    REPORT: "fbnetv2-report",
}
"""Which command writes a file that another one needs, for the sentence when it is missing."""


class RunFolder:
    """The files of one run.

    Args:
        path: the folder; it is made when something is first written to it.

    Example:
        >>> import tempfile
        >>> run = RunFolder(Path(tempfile.mkdtemp()) / "run")
        >>> run.write_json("train.json", {"epochs": 3})
        >>> run.read_json("train.json")
        {'epochs': 3}
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether the folder holds a file or folder of this name."""
        return (self.path / name).exists()

    def write_text(self, name: str, content: str) -> None:
        """Writes a text file atomically; raises `RunError` where the system refuses."""
        write_text(self.path / name, content)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Writes a file atomically; raises `RunError` where the system refuses."""
        write_bytes(self.path / name, content)

    def write_json(self, name: str, value: Any) -> None:
        """Writes a value atomically as JSON; NumPy's numbers become plain ones.

        Raises:
            RunError: where the system refuses.
            ValueError: for NaN and infinity, which JSON does not have.
        """
        text = json.dumps(value, indent=2, allow_nan=False, default=_plain)
        write_text(self.path / name, text + "\n")

    def read_text(self, name: str) -> str:
        """The text of a file.

        Raises:
            RunError: where it is missing (with the command that writes it) or unreadable.
        """
        path = self.path / name
        try:
            return path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(name) from error
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"'{path}' could not be read: {error}.") from error

    def existing(self, name: str) -> Path:
        """The path of a file that is there; raises `RunError` with the command that writes it."""
        if not (self.path / name).is_file():
            raise self._missing(name)
        return self.path / name

    def _missing(self, name: str) -> RunError:
        hint = f" {WRITTEN_BY[name]} writes it." if name in WRITTEN_BY else ""
        return RunError(f"The run folder '{self.path}' has no file {name!r}.{hint}")

    def read_json(self, name: str) -> Any:
        """The value of a JSON file.

        Raises:
            RunError: where it is missing, unreadable, or not JSON.
        """
        text = self.read_text(name)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RunError(
                f"'{self.path / name}' is not the JSON it should be: {error}."
            ) from error

    def read_record(self, name: str) -> dict[str, Any]:
        """The object of a JSON file.

        Raises:
            RunError: as `read_json`, and where the file holds something else.
        """
        value = self.read_json(name)
        if not isinstance(value, dict):
            raise RunError(
                f"'{self.path / name}' must be a JSON object. Received: {type(value).__name__}."
            )
        return value

    def claim_space(self, space: str) -> None:
        """Makes this the folder of a search space, or checks that it is.

        Args:
            space: the text of the space, as `str(space)` prints it.

        Raises:
            RunError: where the folder is that of another space; the sentence shows both.
        """
        if not self.has(SPACE):
            self.write_text(SPACE, space + "\n")
            return
        theirs = self.read_text(SPACE).strip()
        if theirs != space.strip():
            raise RunError(
                f"The run folder '{self.path}' is that of another space. Expected: "
                f"{_difference(theirs, space)[0]!r}. Received: {_difference(theirs, space)[1]!r}. "
                "Give another --output, or delete the folder."
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps the folder to this process for as long as the block runs, however it ends.

        Raises:
            RunError: where another process has it; the sentence names the process.
        """
        import fcntl

        path = self.path / ".lock"
        with _writable(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise RunError(f"The run folder '{self.path}' is in use by {holder}.") from error
            remove_leftovers(self.path)
            with suppress(OSError):  # a full disk: whoever else comes is not told who has it
                file.truncate(0)
                file.write(f"process {os.getpid()} on {platform.node()}")
                file.flush()
            yield


def _writable(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except OSError as error:
        raise RunError(
            f"The run folder '{path.parent}' must be one that can be written to. "
            f"Received: {error.strerror or error}."
        ) from error


def versions() -> dict[str, str]:
    """What a result depends on: the versions of Python, of this package and of its libraries.

    Nothing is imported for it; a library that is not installed is left out.
    """
    found = {"python": platform.python_version(), "fbnetv2_tf": __version__}
    for name in ("tensorflow", "keras", "numpy", "ai-edge-litert"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """The machine in words, such as `Linux x86_64, 2 cores`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores"


def _plain(value: Any) -> Any:
    """What JSON has in place of a NumPy number or array, or of a path."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"JSON has nothing for {type(value).__name__}. Received: {value!r}.")


def _difference(first: str, second: str) -> tuple[str, str]:
    """The first blocks in which two texts differ, with their positions."""
    left, right = first.split(), second.split()
    length = max(len(left), len(right))
    left += ["(nothing)"] * (length - len(left))
    right += ["(nothing)"] * (length - len(right))
    for position, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        if ours != theirs:
            return f"block {position} {ours}", f"block {position} {theirs}"
    return first, second
