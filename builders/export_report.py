"""What `export_tflite` tells of a file that it has written."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fbnetv2_tf.run_folder import versions

from .latency import measure_here
from .litert import LiteGraph, LiteModel
from .litert_arena import litert_arena_bytes
from .tflite_proof import Agreement

LATENCY_SAMPLES = 10
"""Of each file that is written; `fbnetv2-benchmark` takes more, and compares."""


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how it was found to agree.

    Attributes:
        path: the file.
        quantization: `none`, `float16`, `weights`, `int8`, or `qat` (int8 in the ranges it was
            trained with).
        image_type: of the file's input.
        size_bytes: of the file.
        compressed_bytes: of the file as an app's package holds it, compressed by zlib.
        macs: multiply-adds for one image, counted from the file's operators.
        operators: how often each operator occurs.
        float_operators: how many operators touch a floating-point tensor.
        arena_bytes: that LiteRT reserves for the network's maps, without a delegate.
        latency_ms: of a call on the machine that wrote the file: one thread, the median of
            `LATENCY_SAMPLES`.
        delegate_pieces: into how many pieces the CPU delegate takes the graph; one is the fastest.
        undelegated_operators: the operators that it leaves out.
        agreement: with the Keras model.
        proved_on: what images the agreement is on: `given` or `noise`.
        versions: of Python, this package and its libraries.
    """

    path: Path
    quantization: str
    image_type: str
    size_bytes: int
    compressed_bytes: int
    macs: int
    operators: dict[str, int]
    float_operators: int
    arena_bytes: int
    latency_ms: float
    delegate_pieces: int
    undelegated_operators: tuple[str, ...]
    agreement: Agreement
    proved_on: str
    versions: dict[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the file slower than it could be; empty where nothing does."""
        if self.delegate_pieces <= 1:
            return ()
        names = ", ".join(sorted(set(self.undelegated_operators)))
        return (
            f"LiteRT's CPU delegate takes the graph in {self.delegate_pieces} pieces, because it "
            f"leaves out {names}; one piece is the fastest.",
        )

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, for `export.json`."""
        return {**asdict(self), "path": self.path.name, "warnings": list(self.warnings)}


def report_of(
    content: bytes,
    path: Path,
    file: LiteModel,
    graph: LiteGraph,
    agreement: Agreement,
    **form: str,
) -> ExportReport:
    """The report of a file.

    Args:
        content: its bytes.
        path: where it was written.
        file: the bytes, loaded.
        graph: the bytes, read.
        agreement: with the Keras model.
        **form: `quantization`, `image_type` and `proved_on`.
    """
    return ExportReport(
        path=path,
        size_bytes=len(content),
        compressed_bytes=len(zlib.compress(content, 9)),
        macs=graph.macs,
        operators=graph.operator_counts,
        float_operators=len(graph.float_operators),
        arena_bytes=litert_arena_bytes(content),
        latency_ms=measure_here({str(path): content}, repeats=LATENCY_SAMPLES)[str(path)],
        delegate_pieces=file.pieces,
        undelegated_operators=file.undelegated_operators,
        agreement=agreement,
        versions=versions(),
        **form,
    )
