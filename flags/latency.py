"""`fbnetv2-latency`: the latency table of a device for the blocks of a space."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from absl import flags

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.atomic_files import write_bytes, write_text
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.latency_table import NANOSECONDS, LatencyTable
from fbnetv2_tf.space import Space, parse_space

from .common import define_path
from .driver import Driver
from .quiet import import_tensorflow, quiet_start

MANIFEST, RESULTS = "manifest.json", "results.csv"

SECONDS_A_SAMPLE = 0.002
"""A sample's time with the calls before it, about."""


@dataclass(frozen=True)
class LatencyOptions:
    """What `fbnetv2-latency` was asked for; the flags of the same names say what each is."""

    space: str
    output: Path | None
    dtype: str
    threads: int
    repeats: int
    grid: int
    calibrate: int
    check: int
    seed: int
    export_blocks: Path | None
    import_results: Path | None
    device: str | None
    phone_binary: str | None


def define(values: Any) -> None:
    """Registers the flags."""
    flags.DEFINE_string(
        "space", "fashion28", "A preset, a file, or the text of a space.", flag_values=values
    )
    define_path(values, "output", "The table to write, a .json file.")
    flags.DEFINE_enum(
        "dtype", "float32", ["float32", "int8"], "Of the measured files.", flag_values=values
    )
    integers = {
        "threads": (1, "Of the interpreter."),
        "repeats": (30, "Samples of each block; their median counts."),
        "grid": (3, "Points along each width; interpolation in between."),
        "calibrate": (10, "Random whole networks that the table is scaled by; 0 for none."),
        "check": (20, "Other random whole networks that it is compared with; 0 for none."),
        "seed": (0, "Of those networks and of the order of measurements."),
    }
    for name, (default, text) in integers.items():
        flags.DEFINE_integer(name, default, text, flag_values=values)
    define_path(
        values,
        "export_blocks",
        "Write the .tflite files, a manifest and an empty results.csv into this folder, for "
        "measuring them elsewhere, and do nothing else.",
    )
    define_path(values, "import_results", "A CSV of columns name, ms to make the table of.")
    flags.DEFINE_string(
        "device", None, "Name of the device, with --import_results or a phone.", flag_values=values
    )
    flags.DEFINE_string(
        "phone_binary",
        None,
        "Measure on the phone that adb has, with benchmark_model at this path on it.",
        flag_values=values,
    )


def options(values: Any) -> LatencyOptions:
    """Reads the flags."""
    given = LatencyOptions(**{f.name: values[f.name].value for f in fields(LatencyOptions)})
    if given.output is None and given.export_blocks is None:
        raise InputError("--output must name the table to write, such as --output=table.json.")
    for name in ("threads", "repeats"):
        if getattr(given, name) < 1:
            raise InputError(f"--{name} must be at least 1. Received: {getattr(given, name)}.")
    for name in ("check", "calibrate"):
        if getattr(given, name) < 0:
            raise InputError(f"--{name} must be at least 0. Received: {getattr(given, name)}.")
    return given


def main(options: LatencyOptions) -> None:
    """Measures, exports or imports."""
    from fbnetv2_tf.builders.latency_blocks import block_grids, block_texts

    space = parse_space(options.space)
    grids = block_grids(space, options.grid)
    blocks, whole = block_texts(grids), _whole_networks(space, options)
    if options.import_results is not None:
        names = file_names(blocks, whole)
        results = read_results(options.import_results)
        ms = {text: results[name] for text, name in names.items() if name in results}
        _write_table(grids, whole, ms, _device_elsewhere(options), options)
        return
    import_tensorflow()
    if options.export_blocks is not None:
        export_blocks(options.export_blocks, file_names(blocks, whole), options)
        return
    ms, device = _measured(_files([*blocks, *whole], options), options)
    _write_table(grids, whole, ms, device, options)


def _whole_networks(space: Space, options: LatencyOptions) -> list[str]:
    """Random networks: those that the table is compared with, then those that it is scaled by."""
    number = options.check + options.calibrate
    return [str(space.sample(options.seed + place)) for place in range(number)]


def _write_table(
    grids: Sequence[Any],
    whole: Sequence[str],
    ms: dict[str, float],
    device: dict[str, Any],
    options: LatencyOptions,
) -> None:
    """Writes the table, scaled by and compared with the whole networks that were measured."""
    from fbnetv2_tf.builders.latency import honesty, scale_of
    from fbnetv2_tf.builders.latency_blocks import table_of

    table = table_of(grids, ms, device)
    calibration = [text for text in whole[options.check :] if text in ms]
    if calibration:
        measured = [ms[text] for text in calibration]
        table = replace(table, scale=scale_of(_predicted(table, calibration), measured))
        print(
            f"{len(measured)} whole networks take {table.scale:.3f} times the sum of their parts; "
            "the table is scaled by that."
        )
    checked = [text for text in whole[: options.check] if text in ms]
    if checked:
        found = honesty(_predicted(table, checked), [ms[text] for text in checked])
        table = replace(table, honesty=asdict(found))
        print(f"Against others, measured whole: {found}")
    table.save(_output(options))
    print(f"The table is in '{options.output}': {table}; a call costs {table.call_ms:.4f} ms.")


