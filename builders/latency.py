"""Measuring .tflite files: medians of interleaved repeats here, or `benchmark_model` over adb.

Every round runs each file once more, in another order, so that a drift of the machine meets all
files alike.
"""

from __future__ import annotations

import platform
import random
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from fbnetv2_tf.errors import ExportError, InputError

SAMPLE_SECONDS = 0.0005
"""A sample repeats the call until it has taken about so long; a clock reads no shorter."""

PHONE_FOLDER = "/data/local/tmp/fbnetv2_tf"

_AVERAGE = re.compile(r"Inference \(avg\):\s*([0-9.]+(?:e[+-]?[0-9]+)?)")


@dataclass(frozen=True)
class Honesty:
    """A table against whole networks.

    Attributes:
        networks: how many were measured.
        rank_correlation: Spearman's, of prediction and measurement.
        median_error, largest_error: of `|prediction / measurement - 1|`.
    """

    networks: int
    rank_correlation: float
    median_error: float
    largest_error: float

    def __str__(self) -> str:
        return (
            f"{self.networks} networks: rank correlation {self.rank_correlation:.3f}, "
            f"relative error {100 * self.median_error:.1f} % median, "
            f"{100 * self.largest_error:.1f} % largest"
        )


def honesty(predicted: Sequence[float], measured: Sequence[float]) -> Honesty:
    """How well predictions agree with measurements, both in the same unit.

    Example:
        >>> print(honesty([1.0, 2.2, 2.7], [1.0, 2.0, 3.0]))
        3 networks: rank correlation 1.000, relative error 10.0 % median, 10.0 % largest
    """
    first, second = np.asarray(predicted, float), np.asarray(measured, float)
    errors = np.abs(first / second - 1)
    ranks = np.stack([np.argsort(np.argsort(values)) for values in (first, second)])
    correlation = float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if len(first) > 1 else 1.0
    return Honesty(len(first), correlation, float(np.median(errors)), float(errors.max()))


def scale_of(predicted: Sequence[float], measured: Sequence[float]) -> float:
    """The factor between predictions and measurements: the median of their ratios.

    Example:
        >>> scale_of([1.0, 2.0, 4.0], [1.1, 2.4, 4.4])
        1.1
    """
    ratios = [after / before for before, after in zip(predicted, measured, strict=True)]
    return round(median(ratios), 4)


def measure_here(
    files: Mapping[str, bytes],
    *,
    threads: int = 1,
    repeats: int = 30,
    seed: int = 0,
    each_round: Callable[[int], None] | None = None,
) -> dict[str, float]:
    """The median milliseconds of a call of each file on this machine; arguments of `samples_here`.

    Raises:
        ExportError: where the interpreter refuses a file.
    """
    samples = samples_here(
        files, threads=threads, repeats=repeats, seed=seed, each_round=each_round
    )
    return {name: median(values) for name, values in samples.items()}


def samples_here(
    files: Mapping[str, bytes],
    *,
    threads: int = 1,
    repeats: int = 30,
    warmup: int = 0,
    seed: int = 0,
    each_round: Callable[[int], None] | None = None,
) -> dict[str, list[float]]:
    """The milliseconds of a call of each file on this machine, round by round.

    Args:
        files: name -> content of a .tflite file.
        threads: of the interpreter.
        repeats: rounds; each takes one sample of every file.
        warmup: rounds before them whose samples are left out.
        seed: of the order in a round.
        each_round: called with the number of finished rounds.

    Raises:
        ExportError: where the interpreter refuses a file.
    """
    samplers = {name: _Sampler(name, content, threads) for name, content in files.items()}
    samples: dict[str, list[float]] = {name: [] for name in files}
    order, shuffler = list(files), random.Random(seed)
    for done in range(-warmup, repeats):
        shuffler.shuffle(order)
        for name in order:
            taken = samplers[name].sample()
            if done >= 0:
                samples[name].append(taken)
        if each_round is not None and done >= 0:
            each_round(done + 1)
    return samples


class _Sampler:
    """Times the calls of one file."""

    def __init__(self, name: str, content: bytes, threads: int) -> None:
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ExportError(f"The file of {name!r} is refused by LiteRT: {error}") from error
        for detail in self._interpreter.get_input_details():
            zeros = np.zeros(detail["shape"], detail["dtype"])
            self._interpreter.set_tensor(detail["index"], zeros)
        # One thread is timed by the processor's time, which goes on only while it runs: what other
        # programs take in between is not the network's.
        self._clock = time.thread_time if threads == 1 else time.perf_counter
        self._interpreter.invoke()
        once = max(self._time(3), 1e-7)
        self._calls = max(1, round(SAMPLE_SECONDS / once))

    def sample(self) -> float:
        """Milliseconds of a call, after one that warms the caches."""
        self._interpreter.invoke()
        return 1000 * self._time(self._calls)

    def _time(self, calls: int) -> float:
        began = self._clock()
        for _ in range(calls):
            self._interpreter.invoke()
        return (self._clock() - began) / calls


def adb_commands(file: Path, binary: str, threads: int, runs: int) -> list[list[str]]:
    """The command lines that copy a file to the connected phone and measure it there.

    Args:
        file: the .tflite file.
        binary: path of `benchmark_model` on the phone.
        threads: of the interpreter.
        runs: how many calls are averaged.

    Example:
        >>> adb_commands(Path("a.tflite"), "/data/local/tmp/benchmark_model", 1, 50)[0]
        ['adb', 'push', 'a.tflite', '/data/local/tmp/fbnetv2_tf/a.tflite']
    """
    target = f"{PHONE_FOLDER}/{file.name}"
    options = [
        f"--graph={target}",
        f"--num_threads={threads}",
        f"--num_runs={runs}",
        "--warmup_runs=5",
        "--use_xnnpack=true",
    ]
    return [["adb", "push", str(file), target], ["adb", "shell", binary, *options]]


def parse_benchmark(output: str) -> float:
    """The milliseconds of a call in the output of `benchmark_model`, which gives microseconds.

    Raises:
        InputError: where the line is missing.

    Example:
        >>> parse_benchmark("Inference timings in us: Init: 12, First inference: 90, "
        ...                 "Warmup (avg): 61.2, Inference (avg): 60.5")
        0.0605
    """
    found = _AVERAGE.findall(output)
    if not found:
        last = " ".join(output.split())[-200:]
        raise InputError(
            "The output of benchmark_model must have a line with 'Inference (avg):'. "
            f"Received: {last!r}."
        )
    return float(found[-1]) / 1000


def measure_on_phone(
    files: Mapping[str, Path], binary: str, threads: int, runs: int
) -> dict[str, float]:
    """The milliseconds of a call of each file on the phone that is connected.

    Raises:
        InputError: where there is no adb or no phone, or the benchmark fails; with its words.
    """
    results = {}
    for name, file in files.items():
        output = ""
        for command in adb_commands(file, binary, threads, runs):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except FileNotFoundError as error:
                raise InputError(
                    "Measuring on a phone needs adb on the PATH. Received: none."
                ) from error
            output = done.stdout + done.stderr
            if done.returncode:
                raise InputError(
                    f"'{' '.join(command)}' failed: {' '.join(output.split())[-200:]}."
                )
        results[name] = parse_benchmark(output)
    return results


def this_device(threads: int, dtype: str) -> dict[str, Any]:
    """What a table measured here says of its device."""
    return {
        "device": _processor(),
        "runtime": "LiteRT",
        "runtime_version": metadata.version("ai-edge-litert"),
        "threads": threads,
        "delegate": "XNNPACK",
        "dtype": dtype,
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
