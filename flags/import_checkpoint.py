"""`fbnetv2-import`: PyTorch weights into a Keras model, and a Keras model into timm's weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absl import flags

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.builders.lookup import resolve_architecture
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.errors import InputError

from .common import define_architecture, define_path
from .driver import Driver
from .quiet import import_tensorflow

NAMINGS = ("auto", "mobile-vision", "timm")


@dataclass(frozen=True)
class ImportOptions:
    """What `fbnetv2-import` was asked for; the flags of the same names say what each is."""

    checkpoint: Path
    architecture: str
    output: Path
    to: str
    naming: str
    bn_epsilon: float
    normalize: str


def define(values: Any) -> None:
    """Registers the flags."""
    define_path(
        values, "checkpoint", "What to read: PyTorch's .pth; with --to=timm, a .keras file."
    )
    define_architecture(values)
    define_path(values, "output", "What to write: a .keras file; with --to=timm, a .pth.")
    flags.DEFINE_enum(
        "to",
        "keras",
        ["keras", "timm"],
        "keras imports PyTorch weights; timm writes a Keras model's weights by timm's names.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "naming",
        "auto",
        NAMINGS,
        "Whose names the checkpoint has; auto looks at them.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "bn_epsilon",
        1e-5,
        "Of the BatchNorms that the weights were trained with; timm's fbnetc_100 has 0.001.",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_enum(
        "normalize",
        "none",
        ["none", "unit", "signed", "imagenet"],
        "What the model itself does to pixels from 0 to 255; none leaves that to its user.",
        flag_values=values,
    )


def options(values: Any) -> ImportOptions:
    """Reads the flags."""
    for name, example in (
        ("checkpoint", "model.pth"),
        ("architecture", "fbnetv2_f1"),
        ("output", "f1.keras"),
    ):
        if values[name].value is None:
            raise InputError(f"--{name} must be given, such as --{name}={example}.")
    suffix = ".pth" if values.to == "timm" else ".keras"
    if values.output.suffix != suffix:
        raise InputError(
            f"--output must end with {suffix} for --to={values.to}. Received: "
            f"{str(values.output)!r}."
        )
    names = ("checkpoint", "architecture", "output", "to", "naming", "bn_epsilon", "normalize")
    return ImportOptions(**{name: values[name].value for name in names})


def main(options: ImportOptions) -> None:
    """Converts, and says what was converted."""
    architecture = resolve_architecture(options.architecture)
    if options.to == "timm":
        _to_timm(architecture, options)
    else:
        _to_keras(architecture, options)


def _to_keras(architecture: Architecture, options: ImportOptions) -> None:
    from fbnetv2_tf.builders.checkpoint_files import read_checkpoint

    checkpoint = read_checkpoint(options.checkpoint)
    import_tensorflow()
    from fbnetv2_tf.builders.checkpoints import import_state
    from fbnetv2_tf.builders.keras_file import save_model

    is_known = options.architecture in zoo
    model = import_state(
        architecture,
        checkpoint.state,
        naming=None if options.naming == "auto" else options.naming,
        bn_epsilon=options.bn_epsilon,
        normalize=None if options.normalize == "none" else options.normalize,
        name=zoo[options.architecture].name if is_known else None,
    )
    save_model(model, options.output)
    print(
        f"{options.output}: {len(checkpoint.state):,} tensors of {checkpoint.origin!r} in "
        f"{str(options.checkpoint)!r}, {model.count_params():,} numbers, symmetric padding"
    )


def _to_timm(architecture: Architecture, options: ImportOptions) -> None:
    import_tensorflow()
    from fbnetv2_tf.builders.checkpoint_files import write_checkpoint
    from fbnetv2_tf.builders.checkpoints import export_state
    from fbnetv2_tf.builders.keras_file import load_model

    state = export_state(load_model(options.checkpoint), architecture)
    write_checkpoint(options.output, state)
    print(f"{options.output}: {len(state):,} tensors by timm's names")


DRIVER = Driver(
    name="fbnetv2-import",
    summary="Converts PyTorch weights to a Keras model, and a Keras model to timm's weights.",
    usage=(
        "fbnetv2-import --checkpoint=model.pth --architecture=fbnetv2_f1 --output=f1.keras",
        "fbnetv2-import --to=timm --checkpoint=c.keras --architecture=fbnetc_100 --output=c.pth",
    ),
    first=("checkpoint", "architecture", "output", "to", "naming", "bn_epsilon", "normalize"),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
