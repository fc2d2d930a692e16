"""`build_model`: an architecture as a plain functional Keras model of stock layers.

The model is named and laid out like its text, and loads wherever Keras is, without this package.
No TensorFlow here: children build and train under every Keras backend.
"""

from __future__ import annotations

from typing import Any

import keras

from fbnetv2_tf.architecture import Architecture

from .assembly import ModelOptions, assemble
from .layers import Dialect

ACTIVATIONS = {"re": "relu", "r6": "relu6", "hs": "hard_silu", "sw": "silu"}
"""The text's activations as Keras 3 calls them."""


def build_model(
    architecture: Architecture | str,
    *,
    classes: int | None = None,
    include_top: bool = True,
    features: bool = False,
    normalize: str | tuple[Any, Any] | None = None,
    dropout: float = 0.0,
    stochastic_depth: float = 0.0,
    padding: str = "same",
    bn_epsilon: float = 1e-5,
    bn_momentum: float = 0.9,
    zero_init_residual: bool = True,
    hard_swish: str = "fused",
    input_size: tuple[int | None, int | None] | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """Builds the Keras model of an architecture.

    Args:
        architecture: an `Architecture`, its text, a zoo name, a file or a run folder.
        classes: outputs of the classifier; None for those of the text.
        include_top: whether to end with the classifier; without it the output is the map that the
            classifier would read (batch, height, width, channels).
        features: return the last map at each stride instead, as a list of tensors in the order of
            `feature_maps(architecture)`, which has their strides and channels.
        normalize: what to do with the input inside the graph: None, `unit` (0..255 to 0..1),
            `signed` (to -1..1), `imagenet` (by mean and deviation), or `(scale, offset)`.
        dropout: rate before the classifier, in [0, 1).
        stochastic_depth: rate at which training leaves out the last residual branch, in [0, 1);
            it grows linearly from the first block.
        padding: `same`, or `symmetric` for weights that come from PyTorch.
        bn_epsilon: added to the variance by every BatchNormalization.
        bn_momentum: of its moving statistics: what a step keeps of them.
        zero_init_residual: start the last gamma at 0 where there is a residual.
        hard_swish: `fused`, one layer; or `decomposed`, the products that it consists of, which
            LiteRT's CPU path takes whole where the network is int8. The weights are the same.
        input_size: (height, width) where it is not the text's; None leaves a side open.
        dtype: a Keras dtype policy, such as `mixed_bfloat16`; None for the global one.
        name: of the model; None for the zoo's, or `network`.

    Returns:
        A functional `keras.Model` from (batch, height, width, channels) images to logits
        (batch, classes) in the dtype of the variables, or to maps.

    Raises:
        ArchitectureError: the text is not an architecture, or its network is absurdly large.
        InputError: an option is not what it may be.

    Example:
        >>> model = build_model("in_hw8_c3 cn_k3_s2_c8_nre ir_k3_s1_e2_c8_nhs fc_c2", classes=5)
        >>> [layer.name for layer in model.layers][:4], model.output_shape
        (['b00_image', 'b01_conv', 'b01_bn', 'b01_act'], (None, 5))
    """
    options = ModelOptions(
        classes=classes,
        include_top=include_top,
        features=features,
        normalize=normalize,
        dropout=dropout,
        stochastic_depth=stochastic_depth,
        padding=padding,
        bn_epsilon=bn_epsilon,
        bn_momentum=bn_momentum,
        zero_init_residual=zero_init_residual,
        hard_swish=hard_swish,
        input_size=input_size,
        dtype=dtype,
        name=name,
    )
    return assemble(architecture, KERAS_3, options)


def _activation(activation: str, **arguments: Any) -> Any:
    return keras.layers.Activation(ACTIVATIONS[activation], **arguments)


def _gate(**arguments: Any) -> Any:
    return keras.layers.Activation("hard_sigmoid", **arguments)


def _variable_dtype(dtype: Any) -> str:
    policy = keras.dtype_policies.get(dtype)  # None gives the global one
    return str(policy.variable_dtype)


KERAS_3 = Dialect(keras, _activation, _gate, _variable_dtype)
