"""The state of a training on disk: everything that its next epoch depends on.

The images of an epoch are a function of (seed, epoch), so the variables of the model and of its
optimizer, and the number of the epoch, are the whole state.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .atomic_files import write_bytes
from .errors import InputError, RunError
from .interruption import RunInterruptedError, StopRequest

KEPT = 2
"""Checkpoints that are kept: where the last one cannot be read, the one before it can."""

LARGEST_LOSS = 1e4
"""A mean loss above it counts as diverged."""


class TrainingState(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves a training after every epoch, and brings it back.

    Args:
        folder: of the checkpoints; None to keep nothing.
        identity: what the training is of (architecture, data, recipe); a checkpoint of another one
            is refused.
        stop: looked at after every batch; once a signal was received the training ends there.

    Attributes:
        epochs: the metrics of each finished epoch.
    """

    def __init__(
        self, folder: Path | None, identity: dict[str, Any], stop: StopRequest | None = None
    ) -> None:
        super().__init__()
        self.folder = folder
        self.identity = identity
        self.stop = stop
        self.epochs: list[dict[str, float]] = []

    def restore(self, model: Any) -> int:
        """Loads the newest checkpoint that can be read into a compiled model.

        Returns:
            The number of finished epochs, 0 where there is no checkpoint.

        Raises:
            RunError: where the checkpoint is of another training.
        """
        for path in reversed(self._checkpoints()):
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                    saved = {name: arrays[name] for name in arrays.files}
                header = json.loads(saved.pop("header").tobytes())
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue  # cut off in the middle: the one before it is whole
            self._check(path, header, saved, model)
            for name, variable in _variables(model).items():
                variable.assign(saved[name])
            self.epochs = header["epochs"]
            return len(self.epochs)
        return 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.stop is not None and self.stop.received:
            saved = f"{len(self.epochs)} finished epochs are saved in '{self.folder}'; "
            raise RunInterruptedError(
                f"{saved if self.folder else 'Nothing was to be saved; '}the same command goes on."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if not metrics.get("loss", 0.0) <= LARGEST_LOSS:
            raise InputError(
                f"The training diverged in epoch {epoch + 1}: the loss must stay below "
                f"{LARGEST_LOSS:g}. Received: {metrics['loss']:g}. Try a smaller learning rate."
            )
        self.epochs.append(metrics)
        if self.folder is not None:
            self._save(self.folder / f"epoch_{epoch + 1:05d}.npz")

    def _save(self, path: Path) -> None:
        header = json.dumps({"identity": self.identity, "epochs": self.epochs}).encode()
        arrays = {
            name: keras.ops.convert_to_numpy(variable)
            for name, variable in _variables(self.model).items()
        }
        buffer = io.BytesIO()
        np.savez(buffer, header=np.frombuffer(header, np.uint8), **arrays)
        write_bytes(path, buffer.getvalue())
        for old in self._checkpoints()[:-KEPT]:
            old.unlink(missing_ok=True)

    def _checkpoints(self) -> list[Path]:
        return [] if self.folder is None else sorted(self.folder.glob("epoch_*.npz"))

    def _check(self, path: Path, header: Any, saved: dict[str, Any], model: Any) -> None:
        theirs = header.get("identity", {}) if isinstance(header, dict) else {}
        for name, value in json.loads(json.dumps(self.identity)).items():
            if theirs.get(name) != value:
                raise RunError(
                    f"The checkpoint '{path}' is of another training. Expected: {name} "
                    f"{theirs.get(name)!r}. Received: {value!r}. Give the flags of that training, "
                    "or another --output."
                )
        shapes = {name: tuple(variable.shape) for name, variable in _variables(model).items()}
        if shapes != {name: array.shape for name, array in saved.items()}:
            raise RunError(f"The checkpoint '{path}' is of another network. Give another --output.")


def _variables(model: Any) -> dict[str, Any]:
    """Everything that a step changes, generators of random numbers included."""
    everything = [*model.variables, *model.optimizer.variables]
    return {f"v{number:05d}": variable for number, variable in enumerate(everything)}
