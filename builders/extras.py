"""The libraries that only some forms of a file need, and the sentence where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from fbnetv2_tf.errors import InputError


def require(what: str, extra: str, *modules: str) -> None:
    """Raises `InputError`, with the command that installs the extra, where a module is missing.

    Example:
        >>> require("Counting", "test", "json")
        >>> require("Pruning", "qat", "tfmot_of_nobody")
        Traceback (most recent call last):
        fbnetv2_tf.errors.InputError: Pruning needs tfmot_of_nobody: pip install 'fbnetv2-tf[qat]'.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise InputError(f"{what} needs {missing[0]}: pip install 'fbnetv2-tf[{extra}]'.")


def require_qat(what: str) -> None:
    """The `qat` extra: tf_keras and tensorflow-model-optimization."""
    require(what, "qat", "tf_keras", "tensorflow_model_optimization")
