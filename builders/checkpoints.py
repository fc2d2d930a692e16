"""PyTorch weights into Keras models and back: every tensor accounted for, no PyTorch needed.

A convolution's bias before a BatchNorm (the released models have one on the stem) is folded into
the moving mean. PyTorch pads symmetrically, so the models here do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.errors import CheckpointError

from .assembly import ModelOptions, assemble, check_choice
from .checkpoint_names import NAMINGS, ForeignLayer
from .model import KERAS_3

State = Mapping[str, NDArray[Any]]
"""A PyTorch state dictionary as arrays: name -> tensor."""

STATISTICS = ("weight", "bias", "running_mean", "running_var")
"""A BatchNorm's tensors in the order of Keras: gamma, beta, moving mean, moving variance."""

TIMM_EPSILON = 1e-5
SHOWN = 8


def import_state(
    architecture: Architecture,
    state: State,
    *,
    naming: str | None = None,
    bn_epsilon: float | None = None,
    normalize: Any = None,
    name: str | None = None,
) -> Any:
    """Builds the Keras model of a network with the weights of a PyTorch state dictionary.

    Args:
        architecture: the network that the weights are of.
        state: name -> array.
        naming: `mobile-vision` or `timm`; None finds it by the names.
        bn_epsilon: of the BatchNorms; None for 1e-5.
        normalize: as of `build_model`.
        name: of the model.

    Returns:
        A functional `keras.Model` with symmetric padding.

    Raises:
        CheckpointError: a tensor is missing, left over, or of another shape; the sentence lists
            them.
    """
    naming = naming or find_naming(state)
    check_choice("naming", naming, tuple(NAMINGS))
    layers = list(NAMINGS[naming](architecture))
    _account(layers, state)
    is_timm = naming == "timm"
    heads = [r for r in layers if r.norm_layer is None and r.layer.endswith("project_conv")]
    options = ModelOptions(
        padding="symmetric",
        bn_epsilon=1e-5 if bn_epsilon is None else bn_epsilon,
        normalize=normalize,
        name=name,
        se_activation="re" if is_timm else None,
        head_bias=any(f"{row.prefix}.bias" in state for row in heads),
    )
    model = assemble(architecture, KERAS_3, options)
    for row in layers:
        _load(model, row, state)
    return model


def export_state(model: Any, architecture: Architecture) -> dict[str, NDArray[Any]]:
    """The weights of a Keras model as a state dictionary by timm's names.

    Args:
        model: a model of `architecture` with symmetric padding; it is not changed.
        architecture: the network.

    Returns:
        Name -> array, in timm's order. A BatchNorm's epsilon other than timm's 1e-5 is made good in
        its variance.

    Raises:
        CheckpointError: timm has no such network, or would compute something else.
    """
    layers = list(NAMINGS["timm"](architecture))
    _check_computes_as_timm(model, architecture)
    state: dict[str, NDArray[Any]] = {}
    for row in layers:
        kernel, *bias = model.get_layer(row.layer).get_weights()
        state[f"{row.prefix}.weight"] = _to_torch(row, kernel)
        if bias:
            state[f"{row.prefix}.bias"] = bias[0]
        elif row.norm_layer is None:  # timm's head has a bias
            state[f"{row.prefix}.bias"] = np.zeros(kernel.shape[-1], kernel.dtype)
        if row.norm_layer is not None:
            norm = model.get_layer(row.norm_layer)
            values = dict(zip(STATISTICS, norm.get_weights(), strict=True))
            values["running_var"] = values["running_var"] + (norm.epsilon - TIMM_EPSILON)
            state |= {f"{row.norm_prefix}.{part}": value for part, value in values.items()}
            state[f"{row.norm_prefix}.num_batches_tracked"] = np.zeros((), np.int64)
    return state


def find_naming(state: State) -> str:
    """The naming of a state dictionary.

    Raises:
        CheckpointError: its names are of none that is known.
    """
    if any(name.startswith("backbone.xif") for name in state):
        return "mobile-vision"
    if "conv_stem.weight" in state:
        return "timm"
    some = ", ".join(sorted(state)[:3]) or "no tensors"
    raise CheckpointError(
        "A checkpoint must have the names of mobile-vision ('backbone.xif0_0.conv.weight') or of "
        f"timm ('conv_stem.weight'). Received: {some}."
    )


