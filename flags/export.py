"""`fbnetv2-export`: a trained network as a .tflite file that was run before it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from absl import flags

from fbnetv2_tf.builders.lookup import resolve_architecture
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.run_folder import CHILD, CHILD_QAT, EXPORT, FURTHER, TRAIN, RunFolder

from .common import define_architecture, define_path, define_run, one_of
from .driver import Driver
from .export_table import export_table, finding_lines
from .quiet import import_tensorflow, quiet_start
from .report import add_report
from .run_data import DataChoice, data_choice, define_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.datasets.splits import DataSplits, Split

FORMS = ("none", "float16", "weights", "int8", "qat")
CALIBRATION_SEED = 0
STATISTICS_IMAGES = 32
"""For the BatchNorms of a network with random weights."""


@dataclass(frozen=True)
class ExportOptions:
    """What `fbnetv2-export` was asked for.

    Attributes:
        model: the .keras file; None for an architecture with random weights.
        architecture: in that case.
        output: the .tflite file.
        data: the data set of calibration and proof.
        quantization, image_type, hard_swish: as `export_tflite` takes them.
        target: one of `deployment.TARGETS`, to be told what it will not like.
        calibration_images, proof_images: how many.
    """

    model: Path | None
    architecture: Architecture | None
    output: Path
    data: DataChoice
    quantization: str
    image_type: str | None
    hard_swish: str | None
    target: str | None
    calibration_images: int
    proof_images: int


def define(values: Any) -> None:
    """Registers the flags."""
    define_run(values)
    define_path(values, "model", "A .keras file, where it is not the run folder's child.keras.")
    define_architecture(values)
    flags.DEFINE_enum(
        "quantization",
        "none",
        FORMS,
        "none: float32; float16: weights of 2 bytes; weights: kernels of 1 byte, arithmetic in "
        "float32; int8: every operator in whole numbers; qat: the same, from fbnetv2-train --qat.",
        flag_values=values,
    )
    define_path(
        values, "output", "The file. Default: model.tflite or model_<quantization>.tflite beside."
    )
    define_data(values)
    flags.DEFINE_enum(
        "image_type",
        None,
        ["float32", "int8", "uint8"],
        "Of the file's input; without it int8 for int8, else float32. uint8 takes raw pixels.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "hard_swish",
        None,
        ["fused", "decomposed"],
        "One operator, or products that LiteRT's delegate takes in int8 too. Without it the "
        "faster one.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "target",
        None,
        ["xnnpack", "tflm", "edgetpu", "gpu"],
        "Say what in the file this target will not like, and what to change.",
        flag_values=values,
    )
    for name, default, text in (
        ("calibration_images", 300, "Training images by which int8 finds its ranges."),
        ("proof_images", 2000, "Test images on which the file must agree, at most."),
    ):
        flags.DEFINE_integer(name, default, text, lower_bound=1, flag_values=values)


def options(values: Any) -> ExportOptions:
    """Reads the flags."""
    given = one_of(values, "run", "model", "architecture")
    if given == "architecture":
        model, run, output = None, None, values.output
        architecture = _untrained(values)
    else:
        architecture = None
        run = RunFolder(values.run if given == "run" else values.model.parent)
        child = CHILD_QAT if values.quantization == "qat" else CHILD
        model = run.existing(child) if given == "run" else values.model
        output = values.output or run / _file_name(model, values.quantization)
    if output.suffix != ".tflite":
        raise InputError(f"--output must end in '.tflite'. Received: '{output}'.")
    return ExportOptions(
        model=model,
        architecture=architecture,
        output=output,
        data=data_choice(values, run),
        **{
            name: values[name].value
            for name in ("quantization", "image_type", "hard_swish", "target")
        },
        **{name: values[name].value for name in ("calibration_images", "proof_images")},
    )


def _untrained(values: Any) -> Architecture:
    """The architecture to be exported with random weights."""
    if values.output is None or values.quantization == "qat":
        raise InputError(
            "--architecture has random weights: it needs --output, and --quantization other than "
            f"qat. Received: --output={values.output}, --quantization={values.quantization}."
        )
    return resolve_architecture(values.architecture)


def _file_name(model: Path, quantization: str) -> str:
    """`model`, then what sets the model apart from a run's child, then the form."""
    of_child = model.stem.removeprefix("child").strip("_")
    parts = ("model", of_child, quantization if quantization != "none" else "")
    return "_".join(dict.fromkeys(filter(None, parts))) + ".tflite"


