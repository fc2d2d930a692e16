"""A search in TensorBoard: costs, losses, every choice's distribution, the network of the moment.

`tensorboard --logdir=runs` shows all runs; HParams compares them by their settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .architecture import Architecture
from .choices_layout import searched
from .derivation import Landscape
from .report.network_image import network_image
from .run_folder import TENSORBOARD, RunFolder
from .supernet import Supernet

WEIGHTS_METRICS = ("loss", "accuracy")
"""What is known of a warm-up epoch too."""


class SearchBoard(keras.callbacks.Callback):
    """Writes an epoch's metrics, distributions and most probable network for TensorBoard.

    Args:
        run: the folder; events go to its `tensorboard`.
        net: the supernet that is searched.
        settings: flag -> value, for HParams.
        limits: resource -> limit, drawn beside its expected cost; may be empty.
    """

    def __init__(
        self,
        run: RunFolder,
        net: Supernet,
        settings: Mapping[str, Any],
        limits: Mapping[str, float],
    ) -> None:
        super().__init__()
        self.run = run
        self.net = net
        self.settings = settings
        self.limits = limits
        self.writer: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        from tensorboard.plugins.hparams import api

        self.writer = tf.summary.create_file_writer(str(self.run / TENSORBOARD))
        with self.writer.as_default(step=0):
            api.hparams(_plain(self.settings), trial_id=self.run.path.resolve().name)
            tf.summary.text("space", _code(str(self.net.space)))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        is_warmup = not logs.get("temperature")
        probabilities = self.net.probabilities()
        with self.writer.as_default(step=epoch + 1):
            for name, value in logs.items():
                if name in WEIGHTS_METRICS or not is_warmup:
                    tf.summary.scalar(f"search/{name}", value)
            for resource, limit in self.limits.items():
                tf.summary.scalar(f"search/limit_{resource}", limit)
            for name, alternatives in searched(self.net.space).items():
                _distribution(f"choices/{name}", alternatives, probabilities[name])
            self._network("most probable", Landscape(self.net.space).most_probable(probabilities))
        self.writer.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, also where the search did not come to its end."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _network(self, name: str, architecture: Architecture) -> None:
        tf.summary.text(f"architecture/{name}", _code(str(architecture)))
        tf.summary.image(f"network/{name}", network_image(architecture, self.net.space)[None])


def board_result(
    run: RunFolder, net: Supernet, architecture: Architecture, metrics: Mapping[str, float]
) -> None:
    """Adds what a search has found: the network, and the metrics that HParams compares runs by.

    Args:
        run: the folder.
        net: the supernet.
        architecture: what was taken.
        metrics: such as `validation_accuracy`.
    """
    writer = tf.summary.create_file_writer(str(run / TENSORBOARD), filename_suffix=".result")
    with writer.as_default(step=0):
        tf.summary.text("architecture/taken", _code(str(architecture)))
        tf.summary.image("network/taken", network_image(architecture, net.space)[None])
        for name, value in metrics.items():
            tf.summary.scalar(f"result/{name}", value)
    writer.close()


def _distribution(name: str, alternatives: tuple[Any, ...], probabilities: np.ndarray) -> None:
    """A choice's probabilities as a histogram with a bucket for each alternative.

    Numbers have buckets around them; words stand at their places, counted from 0.
    """
    from tensorboard.plugins.histogram import metadata

    edges = _edges(alternatives)
    order = np.argsort(_places(alternatives))
    rows = np.stack([edges[:-1], edges[1:], np.asarray(probabilities)[order]], axis=1)
    words = ", ".join(map(str, alternatives))
    tf.summary.write(
        tag=name,
        tensor=tf.constant(rows, tf.float64),
        metadata=metadata.create_summary_metadata(name, f"Probabilities of {words}."),
    )


def _places(alternatives: tuple[Any, ...]) -> np.ndarray:
    is_number = all(isinstance(value, int | float) for value in alternatives)
    return np.asarray(alternatives if is_number else range(len(alternatives)), np.float64)


def _edges(alternatives: tuple[Any, ...]) -> np.ndarray:
    """The borders between sorted places, in the middle between them."""
    places = np.sort(_places(alternatives))
    middles = (places[:-1] + places[1:]) / 2
    return np.concatenate([[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]])


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What HParams takes: numbers, words and truths, one of a list too; the rest as text."""
    alone = {
        name: value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
        for name, value in settings.items()
    }
    return {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in alone.items()
        if value is not None
    }


def _code(text: str) -> str:
    """Markdown that leaves the text as it is."""
    return f"    {text}"
