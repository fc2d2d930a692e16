"""The feature maps of an architecture: what a detector's pyramid is built on, as data.

`build_model(architecture, features=True)` returns these maps, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

from .architecture import Architecture
from .counting import walk
from .errors import ArchitectureError


@dataclass(frozen=True)
class FeatureMap:
    """The last map of one stride.

    Attributes:
        block: position in the text of the block whose output it is.
        stride: pixels of the image for a pixel of the map.
        channels: channels of the map.
        side: pixels of the map at the text's own input size.
    """

    block: int
    stride: int
    channels: int
    side: int


def feature_maps(architecture: Architecture) -> tuple[FeatureMap, ...]:
    """The last map at each stride above 1, finest first; pooled blocks are no maps.

    Raises:
        ArchitectureError: no block has stride 2.

    Example:
        >>> from fbnetv2_tf.architecture import parse_architecture
        >>> text = "in_hw16_c3 cn_k3_s2_c8_nre ir_k3_s1_e2_c8_nre ir_k3_s2_e2_c16_nre fc_c2"
        >>> [(m.block, m.stride, m.channels) for m in feature_maps(parse_architecture(text))]
        [(2, 2, 8), (3, 4, 16)]
    """
    maps: dict[int, FeatureMap] = {}
    stride, side = 1, architecture.side
    for position, block, _, _ in walk(architecture):
        if block.stride is None:
            continue
        stride *= block.stride
        side = -(-side // block.stride)
        if stride > 1 and block.channels is not None:
            maps[stride] = FeatureMap(position, stride, block.channels, side)
    if not maps:
        raise ArchitectureError(
            "Feature maps must come from blocks of stride 2. Received: an architecture without any."
        )
    return tuple(maps.values())
