"""The state of a search or a training on disk: everything that its next step depends on.

The batch of a step is a function of (seed, step), and so are a search's samples. The variables of
the model and of its optimizers, the metrics of the epoch so far and the number of the step are
therefore the whole state, and a run that goes on from a checkpoint does what it would have done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np

from .checkpoint_interval import CheckpointInterval
from .checkpoint_series import Checkpoint, CheckpointSeries, require_same
from .errors import RunError
from .host_poll import POLL_EVERY, HostPoll
from .interruption import RunInterruptedError, StopRequest

_SLACK = 1 << 24
"""Bytes of a checkpoint beside its variables, at most: history and metrics."""

FIRST_STEP = "first_step"
"""The parameter of a `fit` that tells the callbacks after `RunState` where a resumed run began."""


@dataclass(frozen=True)
class Saving:
    """Where and when a run is saved.

    Attributes:
        series: the checkpoints; None to save nothing.
        every: within an epoch; None for the ends of epochs alone.
        stop: looked at after every step; once a signal was received the run is saved and ends.
        is_writer: whether this process writes; of several that share a folder one does.
        is_alone: whether no other process takes part; of several, all save and stop when one is
            to (`HostPoll`).
        say: is given the sentence on where a run goes on that was stopped.
    """

    series: CheckpointSeries | None = None
    every: CheckpointInterval | None = None
    stop: StopRequest | None = None
    is_writer: bool = True
    is_alone: bool = True
    say: Callable[[str], None] | None = None


class RunState(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves a run after every epoch and within it, and brings it back to the step.

    Args:
        saving: where and when.
        identity: what the run is of; a checkpoint of another one is refused.
        steps_per_epoch: batches of an epoch, all phases.
        what: `search` or `training`, for sentences.
        describe: gives what is noted of a finished epoch beside its metrics.

    Attributes:
        epochs: what is known of each finished epoch.
        step: batches that are finished, counted from the start of the run.
        started_at: the step at which this process began the current epoch.
    """

    def __init__(
        self,
        saving: Saving,
        identity: Mapping[str, Any],
        steps_per_epoch: int,
        *,
        what: str = "training",
        describe: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self.saving = saving
        self.identity = dict(identity)
        self.steps_per_epoch = steps_per_epoch
        self.what = what
        self.describe = describe or dict
        self.epochs: list[dict[str, Any]] = []
        self.step = self.started_at = 0
        self._metrics: dict[str, np.ndarray] = {}
        self._saved = (0, time.monotonic())
        self._is_cut = False

    def restore(self, model: Any) -> int:
        """Loads the newest checkpoint that can be read into a compiled model.

        Returns:
            The number of finished steps, 0 where there is no checkpoint.

        Raises:
            RunError: where the checkpoint is of another run, or of another network.
        """
        if self.saving.series is None:
            return 0
        variables = state_variables(model)
        size = sum(np.prod(v.shape) * 8 for v in variables.values())
        for checkpoint in self.saving.series.newest(int(2 * size) + _SLACK):
            require_same(
                checkpoint.path, checkpoint.header.get("identity"), self.identity, self.what
            )
            epochs = checkpoint.header.get("epochs")
            if isinstance(epochs, list) and len(epochs) == checkpoint.step // self.steps_per_epoch:
                self._take(checkpoint, variables, epochs)
                if self.saving.say is not None:
                    self.saving.say(f"Going on after {progress(self.step, self.steps_per_epoch)}.")
                return self.step
        return 0

    def _take(
        self, checkpoint: Checkpoint, variables: Mapping[str, Any], epochs: list[dict[str, Any]]
    ) -> None:
        arrays = dict(checkpoint.arrays)
        self._metrics = {name: arrays.pop(name) for name in list(arrays) if name.startswith("m")}
        if forms(variables) != forms(arrays):
            raise RunError(
                f"The checkpoint '{checkpoint.path}' is of another network. Give another --output."
            )
        for name, variable in variables.items():
            variable.assign(arrays[name])
        self.epochs, self.step = epochs, checkpoint.step
        self._saved = (self.step, time.monotonic())

    def _restore_metrics(self) -> None:
        """Gives the metrics what the epoch's steps before had added to them."""
        metrics = metric_variables(self.model)
        if forms(metrics) != forms(self._metrics):
            raise RunError(
                f"The checkpoints of '{self.saving.series and self.saving.series.folder}' are of a "
                f"{self.what} with other metrics. Give another --output."
            )
        for name, variable in metrics.items():
            variable.assign(self._metrics[name])
        self._metrics = {}

    @property
    def finished_in_epoch(self) -> int:
        """Steps of the current epoch that are finished."""
        return self.step % self.steps_per_epoch

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.params[FIRST_STEP] = self.step

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started_at = self.step
        if self._metrics:
            self._restore_metrics()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.step = self.started_at + batch + 1
        within = self.finished_in_epoch
        if within == 0:
            if self.started_at % self.steps_per_epoch:
                # Keras was told of whole epochs, and this one was taken up in the middle.
                self.model.stop_training = self._is_cut = True
            return  # `on_epoch_end` follows
        is_asked, is_due = self._asked()
        if is_asked:
            self._interrupt()
        if is_due:
            self.save()

    def _asked(self) -> tuple[bool, ...]:
        """Whether the run is to stop, and whether it is to be saved, after this step."""
        every = self.saving.every or CheckpointInterval()
        steps, since = self.step - self._saved[0], time.monotonic() - self._saved[1]
        asked = self._is_stopped(), every.is_due(steps, since)
        if self.saving.is_alone:
            return asked
        is_polled = self.step % POLL_EVERY == 0 or every.is_due(steps, 0.0)
        return self._poll(*asked) if is_polled else (False, False)

    def _is_stopped(self) -> bool:
        return self.saving.stop is not None and self.saving.stop.received

    @cached_property
    def _poll(self) -> HostPoll:
        return HostPoll(self.model.distribute_strategy)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_cut:
            self.model.stop_training = self._is_cut = False
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.epochs.append({**metrics, **self.describe()})
        self.save()
        is_asked = self._is_stopped()
        if is_asked if self.saving.is_alone else self._poll(is_asked)[0]:
            self._interrupt()

    def save(self) -> None:
        """Writes a checkpoint of this moment.

        Raises:
            RunError: where the system refuses, or a variable is no longer finite.
        """
        series = self.saving.series
        if series is None:
            return
        found = state_variables(self.model)
        if self.finished_in_epoch:
            found |= metric_variables(self.model)
        # Every process reads, because reading may take all of them; one writes.
        arrays = {name: keras.ops.convert_to_numpy(v) for name, v in found.items()}
        require_finite(arrays, self.step, self.what)
        if self.saving.is_writer:
            header = {"identity": self.identity, "epochs": self.epochs}
            series.save(self.step, header, arrays)
        self._saved = (self.step, time.monotonic())

    def _interrupt(self) -> None:
        if self.saving.series is None:
            raise RunInterruptedError("Nothing was to be saved; the same command starts again.")
        if self._saved[0] != self.step:
            self.save()
        raise RunInterruptedError(
            f"{progress(self._saved[0], self.steps_per_epoch)} saved in "
            f"'{self.saving.series.folder}'; the same command goes on."
        )


def build_metrics(model: Any, labels: Any, classes: int) -> None:
    """Makes the variables of a model's metrics, which Keras would do in the first step.

    A run that goes on within an epoch has values for them before that, and a search may go on in
    the phase that has no accuracy.

    Args:
        model: compiled.
        labels: the `tf.TensorSpec` of a batch of labels.
        classes: of the logits.
    """
    import tensorflow as tf

    strategy = model.distribute_strategy
    shape = [1, *labels.shape[1:]]
    example = tf.zeros(shape, labels.dtype), tf.zeros([1, classes])
    update = partial(model.compute_metrics, None, *example)
    if strategy.num_replicas_in_sync == 1:
        update()
    else:
        tf.function(lambda: strategy.run(update))()
    model.reset_metrics()


def forms(arrays: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of each variable or array."""
    return {name: (tuple(a.shape), str(a.dtype)) for name, a in arrays.items()}


def progress(step: int, steps_per_epoch: int) -> str:
    """How far a run is, in words.

    Example:
        >>> progress(25, 12)
        '2 epochs and 1 of 12 steps'
    """
    epochs, within = divmod(step, steps_per_epoch)
    rest = f" and {within} of {steps_per_epoch} steps" if within else ""
    return f"{epochs} epoch{'' if epochs == 1 else 's'}{rest}"


def state_variables(model: Any) -> dict[str, Any]:
    """Everything that a step changes, but for the metrics: by `v` and a number."""
    optimizers = (model.optimizer, getattr(model, "architecture_optimizer", None))
    of_optimizers = [v for optimizer in optimizers if optimizer for v in optimizer.variables]
    everything = [*model.variables, *of_optimizers]
    return {f"v{number:05d}": variable for number, variable in enumerate(everything)}


def metric_variables(model: Any) -> dict[str, Any]:
    """The sums and counts behind the metrics of the epoch so far: by `m` and a number."""
    everything = [variable for metric in model.metrics for variable in metric.variables]
    return {f"m{number:05d}": variable for number, variable in enumerate(everything)}


def require_finite(arrays: Mapping[str, np.ndarray], step: int, what: str) -> None:
    """Refuses to save what is not a number, so that the checkpoints stay good ones.

    Raises:
        RunError: where a value is NaN or infinite.
    """
    for name, array in arrays.items():
        is_float = array.dtype.kind == "f" and name.startswith("v")
        if is_float and not np.isfinite(array).all():
            raise RunError(
                f"Every variable must stay a finite number, but after step {step} of the {what} "
                "one is not; the checkpoints before it are good. Try a smaller learning rate."
            )
