"""What the layers of a network are called in PyTorch checkpoints: mobile-vision's names and timm's.

No PyTorch here. Sources: the state dictionaries of mobile-vision's released FBNetV2 models, and of
timm's `mobilenetv3_large_100` and `fbnetc_100`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fbnetv2_tf.architecture import Architecture, Block
from fbnetv2_tf.counting import layer_name, walk
from fbnetv2_tf.errors import CheckpointError


@dataclass(frozen=True)
class ForeignLayer:
    """A Keras layer with a kernel, and what its tensors are called elsewhere.

    Attributes:
        layer: the Keras convolution or classifier.
        prefix: of `.weight` and `.bias` in the checkpoint.
        norm_layer: the Keras BatchNormalization behind it, or None.
        norm_prefix: of its tensors in the checkpoint, or None.
    """

    layer: str
    prefix: str
    norm_layer: str | None = None
    norm_prefix: str | None = None


def mobile_vision_layers(architecture: Architecture) -> Iterator[ForeignLayer]:
    """The layers of a network by mobile-vision's names, `backbone.xif{stage}_{block}...`.

    Its definitions begin a stage at the first and the second block, at every block of stride 2, and
    at the head: the `ip`, or the convolution before the classifier.
    """
    starts = {i for i, block in enumerate(architecture.blocks) if block.stride == 2} | {1, 2}
    if architecture.blocks[-2].kind in ("ip", "cn"):
        starts.add(len(architecture.blocks) - 2)
    stage, number = -1, 0
    for position, block, _, channels in walk(architecture):
        stage, number = (stage + 1, 0) if position in starts else (stage, number + 1)
        prefix = f"backbone.xif{stage}_{number}"
        yield from _mobile_vision_block(position, block, channels, prefix)


def _mobile_vision_block(
    position: int, block: Block, channels: int, prefix: str
) -> Iterable[ForeignLayer]:
    def layer(part: str, name: str) -> ForeignLayer:
        conv, norm = f"{part}_conv".lstrip("_"), f"{part}_bn".lstrip("_")
        return ForeignLayer(
            layer_name(position, conv),
            ".".join(filter(None, (prefix, name, "conv"))),
            layer_name(position, norm),
            ".".join(filter(None, (prefix, name, "bn"))),
        )

    if block.kind == "cn":
        return [layer("", "")]
    if block.kind == "sk":
        return [] if is_identity(block, channels) else [layer("", "conv")]
    if block.kind in ("ds", "ir"):
        rows = [layer("expand", "pw")] if block.kind == "ir" else []
        rows.append(layer("depthwise", "dw"))
        if block.se:
            rows.append(ForeignLayer(layer_name(position, "se_reduce"), f"{prefix}.se.se.0.conv"))
            rows.append(ForeignLayer(layer_name(position, "se_expand"), f"{prefix}.se.se.1"))
        return [*rows, layer("project", "pwl")]
    if block.kind == "ip":
        projection = ForeignLayer(layer_name(position, "project_conv"), f"{prefix}.pwl.conv")
        return [layer("expand", "pw"), projection]
    if block.kind == "fc":
        return [ForeignLayer(layer_name(position, "dense"), "head.conv")]
    return []


def timm_layers(architecture: Architecture) -> Iterator[ForeignLayer]:
    """The layers of a network by timm's names, `blocks.{stage}.{block}...`.

    A stage begins at every block of stride 2 and at every new width, which is how timm lays out
    MobileNetV3 and FBNet-C. The head is MobileNetV3's (`ip`) or EfficientNet's (a 1x1 convolution).

    Raises:
        CheckpointError: for a block that timm has no name for.
    """
    _check_form_for_timm(architecture)
    yield ForeignLayer("b01_conv", "conv_stem", "b01_bn", "bn1")
    last = len(architecture.blocks) - 1
    stage, number = -1, 0
    for position, block, _, channels in walk(architecture):
        if position == 1 or is_identity(block, channels):
            continue
        if position == last:
            yield ForeignLayer(layer_name(position, "dense"), "classifier")
        elif block.kind == "cn" and position == last - 1:
            bn = layer_name(position, "bn")
            yield ForeignLayer(layer_name(position, "conv"), "conv_head", bn, "bn2")
        else:
            is_new = stage < 0 or block.stride != 1 or block.channels != channels
            stage, number = (stage + 1, 0) if is_new else (stage, number + 1)
            yield from _timm_block(position, block, f"blocks.{stage}.{number}")


def _timm_block(position: int, block: Block, prefix: str) -> Iterable[ForeignLayer]:
    def layer(part: str, conv: str, norm: str) -> ForeignLayer:
        return ForeignLayer(
            layer_name(position, f"{part}_conv".lstrip("_")),
            f"{prefix}.{conv}",
            layer_name(position, f"{part}_bn".lstrip("_")),
            f"{prefix}.{norm}",
        )

    if block.kind == "cn":
        return [layer("", "conv", "bn1")]
    if block.kind == "ip":
        head = ForeignLayer(layer_name(position, "project_conv"), "conv_head")
        return [layer("expand", "conv", "bn1"), head]
    gate = []
    if block.se:
        for part, name in (("se_reduce", "conv_reduce"), ("se_expand", "conv_expand")):
            gate.append(ForeignLayer(layer_name(position, part), f"{prefix}.se.{name}"))
    if block.kind == "ds":
        return [layer("depthwise", "conv_dw", "bn1"), *gate, layer("project", "conv_pw", "bn2")]
    return [
        layer("expand", "conv_pw", "bn1"),
        layer("depthwise", "conv_dw", "bn2"),
        *gate,
        layer("project", "conv_pwl", "bn3"),
    ]


def _check_form_for_timm(architecture: Architecture) -> None:
    stem, head = architecture.blocks[1], architecture.blocks[-2]
    if stem.kind != "cn" or stem.kernel != 3 or stem.stride != 2:
        raise CheckpointError(
            f"timm's networks must begin with a 3x3 convolution of stride 2. Received: '{stem}'."
        )
    if head.kind != "ip" and not (head.kind == "cn" and head.kernel == 1):
        raise CheckpointError(
            f"timm's networks must end with an 'ip' or a 1x1 'cn' before 'fc'. Received: '{head}'."
        )
    has_gates = any(block.se for block in architecture.blocks)
    if has_gates and head.kind != "ip":
        raise CheckpointError(
            "timm's squeeze-and-excite must be that of MobileNetV3, whose networks end with 'ip'; "
            f"in its others the gate is another function. Received: '{head}'."
        )
    for position, block, _, channels in walk(architecture):
        if block.kind == "pl" or (block.kind == "sk" and not is_identity(block, channels)):
            raise CheckpointError(f"timm has no name for block {position}. Received: '{block}'.")


def is_identity(block: Block, input_channels: int) -> bool:
    """Whether a block is a skip without layers."""
    return block.kind == "sk" and block.stride == 1 and block.channels == input_channels


NAMINGS: dict[str, Callable[[Architecture], Iterator[ForeignLayer]]] = {
    "mobile-vision": mobile_vision_layers,
    "timm": timm_layers,
}
"""The namings that are known, and how each names a network's layers."""
