"""Pruning and clustering: weights that compress well, in a file that runs as fast as before.

Both are tensorflow-model-optimization's (the `qat` extra), on the tf_keras twin. Only the kernels
of 1x1 convolutions and of the classifier are changed, which hold most weights of such networks; no
kernel of LiteRT runs them faster, so what is gained is the size of the compressed file alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tf_keras

from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.recipe import Recipe

from .qat_twin import decomposed_twin
from .tfmot import cluster, cluster_config, prune, pruning_callbacks, pruning_schedule
from .twin_training import train_twin
from .weights import copy_weights

PRUNING_RECIPE = Recipe(
    epochs=4, learning_rate=0.02, warmup_epochs=0.0, weight_decay=0.0, augment="flip"
)
"""Longer than quantisation needs: what is left has to learn to do without the rest."""

CLUSTERING_RECIPE = Recipe(
    epochs=1, learning_rate=0.005, warmup_epochs=0.0, weight_decay=0.0, augment="flip"
)

_PRUNED_BY = 0.75
"""The share of the training after which the last weights have been taken out."""

_ROUNDS = 20
"""How often weights are taken out on the way."""


def prune_weights(
    model: Any, sparsity: float, data: DataSplits, recipe: Recipe = PRUNING_RECIPE
) -> list[dict[str, float]]:
    """Goes on training a model while its smallest weights are set to 0.

    Args:
        model: a trained Keras model; it has the new weights afterwards.
        sparsity: the share of the weights of a kernel that ends as 0, above 0 and below 1.
        data: the data set.
        recipe: how to train.

    Returns:
        `loss` and `accuracy` of each epoch.

    Raises:
        InputError: `sparsity` is out of its range.
        ExportError: the model has a layer that `decomposed_twin` does not know.
    """
    if not 0 < sparsity < 1:
        raise InputError(f"`sparsity` must be above 0 and below 1. Received: {sparsity!r}.")
    steps = recipe.epochs * data.train.steps(recipe.batch_size, drop_remainder=True)
    end = max(1, int(_PRUNED_BY * steps))
    schedule = pruning_schedule.PolynomialDecay(
        0.0, sparsity, begin_step=0, end_step=end, frequency=max(1, end // _ROUNDS)
    )
    twin = _wrapped(model, lambda layer: prune.prune_low_magnitude(layer, schedule))
    history = train_twin(twin, data, recipe, (pruning_callbacks.UpdatePruningStep(),))
    copy_weights(prune.strip_pruning(twin), model)
    return history


def cluster_weights(
    model: Any, clusters: int, data: DataSplits, recipe: Recipe = CLUSTERING_RECIPE
) -> list[dict[str, float]]:
    """Goes on training a model whose kernels have only so many different weights each.

    Args:
        model: a trained Keras model; it has the new weights afterwards.
        clusters: how many different weights a kernel has, 2 to 256.
        data: the data set.
        recipe: how to train.

    Returns:
        `loss` and `accuracy` of each epoch.

    Raises:
        InputError: `clusters` is out of its range.
        ExportError: the model has a layer that `decomposed_twin` does not know.
    """
    if not 2 <= clusters <= 256:
        raise InputError(f"`clusters` must be 2 to 256. Received: {clusters!r}.")
    start = cluster_config.CentroidInitialization.KMEANS_PLUS_PLUS
    twin = _wrapped(model, lambda layer: cluster.cluster_weights(layer, clusters, start))
    history = train_twin(twin, data, recipe)
    copy_weights(cluster.strip_clustering(twin), model)
    return history


def _wrapped(model: Any, wrap: Callable[[Any], Any]) -> Any:
    """The twin of a model with its 1x1 convolutions and its classifier wrapped."""

    def of(layer: Any) -> Any:
        copy = layer.__class__.from_config(layer.get_config())
        if layer.weights:
            copy.build(layer.input_shape)
            copy.set_weights(layer.get_weights())
        return wrap(copy) if _holds_most_weights(layer) else copy

    return tf_keras.models.clone_model(decomposed_twin(model), clone_function=of)


def _holds_most_weights(layer: Any) -> bool:
    if isinstance(layer, tf_keras.layers.Dense):
        return True
    is_plain = type(layer) is tf_keras.layers.Conv2D
    return is_plain and tuple(layer.kernel_size) == (1, 1)
