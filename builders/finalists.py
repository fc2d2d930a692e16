"""What `--finalists` asks for: a search's best candidates, each trained a little, from scratch.

Inherited weights rank networks of one cost only roughly, since a supernet's weights are a
compromise among all of them. An epoch of a network's own ranks better than the weights that a
search ends with, and about as well as those of a fair epoch (`docs/quality.md` has the figures), at
a cost that only a few can be given: first the candidates are ranked by inherited weights, then the
best of them run against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import keras

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.recipe import Recipe
from fbnetv2_tf.scoring import Candidate, Score
from fbnetv2_tf.training import train_child

from .model import build_model

WARMUP = 0.25
"""Share of a finalist's epochs in which the learning rate rises."""


def finalist_recipe(epochs: int, batch_size: int, seed: int) -> Recipe:
    """How finalists are trained: as a child is by default, but for fewer epochs.

    Args:
        epochs: passes over the training images, at least 1.
        batch_size: images in a step.
        seed: of the initial weights and the order of the images, the same for all finalists.
    """
    if epochs < 1:
        raise InputError(f"`epochs` of a finalist must be at least 1. Received: {epochs}.")
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        warmup_epochs=WARMUP * epochs,
        augment="flip",
        seed=seed,
    )


def compare_finalists(
    finalists: Iterable[Architecture],
    data_at: Callable[[int], DataSplits],
    recipe: Recipe,
    known: Mapping[Architecture, Score] | None = None,
    keep: Callable[[Architecture, Score], None] | None = None,
) -> list[Candidate]:
    """Trains each from scratch and ranks them by validation loss.

    Args:
        finalists: architectures for the channels and classes of the data.
        data_at: side in pixels -> the data set with images of that size. Trained on its weights
            and architecture parts, compared on its validation part; the test part is not looked at.
        recipe: of every finalist.
        known: results of an earlier, interrupted comparison.
        keep: told of each new result.

    Returns:
        The finalists with their scores, the best first.
    """
    scores: dict[Architecture, Score] = {}
    for architecture in dict.fromkeys(finalists):
        score = (known or {}).get(architecture)
        if score is None:
            score = _trained(architecture, data_at(architecture.side), recipe)
            if keep is not None:
                keep(architecture, score)
        scores[architecture] = score
    ranked = sorted(scores.items(), key=lambda item: item[1].loss)
    return [Candidate(architecture, score) for architecture, score in ranked]


def _trained(architecture: Architecture, data: DataSplits, recipe: Recipe) -> Score:
    keras.utils.set_random_seed(recipe.seed)
    model = build_model(architecture)
    measured = train_child(model, data, recipe, looks_at_test=False).validation
    return Score(measured["loss"], measured["accuracy"])
