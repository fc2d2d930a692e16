"""Weights that score candidates fairly: after the search they learn on, no alternative preferred.

A search trains most what it finds probable, and on soft samples, so its last weights know little of
other networks, whose choices are one-hot. Some weight steps at equal probabilities give every
alternative the same training (FairNAS, Chu et al. 2019, arXiv:1907.01845, calls this expectation
fairness), and a low temperature brings the samples near to networks. The logits stay as the search
has left them. It doubles the rank correlation among networks of one cost (`docs/quality.md`), so a
search does it for an epoch before it compares candidates.
"""

from __future__ import annotations

import math
from typing import Any

from .datasets import DataSplits
from .datasets.epochs import endless
from .distribution import distributed_batches
from .errors import InputError
from .replica_agreement import ReplicaAgreement
from .run_state import build_metrics
from .search import SearchSettings, labelled, search_loss, steps_of, weights_optimizer
from .search_data import for_weights
from .supernet import Supernet

TEMPERATURE = 0.2
"""Of the sampling."""

RATE = 2 / 3
"""The first learning rate, as a share of the search's."""


def train_fairly(net: Supernet, data: DataSplits, settings: SearchSettings) -> None:
    """Trains the weights for the settings' `fair_epochs`, and leaves the logits as they are.

    Args:
        net: a supernet that a search has trained; it is compiled anew, without an objective.
        data: its `weights` part is used.
        settings: of that search.

    Raises:
        InputError: the loss stopped being a number.
    """
    if not settings.fair_epochs:
        return
    steps = steps_of(data, settings.batch_size).weights
    with net.distribute_strategy.scope():
        net.compile(
            optimizer=weights_optimizer(
                settings, RATE * settings.learning_rate, settings.fair_epochs * steps
            ),
            loss=search_loss(settings),
            metrics=["accuracy"],
        )
    batches = _batches(data, settings, steps)
    with net.choices.undecided(TEMPERATURE):
        build_metrics(net, batches.element_spec[1], data.classes)
        history = net.fit(
            distributed_batches(batches, net.distribute_strategy),
            steps_per_epoch=steps,
            epochs=settings.fair_epochs,
            callbacks=[ReplicaAgreement()],
            verbose=0,
        )
    loss = float(history.history["loss"][-1])
    if not math.isfinite(loss):
        raise InputError(
            "The weights diverged in the epochs after the search: their loss must stay a number. "
            f"Received: {loss}. Try a smaller --learning_rate, or --fair_epochs=0."
        )


def _batches(data: DataSplits, settings: SearchSettings, steps: int) -> Any:
    """The endless data set of the weights' part, in another order than the search's."""
    epochs = data.weights.epochs(
        settings.batch_size,
        shuffle_seed=settings.seed + 2,
        augment=settings.augment,
        drop_remainder=True,
    )
    return endless(
        lambda number, first: for_weights(labelled(epochs(number, first), data, settings)), steps, 0
    )
