"""Searching and training on several devices and hosts by TensorFlow's own strategies.

| name | devices |
|---|---|
| `one` | one device |
| `mirrored` | all GPUs of this host (or its logical CPUs) |
| `multiworker` | several hosts, each with the same command and its own `TF_CONFIG` |
| `tpu` | a TPU, named by `TPU_NAME` or `local` |
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import tensorflow as tf

from .cluster import worker_of_environment
from .errors import InputError
from .interruption import RunInterruptedError

_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
"""What TensorFlow raises in a step whose other workers are gone."""

NAMES = ("one", "mirrored", "multiworker", "tpu")


def make_strategy(name: str) -> Any:
    """The strategy of a name; before anything else is computed.

    Raises:
        InputError: where the name is unknown, or the machine is not what it asks for.
    """
    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return _mirrored_strategy()
    if name == "multiworker":
        worker_of_environment()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu_strategy()
    raise InputError(f"A distribution must be one of {', '.join(NAMES)}. Received: {name!r}.")


@cache
def _mirrored_strategy() -> Any:
    """One for the process: the reductions of a second one would meet those of the first."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    return tf.distribute.MirroredStrategy(devices)


def _tpu_strategy() -> Any:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(os.environ.get("TPU_NAME", ""))
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, KeyError, OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(
            "The distribution 'tpu' needs a TPU: set TPU_NAME, or run on a TPU host with "
            f"TPU_NAME=local. Received: {reason}."
        ) from error


def distributed_batches(batches: tf.data.Dataset, strategy: Any) -> Any:
    """A data set whose batches are divided between the replicas, in their order.

    Every host reads all batches and takes its part, so that the whole batch of a step is the one
    that a single device would have seen, augmentation included.

    Args:
        batches: elements of (images, labels), of a static batch size; a search's have a number
            too, the phase, which all replicas are given.
        strategy: whose replicas share each batch.

    Raises:
        InputError: where the batch size is not a multiple of the number of replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches
    batch = batches.element_spec[0].shape[0]
    if batch % replicas:
        raise InputError(
            f"`batch_size` must be a multiple of the {replicas} replicas. Received: {batch}."
        )

    def of_pipeline(context: Any) -> tf.data.Dataset:
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local

        def own(whole: tf.Tensor) -> tf.Tensor:
            if not whole.shape.rank:
                return tf.repeat(whole, local)
            shape = [replicas, batch // replicas, *whole.shape[1:]]
            return tf.reshape(whole, shape)[first : first + local]

        def parts(*element: tf.Tensor) -> tf.data.Dataset:
            return tf.data.Dataset.from_tensor_slices(tuple(map(own, element)))

        return batches.flat_map(parts).prefetch(2 * local)

    return strategy.distribute_datasets_from_function(of_pipeline)


@contextmanager
def worker_errors(strategy: Any) -> Iterator[None]:
    """Says in a sentence that another host has gone, where a step needed it.

    Raises:
        RunInterruptedError: the run goes on when all workers are started again.
    """
    try:
        yield
    except _GONE as error:
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise
        raise RunInterruptedError(
            f"Another worker is gone ({type(error).__name__}). Start all of them again with the "
            "same command, which goes on from the last checkpoint."
        ) from error
