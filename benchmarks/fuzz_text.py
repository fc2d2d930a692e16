"""Gives both parsers many hostile strings and prints what became of them.

`python -m benchmarks.fuzz_text [count] [seed]`, from the root of a checkout. Anything but a spec
that round-trips or an error of the parser's own ends the run with a traceback.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.errors import ArchitectureError, InputError, SpaceError
from fbnetv2_tf.space import parse_space
from tests.hostile_texts import hostile_texts


def fuzz(parse: Callable[[str], object], error: type[InputError], count: int, seed: int) -> str:
    """A row of the table: tried, accepted, refused, the slowest in milliseconds, its length."""
    accepted, slowest, length = 0, 0.0, 0
    for text in hostile_texts(seed, count):
        started = time.perf_counter()
        try:
            parsed = parse(text)
        except error:
            parsed = None
        seconds = time.perf_counter() - started
        if seconds > slowest:
            slowest, length = seconds, len(text)
        if parsed is not None:
            accepted += 1
            if parse(str(parsed)) != parsed:
                raise ValueError(f"The text must round-trip. Received: {text[:200]!r}.")
    return (
        f"{parse.__name__:<20}{count:>9,}{accepted:>10,}{count - accepted:>10,}"
        f"{1000 * slowest:>12.1f}{length:>12,}"
    )


def main() -> None:
    """Prints the table and the most memory that the process has held."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(
        f"{'':<20}{'tried':>9}{'accepted':>10}{'refused':>10}{'slowest, ms':>12}{'its length':>12}"
    )
    print(fuzz(parse_architecture, ArchitectureError, count, seed))
    print(fuzz(parse_space, SpaceError, count, seed))
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"most memory held by the process: {kib / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
