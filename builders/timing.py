"""How fast .tflite files are: whole, one beside the other, and operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .latency import measure_on_phone, samples_here, this_device
from .litert import LiteModel, read_graph
from .litert_arena import litert_arena_bytes
from .operator_files import operator_files


@dataclass(frozen=True)
class Timing:
    """What one file takes.

    Attributes:
        path: the file.
        device: on which it was measured.
        threads: of the interpreter.
        milliseconds: of a call, sample by sample; on a phone the mean that its tool tells.
        macs: multiply-adds for one image.
        size_bytes: of the file.
        arena_bytes: that LiteRT reserves for maps without a delegate.
        pieces: into how many the CPU delegate takes the graph on this machine.
    """

    path: Path
    device: str
    threads: int
    milliseconds: tuple[float, ...]
    macs: int
    size_bytes: int
    arena_bytes: int
    pieces: int

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.milliseconds)

    @property
    def median_ms(self) -> float:
        """The median."""
        return median(self.milliseconds)

    @property
    def lowest_ms(self) -> float | None:
        """The lowest; None where there is but one sample."""
        return min(self.milliseconds) if len(self.milliseconds) > 1 else None

    def ratio_to(self, other: Timing) -> float:
        """The median of the ratios of the two files' samples of the same round."""
        pairs = zip(self.milliseconds, other.milliseconds, strict=True)
        return median(ours / theirs for ours, theirs in pairs)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        values = {**asdict(self), "path": str(self.path), "median_ms": self.median_ms}
        return {**values, "milliseconds": list(self.milliseconds), "lowest_ms": self.lowest_ms}


def timings(
    paths: Sequence[Path],
    *,
    threads: int = 1,
    repeats: int = 50,
    warmup: int = 5,
    phone_binary: str | None = None,
) -> list[Timing]:
    """Measures files in turn: every round takes one sample of each, in another order.

    Args:
        paths: the files.
        threads: of the interpreter.
        repeats: rounds; on a phone, the calls that its tool averages.
        warmup: rounds before them that do not count.
        phone_binary: path of `benchmark_model` on the phone that adb has; None for this machine.

    Raises:
        ExportError: where the interpreter refuses a file.
        InputError: where the phone cannot be measured.
    """
    files = {str(path): path.read_bytes() for path in paths}
    if phone_binary is None:
        device = str(this_device(threads, "")["device"])
        taken = samples_here(files, threads=threads, repeats=repeats, warmup=warmup)
    else:
        device = "phone over adb"
        on_it = measure_on_phone(
            {str(path): path for path in paths}, phone_binary, threads, repeats
        )
        taken = {name: [ms] for name, ms in on_it.items()}
    return [
        Timing(
            path=path,
            device=device,
            threads=threads,
            milliseconds=tuple(taken[str(path)]),
            macs=read_graph(files[str(path)]).macs,
            size_bytes=len(files[str(path)]),
            arena_bytes=litert_arena_bytes(files[str(path)]),
            pieces=LiteModel(files[str(path)]).pieces,
        )
        for path in paths
    ]


@dataclass(frozen=True)
class OperatorTime:
    """One operator by itself: its name, block, shape, multiply-adds and milliseconds."""

    name: str
    place: str
    output_shape: tuple[int, ...]
    macs: int
    ms: float


@dataclass(frozen=True)
class Attribution:
    """The operators of a file, in execution order, each measured by itself."""

    rows: tuple[OperatorTime, ...]

    @property
    def total_ms(self) -> float:
        """Of all of them; more than the network takes, because each is called alone."""
        return sum(row.ms for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-adds of all of them, 1 at least."""
        return max(1, sum(row.macs for row in self.rows))

    def by(self, attribute: str) -> list[tuple[str, list[OperatorTime]]]:
        """The rows grouped by `name` or `place`, the group that takes longest first."""
        groups: dict[str, list[OperatorTime]] = {}
        for row in self.rows:
            groups.setdefault(getattr(row, attribute), []).append(row)
        return sorted(groups.items(), key=lambda group: -sum(row.ms for row in group[1]))

    def as_json(self) -> list[dict[str, Any]]:
        """Plain values."""
        return [asdict(row) for row in self.rows]


def attribution(content: bytes, threads: int = 1, repeats: int = 20) -> Attribution:
    """Measures each operator of a file by itself.

    Args:
        content: the bytes of the file.
        threads: of the interpreter.
        repeats: rounds; each takes a sample of every operator.

    Raises:
        ExportError: where the interpreter refuses an operator.
    """
    parts = operator_files(content)
    names = [f"operator {number} ({part.name})" for number, part in enumerate(parts)]
    taken = samples_here(
        {name: part.content for name, part in zip(names, parts, strict=True)},
        threads=threads,
        repeats=repeats,
    )
    return Attribution(
        tuple(
            OperatorTime(part.name, part.place, part.output_shape, part.macs, median(taken[name]))
            for name, part in zip(names, parts, strict=True)
        )
    )
