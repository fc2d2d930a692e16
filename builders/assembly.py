"""What every builder shares: the options of a model, checked, and the blocks put together.

`build_model` and its twin for the older Keras are this with another dialect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.counting import count, layer_name
from fbnetv2_tf.errors import ArchitectureError, InputError
from fbnetv2_tf.features import feature_maps

from .blocks import apply_block, apply_classifier
from .layers import BlockLayers, Dialect, LayerStyle
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
    """The options of `build_model`; there they are explained.

    Attributes:
        classes, include_top, features, normalize, dropout, stochastic_depth, padding, bn_epsilon,
            bn_momentum, zero_init_residual, hard_swish, input_size, dtype, name: as there.
        se_activation: of every squeeze-and-excite; None for the block's own. timm has relu.
        head_bias: whether the last 1x1 of `ip` has a bias, as timm's has. Both are for imported
            weights; the text and its costs know nothing of them.
    """

    classes: int | None = None
    include_top: bool = True
    features: bool = False
    normalize: str | tuple[Any, Any] | None = None
    dropout: float = 0.0
    stochastic_depth: float = 0.0
    padding: str = "same"
    bn_epsilon: float = 1e-5
    bn_momentum: float = 0.9
    zero_init_residual: bool = True
    hard_swish: str = "fused"
    input_size: tuple[int | None, int | None] | None = None
    dtype: Any = None
    name: str | None = None
    se_activation: str | None = None
    head_bias: bool = False

    def __post_init__(self) -> None:
        check_choice("padding", self.padding, ("same", "symmetric"))
        check_choice("hard_swish", self.hard_swish, ("fused", "decomposed"))
        if isinstance(self.normalize, str):
            check_choice("normalize", self.normalize, tuple(NORMALIZATIONS))
        elif self.normalize is not None and not _is_pair(self.normalize):
            raise InputError(
                f"`normalize` must be {', '.join(NORMALIZATIONS)} or (scale, offset). "
                f"Received: {self.normalize!r}."
            )
        if self.input_size is not None and not (
            _is_pair(self.input_size) and all(map(_is_side, self.input_size))
        ):
            raise InputError(
                f"`input_size` must be (height, width), each a positive integer or None. "
                f"Received: {self.input_size!r}."
            )
        for option in ("dropout", "stochastic_depth"):
            rate = getattr(self, option)
            if not 0 <= rate < 1:
                raise InputError(
                    f"`{option}` must be a rate from 0 to below 1. Received: {rate!r}."
                )
        if self.classes is not None and (not isinstance(self.classes, int) or self.classes < 1):
            raise InputError(f"`classes` must be a positive integer. Received: {self.classes!r}.")


def assemble(source: Architecture | str, dialect: Dialect, options: ModelOptions) -> Any:
    """Builds a model in the Keras of a dialect.

    Args:
        source: an `Architecture`, its text, a zoo name, a file or a run folder.
        dialect: which Keras.
        options: as of `build_model`.

    Returns:
        The functional model.

    Raises:
        ArchitectureError: the text is not an architecture, or its network is absurdly large.
        InputError: an option does not fit the architecture.
    """
    architecture = resolve_architecture(source)
    _check_size(architecture)
    style = _style(dialect, options)
    height, width = options.input_size or (architecture.side, architecture.side)
    image = dialect.keras.Input(
        (height, width, architecture.input_channels), name=layer_name(0, "image")
    )
    outputs = [_normalized(image, style, options, architecture.input_channels)]
    middle = architecture.blocks[1:-1]
    for position, block in enumerate(middle, start=1):
        rate = options.stochastic_depth * position / len(middle)
        outputs.append(apply_block(style, position, block, outputs[-1], drop_rate=rate))
    result: Any = outputs[-1]
    if options.features:
        result = [outputs[feature.block] for feature in feature_maps(architecture)]
    elif options.include_top:
        classes = options.classes or architecture.classes
        result = apply_classifier(style, len(middle) + 1, classes, result, options.dropout)
    return dialect.keras.Model(image, result, name=options.name or _model_name(source))


def _style(dialect: Dialect, options: ModelOptions) -> LayerStyle:
    return LayerStyle(
        dialect=dialect,
        padding=options.padding,
        bn_epsilon=options.bn_epsilon,
        bn_momentum=options.bn_momentum,
        dtype=options.dtype,
        logits_dtype=dialect.variable_dtype(options.dtype),
        zero_init_residual=options.zero_init_residual,
        fused_hard_swish=options.hard_swish == "fused",
        se_activation=options.se_activation,
        head_bias=options.head_bias,
    )


def _normalized(image: Any, style: LayerStyle, options: ModelOptions, channels: int) -> Any:
    """The input of the first block: the image, or the image scaled and shifted."""
    if options.normalize is None:
        return image
    scale, offset = (
        NORMALIZATIONS[options.normalize]
        if isinstance(options.normalize, str)
        else options.normalize
    )
    for numbers in (scale, offset):
        if isinstance(numbers, (list, tuple)) and len(numbers) != channels:
            raise InputError(
                f"`normalize` must have one number, or one for each of the {channels} channels of "
                f"the input. Received: {len(numbers)}."
            )
    return BlockLayers(style, 0).make("Rescaling", "normalize", scale=scale, offset=offset)(image)


def _is_pair(value: object) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2


def _is_side(value: object) -> bool:
    return value is None or (isinstance(value, int) and value > 0)


def _check_size(architecture: Architecture) -> None:
    parameters = count(architecture).parameters
    if parameters > MAXIMUM_PARAMETERS:
        raise ArchitectureError(
            f"A network must have at most {MAXIMUM_PARAMETERS:,} parameters to be built. "
            f"Received: an architecture of {parameters:,}."
        )


def check_choice(option: str, value: object, choices: tuple[str, ...]) -> None:
    """Raises `InputError` where an option is none of its choices."""
    if value not in choices:
        raise InputError(f"`{option}` must be one of {', '.join(choices)}. Received: {value!r}.")


def _model_name(source: Architecture | str) -> str:
    """The name of a network of the zoo; text, files and run folders have none."""
    known = isinstance(source, str) and source in zoo
    return zoo[str(source)].name if known else "network"
