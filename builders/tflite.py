"""`export_tflite`: a Keras model as a .tflite file that was run before it was written (law 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fbnetv2_tf.atomic_files import write_bytes
from fbnetv2_tf.errors import ExportError

from .assembly import check_choice
from .export_report import ExportReport, report_of
from .extras import require_qat
from .litert import LiteGraph, LiteModel, read_graph
from .operator_files import place_of
from .tflite_convert import IMAGE_TYPES, QUANTIZATIONS, convert
from .tflite_graph import deployable
from .tflite_metadata import Metadata, with_metadata
from .tflite_proof import WHOLE_NUMBERS, keras_logits, prove

NOISE_IMAGES = 32
"""How many random images prove a float file when no images are given."""


def export_tflite(
    model: Any,
    path: Path | str,
    *,
    quantization: str = "none",
    calibration: NDArray[Any] | None = None,
    ranges: dict[str, tuple[float, float]] | None = None,
    proof_images: NDArray[Any] | None = None,
    proof_labels: NDArray[Any] | None = None,
    image_type: str | None = None,
    hard_swish: str | None = None,
    tolerance: float | None = None,
    metadata: Metadata | None = None,
) -> ExportReport:
    """Writes a Keras model as a .tflite file, after the LiteRT interpreter has run it.

    The file takes one image, has the signature `image -> logits`, and holds only operators that
    LiteRT's CPU delegate takes. A model under a mixed policy is rebuilt in float32.

    Args:
        model: a functional Keras model of Keras's own layers, from (batch, height, width, channels)
            images to (batch, classes) logits.
        path: the file to write.
        quantization: `none` (float32); `float16` (weights of 2 bytes); `weights` (kernels of 1
            byte, arithmetic in float32: the `weights` extra); `int8` (every operator in whole
            numbers); or `qat` (the same, in the ranges of `QuantizedNetwork`: the `qat` extra).
        calibration: images (images, height, width, channels) float in the range that the model
            takes, by which `int8` finds its ranges; 100 to 500 real ones.
        ranges: those that `qat` was trained with, `QuantizedNetwork.ranges()`.
        proof_images: images of the same form on which the file must agree with the model; None for
            the calibration images, or where there are none random ones.
        proof_labels: their classes (images,), for the accuracies in the report.
        image_type: of the file's input: `float32`, or with `int8` and `qat` also `int8` (their
            default) and `uint8`, which takes a pixel p of 0..255 as p / 255.
        hard_swish: `fused`, one operator; or `decomposed`, products that the delegate takes in int8
            too. None for the faster one: decomposed for `int8`, else fused. `qat` is decomposed.
        tolerance: the largest difference from the model, where it is not `TOLERANCES`' own.
        metadata: the classes' names and the pixels' normalisation, for apps; None for none.

    Returns:
        What was written, and how it agrees.

    Raises:
        ExportError: the model or the images are not of that form, the converter or the interpreter
            refuses, or the file does not agree with the model. No file is written then.
        RunError: the system refuses to write the file.

    Example:
        >>> import tempfile
        >>> import fbnetv2_tf as fb
        >>> model = fb.build_model("in_hw8_c3 cn_k3_s2_c8_nhs fc_c2")
        >>> report = fb.export_tflite(model, Path(tempfile.mkdtemp()) / "model.tflite")
        >>> report.macs, report.delegate_pieces, report.agreement.same_class
        (3472, 1, 1.0)
    """
    path = Path(path)
    image_type = image_type or ("int8" if quantization in WHOLE_NUMBERS else "float32")
    hard_swish = hard_swish or ("decomposed" if quantization == "int8" else "fused")
    _check_options(quantization, image_type, hard_swish)
    phone_model = deployable(model, fused_hard_swish=hard_swish == "fused")
    shape = tuple(model.input_shape[1:])
    calibration = _calibration_images(quantization, calibration, shape)
    images, proved_on = _proof_images(proof_images, calibration, shape)
    _check_labels(proof_labels, proof_images)

    if quantization == "qat":
        content, reference = _trained(model, ranges, images, image_type)
    else:
        content = convert(
            phone_model, quantization=quantization, calibration=calibration, image_type=image_type
        )
        # A mixed policy rounds inside the Keras model; the file must agree with its float32.
        exact = model if _computes_in_float32(model) else phone_model
        reference = keras_logits(exact, images)
    return write_proved(
        content,
        path,
        reference=reference,
        images=images,
        labels=proof_labels,
        quantization=quantization,
        image_type=image_type,
        tolerance=tolerance,
        proved_on=proved_on,
        metadata=metadata,
    )


def write_proved(
    content: bytes,
    path: Path,
    *,
    reference: NDArray[np.float32],
    images: NDArray[np.float32],
    labels: NDArray[Any] | None,
    quantization: str,
    image_type: str,
    tolerance: float | None = None,
    proved_on: str = "given",
    metadata: Metadata | None = None,
) -> ExportReport:
    """Writes the bytes of a .tflite file, once they were run and agreed with the reference.

    Args:
        content: the bytes.
        path: the file to write.
        reference: the logits that it must give for the images, (images, classes).
        images: (images, height, width, channels).
        labels: their classes, for the accuracies; or None.
        quantization, image_type, tolerance, metadata: as in `export_tflite`.
        proved_on: what the images are: `given` or `noise`.

    Raises:
        ExportError: where they are refused by the interpreter, have a float island, or disagree.
        RunError: where the system refuses to write the file.
    """
    if metadata is not None:
        content = with_metadata(content, metadata)
    graph = read_graph(content)
    _refuse_float_islands(graph, quantization, image_type)
    file = LiteModel(content, name=f"The .tflite ({quantization}) for '{path}'")
    agreement = prove(
        reference,
        file.predict(images),
        quantization=quantization,
        tolerance=tolerance,
        labels=labels,
    )
    write_bytes(path, content)
    return report_of(
        content,
        path,
        file,
        graph,
        agreement,
        quantization=quantization,
        image_type=image_type,
        proved_on=proved_on,
    )


def _check_options(quantization: str, image_type: str, hard_swish: str) -> None:
    check_choice("quantization", quantization, QUANTIZATIONS)
    check_choice("image_type", image_type, IMAGE_TYPES)
    check_choice("hard_swish", hard_swish, ("fused", "decomposed"))
    if quantization not in WHOLE_NUMBERS and image_type != "float32":
        raise ExportError(
            f"`image_type` must be float32 where the file computes in floating point "
            f"(quantization {quantization!r}). Received: {image_type!r}."
        )


def _calibration_images(quantization: str, images: Any, shape: tuple[int, ...]) -> Any:
    if quantization != "int8":
        return None if images is None else _checked(images, shape, "calibration")
    if images is None:
        raise ExportError(
            "`calibration` must be images when the quantization is 'int8': they give the ranges. "
            "Received: None."
        )
    return _checked(images, shape, "calibration")


def _proof_images(images: Any, calibration: Any, shape: tuple[int, ...]) -> tuple[Any, str]:
    if images is not None:
        return _checked(images, shape, "proof_images"), "given"
    if calibration is not None:
        return calibration, "given"
    return np.random.default_rng(0).random((NOISE_IMAGES, *shape), np.float32), "noise"


def _checked(images: Any, shape: tuple[int, ...], argument: str) -> NDArray[np.float32]:
    """The images as float32, or an error that says what they are."""
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[1:] != shape or not len(array):
        raise ExportError(
            f"`{argument}` must have the shape (images, {', '.join(map(str, shape))}) with one "
            f"image at least. Received: {array.shape}."
        )
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ExportError(
            f"`{argument}` must be finite floating-point numbers, in the range the model takes. "
            f"Received: {array.dtype} from {array.min()} to {array.max()}."
        )
    return array.astype(np.float32)


def _check_labels(labels: Any, images: Any) -> None:
    if labels is not None and (images is None or np.shape(labels) != (len(images),)):
        expected = "proof_images with them" if images is None else f"the shape ({len(images)},)"
        raise ExportError(f"`proof_labels` must have {expected}. Received: {np.shape(labels)}.")


def _refuse_float_islands(graph: LiteGraph, quantization: str, image_type: str) -> None:
    """Every operator of an int8 file computes in whole numbers, but for the border casts."""
    if quantization not in WHOLE_NUMBERS:
        return
    border = ("QUANTIZE", "DEQUANTIZE") if image_type == "float32" else ()
    found = [each for each in graph.float_operators if each.name not in border]
    # Around an operator that computes in floating point stand casts, which are not what is wrong.
    causes = [each for each in found if each.name not in ("QUANTIZE", "DEQUANTIZE")] or found
    islands = sorted({f"{each.name} ({place_of(each.output)})" for each in causes})
    if islands:
        raise ExportError(
            f"Every operator of an int8 file must compute in whole numbers, so it was not written. "
            f"Received: floating point in {', '.join(islands)}."
        )


def _trained(model: Any, ranges: Any, images: Any, image_type: str) -> tuple[bytes, Any]:
    """The bytes of a network in the ranges it was trained with, and the logits it was to give."""
    if ranges is None:
        raise ExportError(
            "`ranges` must be those that the network was trained with (fbnetv2-train --qat, or "
            "`QuantizedNetwork.ranges()`) when the quantization is 'qat'. Received: None."
        )
    require_qat("The form 'qat'")
    # It takes seconds to load, for this form alone.
    from .qat import QuantizedNetwork

    network = QuantizedNetwork(model, ranges=ranges)
    return network.content(image_type), network.logits(images)


def _computes_in_float32(model: Any) -> bool:
    return all(layer.compute_dtype == "float32" for layer in model.layers)
