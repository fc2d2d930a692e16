"""PyTorch's .pth files: read as arrays with nothing executed, and written.

The only file of the package that imports PyTorch, and only when a checkpoint is read or written.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fbnetv2_tf.atomic_files import replacing
from fbnetv2_tf.errors import CheckpointError


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a checkpoint.

    Attributes:
        state: name -> array, without the `module.` of data-parallel training.
        origin: which part of the file they are: `model_ema`, `state_dict` or `file`.
    """

    state: dict[str, NDArray[Any]]
    origin: str


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint; its moving averages (`model_ema`) are preferred where it has them.

    Args:
        path: a file that `torch.save` wrote: a state dictionary, or a dictionary that has one.

    Returns:
        The weights as arrays, halves and bfloat16 as float32.

    Raises:
        CheckpointError: PyTorch is missing, or the file is no such checkpoint.
    """
    torch = _torch()
    if not path.is_file():
        raise CheckpointError(f"The checkpoint must be a file. Received: {str(path)!r}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on formats; what cannot be read raises
            content = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged or hostile file can fail anywhere in PyTorch's reader, in every way there is.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"The checkpoint {str(path)!r} must be a PyTorch file that holds tensors alone. "
            f"Received: {reason[:200]}"
        ) from error
    tensors, origin = _state_of(content, path)
    state = {name.removeprefix("module."): _array(tensor) for name, tensor in tensors.items()}
    return Checkpoint(state, origin)


def write_checkpoint(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    """Writes a state dictionary as a file for `torch.load`.

    Raises:
        CheckpointError: PyTorch is missing.
    """
    torch = _torch()
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in state.items()}
    with replacing(path) as new:
        torch.save(tensors, new)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise CheckpointError(
            "Reading and writing PyTorch checkpoints needs PyTorch: install 'fbnetv2-tf[torch]'."
        ) from error
    return torch


def _state_of(content: Any, path: Path) -> tuple[dict[str, Any], str]:
    """The state dictionary in what was loaded, and under which name it was."""
    origin = "file"
    if isinstance(content, Mapping):
        for name in ("model_ema", "state_dict"):
            if isinstance(content.get(name), Mapping):
                content, origin = content[name], name
                break
    is_state = isinstance(content, Mapping) and content
    if not is_state or not all(_is_tensor(name, value) for name, value in content.items()):
        raise CheckpointError(
            f"The checkpoint {str(path)!r} must be a state dictionary, or have one as 'state_dict' "
            f"or 'model_ema'. Received: {_kind(content)}."
        )
    return dict(content), origin


def _is_tensor(name: object, value: object) -> bool:
    return isinstance(name, str) and hasattr(value, "detach")


def _kind(content: Any) -> str:
    if isinstance(content, Mapping):
        keys = ", ".join(repr(key) for key in list(content)[:4])
        return f"a dictionary with {keys or 'nothing in it'}"
    return type(content).__name__


def _array(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach()
    return np.asarray((tensor.float() if tensor.is_floating_point() else tensor).numpy())
