"""The latency of every block of a space on one device: a versioned JSON file, read and priced.

A network's latency is modelled as what one call costs plus the sum of its blocks, times one factor:
a block alone finds its weights and maps in the nearest cache, in a network it does not. Blocks were
measured at some widths and expansions; in between they are interpolated linearly. The factor, and
how far all that is from whole networks, are measured when the table is made, and stand in it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .architecture import Architecture
from .atomic_files import write_text
from .counting import walk
from .errors import BudgetError

FORMAT, VERSION = "fbnetv2-latency", 1
NANOSECONDS = 1_000_000
"""In a millisecond."""

WIDTHS = ("input_channels", "expansion", "channels")
"""What is interpolated; all else of a block is measured as it is."""

Key = tuple[str, int, int, int | None, float | None, str | None]


@dataclass(frozen=True)
class BlockLatency:
    """The milliseconds of one kind of block over a grid of widths.

    Attributes:
        kind, side, stride, kernel, se, activation: of the block; None where it has none. `side` is
            that of its input, pixels.
        input_channels, expansion, channels: the measured values, ascending; (0,) where the kind has
            none.
        ms: nested lists (input_channels, expansion, channels), milliseconds.
    """

    kind: str
    side: int
    stride: int
    kernel: int | None
    se: float | None
    activation: str | None
    input_channels: tuple[float, ...]
    expansion: tuple[float, ...]
    channels: tuple[float, ...]
    ms: Any

    @property
    def key(self) -> Key:
        """What must be equal for this measurement to apply."""
        return (self.kind, self.side, self.stride, self.kernel, self.se, self.activation)

    def at(self, *values: float) -> float:
        """Milliseconds at (input_channels, expansion, channels), linear between measurements."""
        grid = np.asarray(self.ms, np.float64)
        for axis, value in zip(WIDTHS, values, strict=True):
            grid = _interpolated(grid, getattr(self, axis), value)
        return float(grid)


@dataclass(frozen=True)
class LatencyTable:
    """The latencies of a space's blocks.

    Attributes:
        device: what it was measured on: `device`, `runtime`, `threads`, `delegate`, `dtype`, `date`
            and whatever else is known of it.
        call_ms: what a call costs beside its blocks, milliseconds.
        blocks: the measurements.
        scale: what a whole network takes over the sum of its parts; 1 where it was not measured.
        honesty: of the table against whole networks, as `builders.latency.Honesty`; None unknown.
        margin: the share by which every cost is counted longer; no part of the file.

    Example:
        >>> block = BlockLatency("fc", 4, 1, None, None, None, (8, 16), (0,), (2,), [[[1]], [[2]]])
        >>> LatencyTable({}, 0.5, (block,)).block_ns("fc", side=4, input_channels=12, channels=2)
        array(2000000)
        >>> print(LatencyTable({"device": "my board", "dtype": "int8", "threads": 1}, 0.5, ()))
        my board, int8, threads: 1
    """

    device: dict[str, Any]
    call_ms: float
    blocks: tuple[BlockLatency, ...]
    scale: float = 1.0
    honesty: dict[str, Any] | None = None
    margin: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {block.key: block for block in self.blocks})

    def block_ns(
        self,
        kind: str,
        *,
        side: int,
        input_channels: Any,
        stride: int = 1,
        kernel: Any = None,
        expansion: Any = None,
        channels: Any = None,
        se: Any = None,
        activation: Any = None,
    ) -> Any:
        """The nanoseconds of a block, whole; arguments as in `counting.block_operators`.

        The cost of the call is part of the classifier, of which every network has one.

        Raises:
            BudgetError: where the table has no measurement of such a block.
        """

        def one(c_in: Any, k: Any, e: Any, c: Any, ratio: Any, word: Any) -> int:
            if kind == "sk" and stride == 1 and c_in == c:
                return 0
            key = (kind, side, stride, k, ratio, word)
            block: BlockLatency | None = self._by_key.get(key)  # type: ignore[attr-defined]
            if block is None:
                raise BudgetError(
                    f"The latency table has no block {_words(key)}. It was measured for another "
                    "space or resolution; measure it for this one with fbnetv2-latency."
                )
            ms = block.at(c_in, e or 0, c or 0) + (self.call_ms if kind == "fc" else 0.0)
            return max(0, round(ms * self.scale * (1 + self.margin) * NANOSECONDS))

        values = (input_channels, kernel, expansion, channels, se, activation)
        arrays = [np.asarray(v, object) for v in values]
        return np.vectorize(one, otypes=[np.int64])(*arrays)

    def cost_ns(self, architecture: Architecture) -> int:
        """The nanoseconds of a network, an int.

        Raises:
            BudgetError: as in `block_ns`.
        """
        return sum(
            int(
                self.block_ns(
                    block.kind,
                    side=side,
                    input_channels=channels,
                    stride=block.stride or 1,
                    kernel=block.kernel,
                    expansion=block.expansion,
                    channels=block.channels,
                    se=block.se,
                    activation=block.activation,
                )
            )
            for _, block, side, channels in walk(architecture)
        )

    def with_margin(self, margin: float | None = None) -> LatencyTable:
        """The table with every cost counted longer, so that a limit is kept where the table errs.

        A search takes the cheapest-looking of many networks, so its child is one that the table
        rather flatters: without a margin it is above its limit more often than below.

        Args:
            margin: 0.03 for 3 %, 0 to 1; None for twice the median error of the table's own check.

        Raises:
            BudgetError: for another margin.

        Example:
            >>> LatencyTable({}, 0.5, (), honesty={"median_error": 0.02}).with_margin().margin
            0.04
        """
        if margin is None:
            margin = 2 * (self.honesty or {}).get("median_error", 0.0)
        elif not 0 <= margin <= 1:
            raise BudgetError(
                f"A latency margin must be from 0 to 1 (0.03 is 3 %). Received: {margin}."
            )
        return replace(self, margin=margin)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that another measurement or margin changes."""
        counted = (self.call_ms, self.scale, self.margin, self.blocks)
        return hashlib.sha256(repr(counted).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        about = [str(self.device[n]) for n in ("device", "dtype", "date") if n in self.device]
        threads = f"threads: {self.device['threads']}" if "threads" in self.device else ""
        margin = f"counted {100 * self.margin:.1f} % longer" if self.margin else ""
        return ", ".join([*about, *filter(None, (threads, margin))])

    def save(self, path: Path) -> None:
        """Writes the table atomically."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "unit": "ms",
            "device": self.device,
            "call_ms": self.call_ms,
            "scale": self.scale,
            "honesty": self.honesty,
            "blocks": [asdict(block) for block in self.blocks],
        }
        write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def load_latency_table(path: Path | str) -> LatencyTable:
    """Reads a table.

    Raises:
        BudgetError: where the file is missing or is not a table of this version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if (content["format"], content["version"], content["unit"]) != (FORMAT, VERSION, "ms"):
            raise BudgetError(
                f"'{path}' must be a table of format {FORMAT}, version {VERSION}, in ms. "
                f"Received: {content['format']}, {content['version']}, {content['unit']}."
            )
        blocks = tuple(BlockLatency(**_tuples(block)) for block in content["blocks"])
        for block in blocks:
            _check(block)
        rest = {name: content[name] for name in ("device", "call_ms", "scale", "honesty")}
        if not 0 < rest["scale"] < float("inf"):
            raise ValueError(f"scale must be positive, not {rest['scale']}")
        return LatencyTable(blocks=blocks, **rest)
    except OSError as error:
        raise BudgetError(
            f"The latency table '{path}' cannot be read: {error.strerror}."
        ) from error
    except BudgetError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise BudgetError(
            f"'{path}' must be a latency table as fbnetv2-latency writes it. "
            f"Received: {type(error).__name__} {error}."
        ) from error


def _interpolated(grid: np.ndarray, points: Sequence[float], value: float) -> np.ndarray:
    """The first axis at a value between its points; beyond them the nearest line goes on."""
    if len(points) == 1:
        return grid[0]
    after = min(max(int(np.searchsorted(points, value)), 1), len(points) - 1)
    share = (value - points[after - 1]) / (points[after] - points[after - 1])
    return grid[after - 1] * (1 - share) + grid[after] * share


def _tuples(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, **{axis: tuple(block[axis]) for axis in WIDTHS}}


def _check(block: BlockLatency) -> None:
    shape = tuple(len(getattr(block, axis)) for axis in WIDTHS)
    ms = np.asarray(block.ms, np.float64)
    is_ascending = all(
        a < b for axis in WIDTHS for a, b in itertools.pairwise(getattr(block, axis))
    )
    if ms.shape != shape or not is_ascending or not (np.isfinite(ms) & (ms >= 0)).all():
        raise ValueError(f"block {_words(block.key)} must have ascending widths and {shape} times")


def _words(key: Key) -> str:
    names = ("kind", "side", "stride", "kernel", "se", "activation")
    return ", ".join(f"{n} {v}" for n, v in zip(names, key, strict=True) if v is not None)
