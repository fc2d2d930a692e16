"""Training a tf_keras model by a recipe: what quantisation, pruning and clustering share."""

from __future__ import annotations

from typing import Any

import tf_keras

from fbnetv2_tf.cross_entropy import with_one_hot_labels
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.recipe import Recipe


def train_twin(
    model: Any, data: DataSplits, recipe: Recipe, callbacks: tuple[Any, ...] = ()
) -> list[dict[str, float]]:
    """Trains a tf_keras classifier in place by plain SGD, without weight decay or warm-up.

    Args:
        model: a tf_keras model with logits (batch, classes).
        data: the data set, of the model's image shape and classes.
        recipe: how; `weight_decay`, `warmup_epochs` and `ema` have no meaning here.
        callbacks: tf_keras callbacks to be called too.

    Returns:
        `loss` and `accuracy` (0 to 1, of augmented images, while the weights move) of each epoch.
    """
    steps = data.train.steps(recipe.batch_size, drop_remainder=True)
    rate = tf_keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, max(1, recipe.epochs * steps)
    )
    model.compile(
        optimizer=tf_keras.optimizers.SGD(
            rate, momentum=recipe.momentum, nesterov=True, global_clipnorm=recipe.gradient_norm
        ),
        loss=tf_keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=[tf_keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    batches = data.train.dataset(
        recipe.batch_size,
        shuffle_seed=recipe.seed,
        augment=recipe.augment,
        drop_remainder=True,
    )
    history = model.fit(
        with_one_hot_labels(batches, data.classes),
        epochs=recipe.epochs,
        callbacks=list(callbacks),
        verbose=0,
    ).history
    return [
        {name: float(values[epoch]) for name, values in history.items()}
        for epoch in range(recipe.epochs)
    ]
