"""Keras models in files: written atomically, read with one sentence for what is wrong."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from fbnetv2_tf.atomic_files import replacing
from fbnetv2_tf.errors import RunError

LEAST_REFUSED = 1 << 28
"""Bytes up to which a file may unpack to, whatever it promises."""

_LARGEST_RATIO = 20
"""Keras packs nothing, and weights hardly shrink; a bomb of zeros shrinks a thousandfold."""


def save_model(model: Any, path: Path) -> None:
    """Writes a `.keras` file at once or not at all.

    Args:
        model: a Keras model; what it was compiled with is not kept.
        path: the file, whose name ends in `.keras`.

    Raises:
        RunError: where the system refuses, or the name has another ending.
    """
    if path.suffix != ".keras":
        raise RunError(f"A model's file must end in '.keras'. Received: '{path}'.")
    with replacing(path) as new:
        model.save(new, include_optimizer=False)


def load_model(path: Path) -> Any:
    """Reads a `.keras` file without running any code that is in it.

    Raises:
        RunError: where there is no such file, or it does not hold a Keras model of stock layers.
    """
    if not path.is_file():
        raise RunError(f"There is no file '{path}'.")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise RunError(f"'{path}' is not a .keras file.")
    _require_plausible_size(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    # A damaged or hostile file can fail anywhere in Keras's reader, in every way there is.
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        reason = _foreign_layer(path) or reason
        raise RunError(f"'{path}' does not hold a model that can be loaded: {reason}") from error


def _require_plausible_size(path: Path) -> None:
    """Refuses a small file that unpacks to gigabytes."""
    packed = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise RunError(f"'{path}' is not a .keras file: {error}.") from error
    if unpacked > max(LEAST_REFUSED, _LARGEST_RATIO * packed):
        raise RunError(
            f"'{path}' must be a model, which unpacks to about its own size. Received: "
            f"{packed:,} bytes that unpack to {unpacked:,}."
        )


def _foreign_layer(path: Path) -> str:
    """The sentence that names the first layer that is not Keras's own, or ""; runs nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
        known = [(str(each["module"]), each["class_name"], each["name"]) for each in layers]
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return ""
    for module, kind, name in known:
        if kind == "Lambda" or not module.startswith("keras"):
            return (
                f"the layer {name!r} must be one of Keras's own, without code of its own. "
                f"Received: {kind}."
            )
    return ""
