"""The state of a search on disk: everything that the next epoch depends on, in one atomic file.

The samples of a step are a function of (seed, step) and the data of an epoch one of (seed, epoch),
so variables and the number of the epoch are the whole state.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import keras
import numpy as np

from .errors import RunError
from .interruption import RunInterruptedError, StopRequest
from .run_folder import CHECKPOINTS, RunFolder
from .supernet import Supernet

KEPT = 2
"""Checkpoints that are kept: where the last one cannot be read, the one before it can."""


class SearchState(keras.callbacks.Callback):
    """Saves a search after every epoch, and brings it back.

    Args:
        run: the folder.
        net: a compiled supernet.
        stop: looked at after every batch; where a signal was received the search ends with the
            last epoch's state saved.

    Attributes:
        epochs: what is known of each finished epoch, a list of dicts.
    """

    def __init__(self, run: RunFolder, net: Supernet, stop: StopRequest | None = None) -> None:
        super().__init__()
        self.run = run
        self.net = net
        self.stop = stop
        self.epochs: list[dict[str, Any]] = []

    def restore(self) -> int:
        """Loads the newest checkpoint that can be read.

        Returns:
            The number of finished epochs, 0 where there is no checkpoint.

        Raises:
            RunError: where the checkpoint is of another space or other settings.
        """
        for path in sorted((self.run / CHECKPOINTS).glob("epoch_*.npz"), reverse=True):
            try:
                with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                    saved = {name: arrays[name] for name in arrays.files}
            except (OSError, ValueError, EOFError, zipfile.BadZipFile):
                continue
            self._assign(saved, str(path))
            return len(self.epochs)
        return 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.stop is not None and self.stop.received:
            raise RunInterruptedError(
                f"{len(self.epochs)} finished epochs are saved in '{self.run.path}'; the same "
                "command continues."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        entry = {name: float(value) for name, value in (logs or {}).items()}
        probabilities = {n: p.tolist() for n, p in self.net.probabilities().items()}
        self.epochs.append({**entry, "probabilities": probabilities})
        buffer = io.BytesIO()
        history = np.frombuffer(json.dumps(self.epochs).encode(), np.uint8)
        np.savez(buffer, history=history, **self._variables())  # type: ignore[arg-type]
        name = f"{CHECKPOINTS}/epoch_{epoch + 1:05d}.npz"
        self.run.write_bytes(name, buffer.getvalue())
        for old in sorted((self.run / CHECKPOINTS).glob("epoch_*.npz"))[:-KEPT]:
            old.unlink(missing_ok=True)

    def _variables(self) -> dict[str, np.ndarray]:
        return {
            f"v{i:05d}": keras.ops.convert_to_numpy(variable)
            for i, variable in enumerate(self._all())
        }

    def _all(self) -> list[Any]:
        optimizers = (self.net.optimizer, self.net.architecture_optimizer)
        return [*self.net.weights, *(v for o in optimizers for v in o.variables)]

    def _assign(self, saved: dict[str, np.ndarray], path: str) -> None:
        variables = self._all()
        shapes = [tuple(variable.shape) for variable in variables]
        found = [saved.get(f"v{i:05d}", np.zeros(0)).shape for i in range(len(variables))]
        if found != shapes or len(saved) != len(variables) + 1:
            raise RunError(
                f"The checkpoint '{path}' is of a search with other settings. Give the flags of "
                "that search, or another --output."
            )
        for i, variable in enumerate(variables):
            variable.assign(saved[f"v{i:05d}"])
        self.epochs = json.loads(saved["history"].tobytes())