def main(options: ExportOptions) -> None:
    """Exports, proves, writes, and prints what was written."""
    import_tensorflow()
    from fbnetv2_tf.builders.tflite import export_tflite
    from fbnetv2_tf.builders.tflite_metadata import Metadata
    from fbnetv2_tf.builders.untrained import UNTRAINED_TOLERANCES
    from fbnetv2_tf.datasets import image_errors

    with image_errors():
        model, data = _model_and_data(options)
        calibration, _ = sample(data.train, options.calibration_images)
        images, labels = sample(data.test, options.proof_images)
    is_trained = options.model is not None
    names_fit = is_trained and model.output_shape[-1] == data.classes
    with quiet_start():  # the converter and the interpreter narrate to file descriptor 2
        report = export_tflite(
            model,
            options.output,
            quantization=options.quantization,
            calibration=calibration,
            ranges=_ranges(options),
            proof_images=images,
            proof_labels=labels if names_fit else None,
            image_type=options.image_type,
            hard_swish=options.hard_swish,
            tolerance=None if is_trained else UNTRAINED_TOLERANCES.get(options.quantization),
            metadata=Metadata(data.class_names if names_fit else ()),
        )
    run = RunFolder(options.output.parent)
    earlier = run.read_record(EXPORT) if run.has(EXPORT) else {}
    run.write_json(EXPORT, {**earlier, options.output.name: report.as_json()})
    print(export_table(report))
    if not is_trained:
        print("  The weights are random: the file is for its size and its latency.")
    if options.target is not None:
        from fbnetv2_tf.builders.deployment import findings

        with quiet_start():
            found = findings(options.output.read_bytes(), options.target)
        print("\n".join(finding_lines(found, options.target)))
    if run.has(TRAIN):
        add_report(run)


def _model_and_data(options: ExportOptions) -> tuple[Any, DataSplits]:
    """The model, and the data set in its size."""
    if options.model is not None:
        from fbnetv2_tf.builders.keras_file import load_model

        model = load_model(options.model)
        side, channels = model.input_shape[1], model.input_shape[-1]
        return model, options.data.load(image_side=side, channels=channels)
    import keras

    from fbnetv2_tf.builders.untrained import untrained_model

    keras.utils.set_random_seed(CALIBRATION_SEED)
    architecture = cast("Architecture", options.architecture)
    data = options.data.load(image_side=architecture.side, channels=architecture.input_channels)
    images, _ = sample(data.train, STATISTICS_IMAGES)
    return untrained_model(architecture, images), data


def _ranges(options: ExportOptions) -> dict[str, tuple[float, float]] | None:
    """The ranges beside a model that was trained with int8's rounding."""
    if options.quantization != "qat" or options.model is None:
        return None
    ranges = RunFolder(options.model.parent).read_json(FURTHER).get("qat", {}).get("ranges", {})
    return {name: (low, high) for name, (low, high) in ranges.items()}


def sample(part: Split, count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Up to `count` images of a part with their labels, of all classes, the same every time.

    Parts can be sorted by class, so the first images would not do.
    """
    batch = min(count, part.size)
    images, labels = next(iter(part.epoch(batch, 0, shuffle_seed=CALIBRATION_SEED)))
    return images.numpy(), labels.numpy()


DRIVER = Driver(
    name="fbnetv2-export",
    summary="Writes a trained network as a .tflite file, once it has been run and compared.",
    usage=(
        "fbnetv2-export --run=runs/first --quantization=int8",
        "fbnetv2-export --model=child.keras --output=phone.tflite",
        "fbnetv2-export --architecture=fbnetv2_f1 --quantization=int8 --output=f1.tflite",
    ),
    first=(
        "run",
        "quantization",
        "output",
        "model",
        "architecture",
        "image_type",
        "target",
        "dataset",
        "data_dir",
        "calibration_images",
        "proof_images",
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
