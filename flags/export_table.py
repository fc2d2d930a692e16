"""What `fbnetv2-export` prints of a file that it has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fbnetv2_tf.units import KIB, format_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fbnetv2_tf.builders.deployment import Finding
    from fbnetv2_tf.builders.export_report import ExportReport

_NAMES = {
    "none": "float32",
    "float16": "float16 weights",
    "weights": "int8 weights, float32 arithmetic",
    "int8": "int8",
    "qat": "int8, in the ranges it was trained with",
}


def export_table(report: ExportReport) -> str:
    """The report as lines for a person: what was written, how it agrees, how it will run."""
    agreement = report.agreement
    rows = [
        ("form", f"{_NAMES[report.quantization]}, {report.image_type} images"),
        (
            "size",
            f"{format_quantity(report.size_bytes / 1024, KIB)}, compressed "
            f"{format_quantity(report.compressed_bytes / 1024, KIB)}",
        ),
        ("multiply-adds", f"{report.macs:,}"),
        ("operators", ", ".join(f"{count} {name}" for name, count in report.operators.items())),
        ("CPU delegate", _pieces(report)),
        ("arena", f"{format_quantity(report.arena_bytes / 1024, KIB)} for maps"),
        ("latency", f"{report.latency_ms:.3f} ms on this machine, one thread"),
        (
            "agreement",
            f"the model's class for {100 * agreement.same_class:.2f} % of {agreement.images:,} "
            f"images, difference {agreement.difference:.2g} (at most {agreement.tolerance:g})",
        ),
    ]
    if agreement.tflite_accuracy is not None and agreement.keras_accuracy is not None:
        keras, tflite = 100 * agreement.keras_accuracy, 100 * agreement.tflite_accuracy
        rows.append(("accuracy", f"{tflite:.2f} % (Keras {keras:.2f} %)"))
    lines = [f"{report.path}", *(f"  {name:<14} {text}" for name, text in rows)]
    return "\n".join([*lines, *(f"  warning: {warning}" for warning in report.warnings)])


def _pieces(report: ExportReport) -> str:
    if not report.delegate_pieces:
        return "takes nothing of the graph"
    left = len(report.undelegated_operators)
    pieces = "1 piece" if report.delegate_pieces == 1 else f"{report.delegate_pieces} pieces"
    return f"{pieces}, {left or 'no'} operator{'' if left == 1 else 's'} left to slower kernels"


def finding_lines(found: Sequence[Finding], target: str) -> list[str]:
    """What a target will not like, a line each."""
    if not found:
        return [f"  {target:<14} takes the file as it is"]
    return [f"  {target}: {finding}" for finding in found]