def _predicted(table: LatencyTable, texts: Sequence[str]) -> list[float]:
    """Milliseconds of networks by the table."""
    return [table.cost_ns(parse_architecture(text)) / NANOSECONDS for text in texts]


def file_names(blocks: Sequence[str], whole: Sequence[str]) -> dict[str, str]:
    """Text of a network -> name of its file: of a block alone what it is, of a whole one a number.

    Example:
        >>> file_names(["in_hw8_c3 cn_k3_s2_c8_nre fc_c1"], [])
        {'in_hw8_c3 cn_k3_s2_c8_nre fc_c1': 'in_hw8_c3-cn_k3_s2_c8_nre-fc_c1.tflite'}
    """
    names = {text: f"network_{place:03d}.tflite" for place, text in enumerate(whole)}
    return {text: f"{text.replace(' ', '-')}.tflite" for text in blocks} | names


def export_blocks(folder: Path, names: dict[str, str], options: LatencyOptions) -> None:
    """Writes the files, what they are, and a CSV to be filled in."""
    for text, content in _files(list(names), options).items():
        write_bytes(folder / names[text], content)
    files = {name: text for text, name in names.items()}
    about = {"space": str(parse_space(options.space)), "dtype": options.dtype, "unit": "ms"}
    write_text(folder / MANIFEST, json.dumps({**about, "files": files}, indent=1) + "\n")
    write_text(folder / RESULTS, "name,ms\n" + "".join(f"{name},\n" for name in files))
    print(
        f"{len(files)} files are in '{folder}'. Fill in the milliseconds of {RESULTS} and give it "
        "back with --import_results; the whole networks, network_*.tflite, may be left out."
    )


def read_results(path: Path) -> dict[str, float]:
    """Reads the CSV of columns name, ms; a file whose ms is empty was not measured.

    Raises:
        InputError: naming the line that is wrong.
    """
    results = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"name", "ms"} <= set(rows.fieldnames or ()):
            raise InputError(
                f"'{path}' must have the columns name, ms. Received: {rows.fieldnames}."
            )
        for row in rows:
            if not (row["ms"] or "").strip():
                continue
            try:
                value = float(row["ms"])
            except ValueError:
                value = -1.0
            if not 0 <= value < float("inf"):
                raise InputError(
                    f"'{path}' line {rows.line_num}: ms must be a number, zero or above. "
                    f"Received: {row['ms']!r}."
                )
            results[row["name"]] = value
    return results


def _device_elsewhere(options: LatencyOptions) -> dict[str, Any]:
    """What a table says of a device that it has not seen."""
    unknown = dict.fromkeys(("device", "runtime", "runtime_version", "delegate"), "unknown")
    known = {"threads": options.threads, "dtype": options.dtype, "date": time.strftime("%Y-%m-%d")}
    return unknown | known | ({"device": options.device} if options.device else {})


def _files(texts: Sequence[str], options: LatencyOptions) -> dict[str, bytes]:
    """Makes the files; says how many there are and, after the first, how long all of it takes."""
    from fbnetv2_tf.builders.latency_files import BlockFiles

    maker = BlockFiles(options.dtype, options.seed)
    texts = list(dict.fromkeys(texts))
    print(f"{len(texts)} files to measure, {maker.conversions(texts)} to convert.", flush=True)
    with quiet_start():  # the converter narrates to file descriptor 2
        files = {texts[0]: maker.make(texts[0])}  # the first takes TensorFlow's start along
        began = time.monotonic()
        for text in texts[1:3]:
            files[text] = maker.make(text)
        each = (time.monotonic() - began) / 2
    seconds = maker.conversions(texts) * each + len(texts) * SECONDS_A_SAMPLE * options.repeats
    print(f"That takes about {seconds / 60:.1f} minutes.", flush=True)
    with quiet_start():
        return files | {text: maker.make(text) for text in texts[3:]}


def _measured(
    files: dict[str, bytes], options: LatencyOptions
) -> tuple[dict[str, float], dict[str, Any]]:
    import tempfile

    from fbnetv2_tf.builders.latency import measure_here, measure_on_phone, this_device

    device = this_device(options.threads, options.dtype)
    if options.phone_binary is None:
        with quiet_start():  # the delegate introduces itself on file descriptor 2
            measured = measure_here(
                files, threads=options.threads, repeats=options.repeats, seed=options.seed
            )
        return measured, device
    device = {**device, "device": options.device or "phone over adb", "runtime_version": "unknown"}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (text, content) in enumerate(files.items()):
            paths[text] = Path(folder) / f"{number:05d}.tflite"
            paths[text].write_bytes(content)
        runs, binary = options.repeats, options.phone_binary
        return measure_on_phone(paths, binary, options.threads, runs), device


def _output(options: LatencyOptions) -> Path:
    if options.output is None:
        raise InputError("--output must name the table to write, such as --output=table.json.")
    return options.output


DRIVER = Driver(
    name="fbnetv2-latency",
    summary="Measures the latency of every block of a space on a device.",
    usage=(
        "fbnetv2-latency --space=fashion28 --output=table.json",
        "fbnetv2-latency --space=fashion28 --export_blocks=blocks",
        "fbnetv2-latency --space=fashion28 --import_results=blocks/results.csv "
        "--device='my board' --output=table.json",
    ),
    first=("space", "output", "dtype", "threads", "repeats", "grid", "check", "export_blocks"),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
