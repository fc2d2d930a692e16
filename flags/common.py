"""Flags that several drivers share, each defined in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.tokens import format_number
from fbnetv2_tf.units import COUNT, parse_quantity


class PathParser(flags.ArgumentParser):  # type: ignore[misc]
    """A path; `~` is the home folder."""

    placeholder = "PATH"

    def parse(self, argument: str | Path) -> Path:
        """The path of a text; an empty one is refused."""
        if not str(argument).strip():
            raise ValueError("a path must not be empty")
        return Path(argument).expanduser()

    def flag_type(self) -> str:
        """The name of the type."""
        return "path"


class QuantityParser(flags.ArgumentParser):  # type: ignore[misc]
    """A number with a unit, or where `many` a comma-separated list of them."""

    def __init__(self, unit: str, many: bool) -> None:
        super().__init__()
        self.unit, self.many = unit, many
        example = {COUNT: "60M", "KiB": "512Ki", "ms": "8ms"}[unit]
        self.placeholder = f"{example},..." if many else example

    def parse(self, argument: Any) -> Any:
        """The value in the unit, or the tuple of values."""
        if not isinstance(argument, str):
            return argument
        if self.many:
            return tuple(parse_quantity(part, self.unit) for part in argument.split(","))
        return parse_quantity(argument, self.unit)

    def flag_type(self) -> str:
        """The name of the type."""
        return "quantity"


class _QuantitySerializer(flags.ArgumentSerializer):  # type: ignore[misc]
    """Writes what `QuantityParser` reads, exactly."""

    def serialize(self, value: Any) -> str:
        """The text of a value."""
        values = value if isinstance(value, tuple) else (value,)
        # As many decimals as `parse_quantity` reads.
        return ",".join(format_number(round(number, 9)) for number in values)


def define_quantity(
    flag_values: Any, name: str, text: str, *, unit: str = COUNT, many: bool = False
) -> None:
    """Defines a limit such as `--max_macs=60M`; without it the value is None.

    Args:
        flag_values: where.
        name: of the flag.
        text: its help.
        unit: of `fbnetv2_tf.units`; the value is in it.
        many: whether `30M,60M` is a tuple of values (always a tuple, then).
    """
    flags.DEFINE(
        QuantityParser(unit, many),
        name,
        None,
        text,
        flag_values=flag_values,
        serializer=_QuantitySerializer(),
    )


def define_path(flag_values: Any, name: str, text: str, default: str | None = None) -> None:
    """Defines a flag whose value is a `Path`, or None."""
    flags.DEFINE(
        PathParser(),
        name,
        default,
        text,
        flag_values=flag_values,
        serializer=flags.ArgumentSerializer(),
    )


AUGMENT = (
    "Augmentation: none, flip, light, strong, or such as flip_crop2_zoom0.35_rand0.5_mixup0.2."
)
"""The help of `--augment`."""


def define_dataset(flag_values: Any, otherwise: str = "fashion_mnist_10k") -> None:
    """Defines `--dataset` and `--data_dir`; `otherwise` says what is taken where none is given."""
    flags.DEFINE_string(
        "dataset",
        None,
        "fashion_mnist_10k (shipped), fashion_mnist, cifar10, cifar100, directory, npz or "
        f"tfds:<name>. Without it: {otherwise}.",
        flag_values=flag_values,
    )
    define_path(flag_values, "data_dir", "Where the data set lies, for those that are not shipped.")


def define_run(flag_values: Any) -> None:
    """Defines `--run`."""
    define_path(flag_values, "run", "A run folder: its architecture, data set and child are used.")


def define_architecture(flag_values: Any) -> None:
    """Defines `--architecture`."""
    flags.DEFINE_string(
        "architecture",
        None,
        "A network: its text, a name of the zoo, a file of the text, or a run folder.",
        flag_values=flag_values,
    )


def one_of(flag_values: Any, *names: str) -> str:
    """The one flag of `names` that is given.

    Raises:
        InputError: where none is, or more than one.
    """
    given = [name for name in names if flag_values[name].value is not None]
    if len(given) != 1:
        words = " or ".join(f"--{name}" for name in names)
        received = ", ".join(f"--{name}" for name in given) or "none of them"
        raise InputError(f"Exactly one of {words} must be given. Received: {received}.")
    return given[0]
