"""`build_model`: an architecture as a plain functional Keras model of stock layers.

The model is named and laid out like its text, and loads wherever Keras is, without this package.
No TensorFlow here: children build and train under every Keras backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.counting import count, layer_name
from fbnetv2_tf.errors import ArchitectureError, InputError
from fbnetv2_tf.features import feature_maps

from .blocks import apply_block, apply_classifier
from .layers import KERAS_ACTIVATIONS, LayerStyle
from .lookup import resolve_architecture
from .zoo import zoo

MAXIMUM_PARAMETERS = 1_000_000_000
"""More than this is taken for a mistake in the text and refused before anything is built."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

NORMALIZATIONS: dict[str, tuple[Any, Any]] = {
    "unit": (1 / 255, 0.0),
    "signed": (1 / 127.5, -1.0),
    "imagenet": (
        [1 / (255 * deviation) for deviation in IMAGENET_DEVIATION],
        [-m / d for m, d in zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)],
    ),
}
"""Names for `normalize`: (scale, offset) of pixels from 0 to 255, a number or one per channel."""


@dataclass(frozen=True)
class ModelOptions:
    """What `build_model` was asked for beside the architecture and the layers' style.

    Attributes:
        classes, include_top, features, dropout, stochastic_depth, input_size, name: as there.
        normalize: (scale, offset), or None.
    """

    classes: int
    include_top: bool
    features: bool
    normalize: tuple[Any, Any] | None
    dropout: float
    stochastic_depth: float
    input_size: tuple[int | None, int | None]
    name: str


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
    name = name or _model_name(architecture)
    architecture = resolve_architecture(architecture)
    check_choice("padding", padding, ("same", "symmetric"))
    check_choice("hard_swish", hard_swish, ("fused", "decomposed"))
    style = LayerStyle(
        keras=keras,
        activation=_activation,
        gate=_gate,
        padding=padding,
        bn_epsilon=bn_epsilon,
        bn_momentum=bn_momentum,
        dtype=dtype,
        logits_dtype=_variable_dtype(dtype),
        zero_init_residual=zero_init_residual,
        fused_hard_swish=hard_swish == "fused",
    )
    options = ModelOptions(
        classes=architecture.classes if classes is None else classes,
        include_top=include_top,
        features=features,
        normalize=_normalization(normalize, architecture.input_channels),
        dropout=dropout,
        stochastic_depth=stochastic_depth,
        input_size=input_size or (architecture.side, architecture.side),
        name=name,
    )
    return assemble(architecture, style, options)


def assemble(architecture: Architecture, style: LayerStyle, options: ModelOptions) -> Any:
    """Puts the blocks together in the style's Keras.

    Raises:
        ArchitectureError: the network is absurdly large.
        InputError: an option is out of its range.
    """
    _check(architecture, options)
    channels = architecture.input_channels
    image = style.keras.Input((*options.input_size, channels), name=layer_name(0, "image"))
    x = image
    if options.normalize is not None:
        scale, offset = options.normalize
        x = style.keras.layers.Rescaling(
            scale, offset, name=layer_name(0, "normalize"), dtype=style.dtype
        )(x)
    outputs = []
    for position, block in enumerate(architecture.blocks[1:-1], start=1):
        rate = options.stochastic_depth * position / (len(architecture.blocks) - 2)
        x = apply_block(style, position, block, x, drop_rate=rate)
        outputs.append(x)
    if options.features:
        x = [outputs[feature.block - 1] for feature in feature_maps(architecture)]
    elif options.include_top:
        position = len(architecture.blocks) - 1
        x = apply_classifier(style, position, options.classes, x, options.dropout)
    return style.keras.Model(image, x, name=options.name)


def check_choice(option: str, value: object, choices: tuple[str, ...]) -> None:
    """Raises `InputError` where an option is none of its choices."""
    if value not in choices:
        raise InputError(f"`{option}` must be one of {', '.join(choices)}. Received: {value!r}.")


def _check(architecture: Architecture, options: ModelOptions) -> None:
    for option in ("dropout", "stochastic_depth"):
        rate = getattr(options, option)
        if not 0 <= rate < 1:
            raise InputError(f"`{option}` must be a rate from 0 to below 1. Received: {rate!r}.")
    if not isinstance(options.classes, int) or options.classes < 1:
        raise InputError(f"`classes` must be a positive integer. Received: {options.classes!r}.")
    parameters = count(architecture).parameters
    if parameters > MAXIMUM_PARAMETERS:
        raise ArchitectureError(
            f"A network must have at most {MAXIMUM_PARAMETERS:,} parameters to be built. "
            f"Received: an architecture of {parameters:,}."
        )


def _normalization(normalize: Any, channels: int) -> tuple[Any, Any] | None:
    """The (scale, offset) that `normalize` means, checked against the input's channels."""
    if normalize is None:
        return None
    if isinstance(normalize, str):
        check_choice("normalize", normalize, tuple(NORMALIZATIONS))
        normalize = NORMALIZATIONS[normalize]
    scale, offset = normalize
    for numbers in (scale, offset):
        if isinstance(numbers, (list, tuple)) and len(numbers) != channels:
            raise InputError(
                f"`normalize` must have one number, or one for each of the {channels} channels of "
                f"the input. Received: {len(numbers)}."
            )
    return scale, offset


def _activation(activation: str, **arguments: Any) -> Any:
    return keras.layers.Activation(KERAS_ACTIVATIONS[activation], **arguments)


def _gate(**arguments: Any) -> Any:
    return keras.layers.Activation("hard_sigmoid", **arguments)


def _variable_dtype(dtype: Any) -> str:
    policy = keras.dtype_policies.get(dtype)
    return str((policy or keras.config.dtype_policy()).variable_dtype)


def _model_name(architecture: Architecture | str) -> str:
    """The name of a network of the zoo; text, files and run folders have none."""
    known = isinstance(architecture, str) and architecture in zoo
    return zoo[str(architecture)].name if known else "network"
