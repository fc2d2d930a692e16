"""`fbnetv2-benchmark`: how fast a .tflite file is, where its time goes, and what slows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.atomic_files import write_text
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import KIB, format_quantity

from .common import define_path
from .driver import Driver
from .export_table import finding_lines
from .quiet import quiet_start

if TYPE_CHECKING:
    from fbnetv2_tf.builders.timing import Attribution, Timing

MOST_ROWS = 12
TARGETS = ("xnnpack", "tflm", "edgetpu", "gpu")


@dataclass(frozen=True)
class BenchmarkOptions:
    """What `fbnetv2-benchmark` was asked for; the flags of the same names say what each is."""

    model: Path
    against: Path | None
    output: Path | None
    threads: int
    repeats: int
    warmup: int
    operators: bool
    target: str | None
    phone_binary: str | None


def define(values: Any) -> None:
    """Registers the flags."""
    define_path(values, "model", "The .tflite file.")
    define_path(values, "against", "A second one, measured in turn with the first.")
    define_path(values, "output", "A .json file for what was measured.")
    for name, default, least, text in (
        ("threads", 1, 1, "Of the interpreter."),
        ("repeats", 50, 1, "Samples of each file; their median counts."),
        ("warmup", 5, 0, "Samples before them that do not count."),
    ):
        flags.DEFINE_integer(name, default, text, lower_bound=least, flag_values=values)
    flags.DEFINE_boolean(
        "operators", False, "Measure every operator by itself, too.", flag_values=values
    )
    flags.DEFINE_enum(
        "target",
        None,
        TARGETS,
        "Say what in the file this target will not like, and what to change.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "phone_binary",
        None,
        "Measure on the phone that adb has, with benchmark_model at this path on it.",
        flag_values=values,
    )


def options(values: Any) -> BenchmarkOptions:
    """Reads the flags."""
    given = BenchmarkOptions(**{f.name: values[f.name].value for f in fields(BenchmarkOptions)})
    if given.model is None:
        raise InputError("--model must name a .tflite file. Received: none.")
    for path in filter(None, (given.model, given.against)):
        if not path.is_file():
            raise InputError(f"There is no file '{path}'.")
    if given.phone_binary is not None and given.operators:
        raise InputError("--operators measures on this machine. Received: --phone_binary too.")
    return given


def main(options: BenchmarkOptions) -> None:
    """Measures and prints."""
    from fbnetv2_tf.builders.timing import attribution, timings

    paths = list(filter(None, (options.model, options.against)))
    record: dict[str, Any] = {"model": str(options.model), "threads": options.threads}
    with quiet_start():  # the delegate introduces itself on file descriptor 2
        found = timings(
            paths,
            threads=options.threads,
            repeats=options.repeats,
            warmup=options.warmup,
            phone_binary=options.phone_binary,
        )
    for timing in found:
        print(timing_text(timing))
    if len(found) > 1:
        ratio = found[0].ratio_to(found[1])
        print(f"{found[0].path.name} takes {ratio:.3f} of the time of {found[1].path.name}")
        record["ratio"] = ratio
    record["files"] = [timing.as_json() for timing in found]
    if options.operators:
        with quiet_start():
            parts = attribution(options.model.read_bytes(), options.threads, options.repeats)
        print(attribution_text(parts, found[0].median_ms))
        record["operators"] = parts.as_json()
    if options.target is not None:
        from fbnetv2_tf.builders.deployment import findings

        with quiet_start():
            sentences = findings(options.model.read_bytes(), options.target)
        print("\n".join(finding_lines(sentences, options.target)))
        record["findings"] = [str(sentence) for sentence in sentences]
    if options.output is not None:
        write_text(options.output, json.dumps(record, indent=1) + "\n")


def timing_text(timing: Timing) -> str:
    """What one file takes, as lines for a person."""
    lowest = "" if timing.lowest_ms is None else f", lowest {timing.lowest_ms:.3f} ms"
    pieces = "1 piece" if timing.pieces == 1 else f"{timing.pieces} pieces"
    rows = [
        ("device", timing.device),
        ("latency", f"{timing.median_ms:.3f} ms, median of {timing.samples}{lowest}"),
        ("threads", str(timing.threads)),
        (
            "multiply-adds",
            f"{timing.macs:,} ({timing.macs / timing.median_ms / 1e6:.1f} G a second)",
        ),
        ("size", format_quantity(timing.size_bytes / 1024, KIB)),
        (
            "arena",
            f"{format_quantity(timing.arena_bytes / 1024, KIB)} for maps, without a delegate",
        ),
        ("CPU delegate", pieces),
    ]
    return "\n".join([str(timing.path), *(f"  {name:<14} {text}" for name, text in rows)])


def attribution_text(parts: Attribution, whole_ms: float) -> str:
    """Where the time goes, by operator and by block."""
    share = parts.total_ms / whole_ms
    lines = [
        f"  each of the {len(parts.rows)} operators by itself: {parts.total_ms:.3f} ms together, "
        f"{share:.2f} times the whole network"
    ]
    for title, groups in (("operator", parts.by("name")), ("block", parts.by("place"))):
        lines.append(f"  {title:<22} {'count':>5} {'ms':>8} {'share':>7} {'MACs':>8}")
        for name, group in groups[:MOST_ROWS]:
            spent = sum(row.ms for row in group)
            macs = sum(row.macs for row in group)
            lines.append(
                f"  {name:<22} {len(group):>5} {spent:>8.4f} "
                f"{100 * spent / parts.total_ms:>5.1f} % {100 * macs / parts.macs:>6.1f} %"
            )
        lines += _rest(groups)
    return "\n".join(lines)


def _rest(groups: Sequence[Any]) -> list[str]:
    left = len(groups) - MOST_ROWS
    return [f"  and {left} more"] if left > 0 else []


DRIVER = Driver(
    name="fbnetv2-benchmark",
    summary="Measures how fast a .tflite file is, and says where its time goes.",
    usage=(
        "fbnetv2-benchmark --model=runs/first/model_int8.tflite --operators",
        "fbnetv2-benchmark --model=model_int8.tflite --against=model.tflite --threads=4",
    ),
    first=(
        "model",
        "against",
        "operators",
        "target",
        "threads",
        "repeats",
        "warmup",
        "phone_binary",
        "output",
    ),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
