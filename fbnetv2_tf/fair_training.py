"""Weights that score candidates fairly: after the search they learn on, no alternative preferred.

A search trains most what it finds probable, and on soft samples, so its last weights know little of
other networks, whose choices are one-hot. Some weight steps at equal probabilities give every
alternative the same training (FairNAS, Chu et al. 2019, arXiv:1907.01845, calls this expectation
fairness), and a low temperature brings the samples near to networks. The logits stay as the search
has left them. It doubles the rank correlation among networks of one cost (`docs/quality.md`), so a
search does it for an epoch before it compares candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from .datasets import DataSplits
from .datasets.epochs import endless
from .distribution import distributed_batches
from .loss_guard import LossGuard
from .replica_agreement import ReplicaAgreement
from .run_state import RunState, Saving, build_metrics
from .search import SearchSettings, labelled, search_loss, steps_of, weights_optimizer
from .search_data import for_weights
from .supernet import Supernet

TEMPERATURE = 0.2
"""Of the sampling."""

RATE = 2 / 3
"""The first learning rate, as a share of the search's."""

ADVICE = "--fair_epochs=0 does without this training."


def train_fairly(
    net: Supernet,
    data: DataSplits,
    settings: SearchSettings,
    saving: Saving | None = None,
    identity: Mapping[str, Any] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains the weights for the settings' `fair_epochs`, and leaves the logits as they are.

    Args:
        net: a supernet that a search has trained; it is compiled anew, without an objective.
        data: its `weights` part is used.
        settings: of that search.
        saving: where this training is saved, and from where one that was stopped goes on; None to
            save nothing.
        identity: of the search; the checkpoints of another one are refused.
        callbacks: Keras callbacks to be called too.

    Raises:
        InputError: where the loss stopped being a number.
        RunError: where the folder holds the checkpoints of another search.
        RunInterruptedError: where a signal was received.
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
    state = RunState(saving or Saving(), identity or {}, steps, what="training after the search")
    with net.choices.undecided(TEMPERATURE):  # which a checkpoint is too
        first = state.restore(net)
        batches = _batches(data, settings, steps, first)
        build_metrics(net, batches.element_spec[1], data.classes)
        net.fit(
            distributed_batches(batches, net.distribute_strategy),
            steps_per_epoch=steps,
            initial_epoch=first // steps,
            epochs=settings.fair_epochs,
            callbacks=[ReplicaAgreement(), LossGuard(state, advice=ADVICE), state, *callbacks],
            verbose=0,
        )


def _batches(data: DataSplits, settings: SearchSettings, steps: int, first_step: int) -> Any:
    """The endless data set of the weights' part, in another order than the search's."""
    epochs = data.weights.epochs(
        settings.batch_size,
        shuffle_seed=settings.seed + 2,
        augment=settings.augment,
        drop_remainder=True,
    )
    return endless(
        lambda number, first: for_weights(labelled(epochs(number, first), data, settings)),
        steps,
        first_step,
    )