def _account(layers: list[ForeignLayer], state: State) -> None:
    """Refuses a state dictionary in which a tensor is missing or would be left over."""
    needed = {f"{row.prefix}.weight" for row in layers}
    allowed = {f"{row.prefix}.bias" for row in layers}
    for row in layers:
        if row.norm_prefix is not None:
            needed |= {f"{row.norm_prefix}.{part}" for part in STATISTICS}
            allowed.add(f"{row.norm_prefix}.num_batches_tracked")
        elif ".se." in row.prefix or row.layer.endswith("dense"):
            needed.add(f"{row.prefix}.bias")
    missing = sorted(needed - set(state))
    unused = sorted(set(state) - needed - allowed)
    if missing or unused:
        raise CheckpointError(
            "Every tensor of the checkpoint must belong to the architecture, and the other way "
            f"round. Received: {_listed('missing', missing)}; {_listed('unused', unused)}."
        )


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} {what}" + (f" ({', '.join(names[:SHOWN])}{more})" if names else "")


def _load(model: Any, row: ForeignLayer, state: State) -> None:
    """Sets the kernel, the bias and the BatchNorm of one layer."""
    layer = model.get_layer(row.layer)
    weights = [_from_torch(row, state[f"{row.prefix}.weight"])]
    bias = state.get(f"{row.prefix}.bias")
    if layer.use_bias:
        weights.append(np.asarray(bias))
    _set(layer, weights, row.prefix)
    if row.norm_layer is None:
        return
    values = [state[f"{row.norm_prefix}.{part}"] for part in STATISTICS]
    if bias is not None:
        # BN(conv + bias) with mean m is BN(conv) with mean m - bias.
        values[2] = values[2] - bias
    _set(model.get_layer(row.norm_layer), values, str(row.norm_prefix))


def _set(layer: Any, weights: list[NDArray[Any]], prefix: str) -> None:
    expected = [tuple(weight.shape) for weight in layer.weights]
    given = [tuple(np.shape(weight)) for weight in weights]
    if given != expected:
        raise CheckpointError(
            f"The tensors {prefix!r} must have the shapes {expected} of layer {layer.name!r} (in "
            f"Keras's order). Received: {given}."
        )
    layer.set_weights([np.asarray(weight, np.float32) for weight in weights])


def _from_torch(row: ForeignLayer, kernel: NDArray[Any]) -> NDArray[Any]:
    """(out, in, height, width) to Keras's order; a classifier may be a 1x1 convolution."""
    if row.layer.endswith("depthwise_conv"):
        return np.transpose(kernel, (2, 3, 0, 1)) if kernel.ndim == 4 else kernel
    if row.layer.endswith("dense"):
        return (
            np.reshape(kernel, kernel.shape[:2]).T if kernel.shape[2:] in ((), (1, 1)) else kernel
        )
    return np.transpose(kernel, (2, 3, 1, 0)) if kernel.ndim == 4 else kernel


def _to_torch(row: ForeignLayer, kernel: NDArray[Any]) -> NDArray[Any]:
    if row.layer.endswith("dense"):
        return kernel.T
    order = (2, 3, 0, 1) if row.layer.endswith("depthwise_conv") else (3, 2, 0, 1)
    return np.transpose(kernel, order)


def _check_computes_as_timm(model: Any, architecture: Architecture) -> None:
    """Refuses a model that has timm's tensors and yet computes something else."""
    strided = {position for position, block in enumerate(architecture.blocks) if block.stride == 2}
    padded = {
        int(layer.name[1:].split("_")[0]) for layer in model.layers if "_padding" in layer.name
    }
    for position in sorted(strided - padded):
        if (architecture.blocks[position].kernel or 1) > 1:
            raise CheckpointError(
                "The model must be built with padding='symmetric', as timm pads. Received: 'same' "
                f"in block {position}."
            )
    for layer in model.layers:
        if layer.name.endswith("_se_act") and layer.get_config().get("activation") != "relu":
            raise CheckpointError(
                "Squeeze-and-excite must use relu, as timm's does. Received: "
                f"{layer.get_config().get('activation')!r} in layer {layer.name!r}."
            )
