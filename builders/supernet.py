"""`build_supernet`: a space as a supernet whose children can be built."""

from __future__ import annotations

from typing import Any

import keras

from fbnetv2_tf import supernet
from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.inheritance import inherited_weights
from fbnetv2_tf.space import Space

from .model import build_model


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class Supernet(supernet.Supernet):
    """A supernet that knows how its children are built."""

    def child(self, architecture: Architecture, **options: Any) -> keras.Model:
        """The plain Keras model of an architecture, with the weights it has here.

        Args:
            architecture: of the space.
            **options: of `build_model`.

        Returns:
            A functional model of stock layers, whose logits are those of the supernet at
            `select(architecture)` (law 1).

        Raises:
            SpaceError: where the architecture is not in the space.
        """
        model = build_model(architecture, **options)
        for name, arrays in inherited_weights(self, architecture).items():
            model.get_layer(name).set_weights(arrays)
        return model


def build_supernet(
    space: Space | str,
    *,
    sharing: str = "path",
    sampling: str = "soft",
    temperature: float = 5.0,
    seed: int = 0,
    **options: Any,
) -> Supernet:
    """Builds the supernet of a space.

    Args:
        space: a `Space`, its text, a preset's name or a file.
        sharing: `path` computes all alternatives on one path by masks; `none` is the paper's form
            for comparison, where every kernel, squeeze-and-excite and activation has weights of
            its own and a step costs as much as all of them.
        sampling: `soft` (Gumbel-softmax), `hard` (one-hot with straight-through gradients), `mixed`
            (hard where the network's weights learn, soft where the logits learn), or `sliced` (as
            `mixed`, but a weight step computes the drawn network alone and costs no more).
        temperature: of the sampling at the start.
        seed: of the sampling.
        **options: of `keras.Model`, such as `name`.

    Returns:
        The supernet, built: every variable exists.

    Raises:
        SpaceError: where the text is not a space.

    Example:
        >>> net = build_supernet("in_hw8_c3 cn_k3_s2_c8/16_nre fc_c2")
        >>> len(net.architecture_variables), round(net.expected_cost()["macs"])
        (1, 5208)
    """
    return Supernet(
        space, sampling=sampling, temperature=temperature, seed=seed, sharing=sharing, **options
    )
