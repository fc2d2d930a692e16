"""Flags of how a run is carried out, not of what it is: saving, precision, repeatability."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.checkpoint_interval import CheckpointInterval, parse_interval
from fbnetv2_tf.cluster import worker_of_environment

if TYPE_CHECKING:
    from fbnetv2_tf.run_state import Saving

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Value of `--precision` -> Keras dtype policy."""

OTHER_WORKER = "This worker has done its part; the first one writes the results."
"""What a process that writes nothing says at the end."""


@dataclass(frozen=True)
class Running:
    """How a run is carried out.

    Attributes:
        every: between checkpoints within an epoch.
        is_deterministic: whether TensorFlow may use only operations that repeat to the last bit.
        precision: of the computation; the variables are float32 in any case.
        distribution: over devices and hosts; a name of `distribution.NAMES`.
    """

    every: CheckpointInterval
    is_deterministic: bool
    precision: str
    distribution: str = "one"

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the run folder; of several hosts the first one does."""
        if self.distribution != "multiworker":
            return True
        return worker_of_environment()[0] == 0

    @property
    def policy(self) -> str:
        """The Keras dtype policy."""
        return PRECISIONS[self.precision]

    def prepare(self) -> Any:
        """Sets TensorFlow up, before anything is computed; returns the `tf.distribute` strategy."""
        if self.is_deterministic:
            import tensorflow as tf

            tf.config.experimental.enable_op_determinism()
            # One process may rewrite sums and products in another order than the next.
            tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
        from fbnetv2_tf.distribution import make_strategy

        return make_strategy(self.distribution)

    @contextmanager
    def saving(self, folder: Path) -> Iterator[Saving]:
        """How the run is saved, for as long as it takes; signals are collected meanwhile."""
        from fbnetv2_tf.checkpoint_series import CheckpointSeries
        from fbnetv2_tf.interruption import stop_request
        from fbnetv2_tf.run_state import Saving

        is_alone = self.distribution != "multiworker"
        with stop_request() as stop:
            say = partial(print, flush=True) if self.is_writer else None
            yield Saving(CheckpointSeries(folder), self.every, stop, self.is_writer, is_alone, say)


def define_running(values: Any) -> None:
    """Registers the flags."""
    flags.DEFINE_string(
        "checkpoint_every",
        "10m",
        "Between checkpoints within an epoch: steps (500) or a time (90s, 10m). The end of an "
        "epoch is always saved.",
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "deterministic",
        False,
        "Use only operations that repeat to the last bit; on some devices slower.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "precision", "float32", list(PRECISIONS), "Of the computation.", flag_values=values
    )


def define_distribution(values: Any) -> None:
    """Registers `--distribution`."""
    flags.DEFINE_enum(
        "distribution",
        "one",
        ["one", "mirrored", "multiworker", "tpu"],
        "One device; all GPUs of this host; several hosts, each with its TF_CONFIG; a TPU.",
        flag_values=values,
    )


def running(values: Any) -> Running:
    """Reads the flags; raises `InputError` for an interval that is none."""
    return Running(
        every=parse_interval(values.checkpoint_every),
        is_deterministic=values.deterministic,
        precision=values.precision,
        distribution=values.distribution if "distribution" in values else "one",
    )
