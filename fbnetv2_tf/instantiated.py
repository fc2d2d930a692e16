"""`sharing="none"`: the paper's instantiated candidates, for comparison with the one path.

FBNetV2 (section 3.1) shares weights among widths and expansions only: each type of a block, one of
every kernel, squeeze-and-excite and activation, is a candidate with weights of its own, and the
block is the sum of their outputs times their probabilities. A step then costs as much as all
candidates together; choices, costs and children are those of the one path.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from .architecture import Block
from .errors import SpaceError
from .mask_plan import masks_of
from .masked_block import MaskedBlock
from .masked_blocks import KINDS
from .masked_residual import MaskedInvertedResidual, SeparableBranch
from .masks import BlockMasks
from .normalized_activation import Added

TYPES = ("kernel", "se", "activation")
"""The fields that make the type of a candidate."""


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class InstantiatedInvertedResidual(MaskedInvertedResidual):
    """`ir`, `ds`, `ir/sk` and `ds/sk` as `sum_i p_i candidate_i(x)` beside residual and skip.

    `p_i` is the product of the weights of the candidate's kernel, squeeze-and-excite and
    activation; it goes into the candidate's last gamma and beta.
    """

    def make_branches(self) -> None:
        self.candidates = [
            self.make_branch(
                replace(self.block, kinds=(self.block.kind,), **one_each),
                name=f"candidate{place:02d}",
            )
            for place, (_, one_each) in enumerate(self._types())
        ]

    @property
    def all_branches(self) -> list[SeparableBranch]:
        return self.candidates

    def branch_for(self, block: Block) -> SeparableBranch:
        wanted = {field: (getattr(block, field),) for field in TYPES}
        place = next(i for i, (_, one_each) in enumerate(self._types()) if one_each == wanted)
        return self.candidates[place]

    def branches(
        self, x: tf.Tensor, masks: BlockMasks, phase: dict[str, Any], added: Added
    ) -> tf.Tensor:
        names = {field: field for field in masks.weights}
        placed = [candidate.placed(x.shape[1], names) for candidate in self.candidates]
        outputs: list[tf.Tensor] = []
        of_candidates = masks_of(placed, masks.weights, masks.fixed)
        for candidate, own, (places, _) in zip(
            self.candidates, of_candidates, self._types(), strict=True
        ):
            probability: Any = masks.scale
            for field, place in places.items():
                if len(getattr(self.block, field)) > 1:
                    weight = masks.weights[field][place]
                    probability = weight if probability is None else probability * weight
            beside = {"scale": probability, "added": [] if outputs else added}
            outputs.append(candidate(x, masks=own, **beside, **phase))
        return tf.add_n(outputs)

    def _types(self) -> Iterator[tuple[dict[str, int], dict[str, tuple[Any, ...]]]]:
        """Every type: field -> place among its alternatives, and field -> that one alternative."""
        alternatives = [getattr(self.block, field) for field in TYPES]
        for places in itertools.product(*(range(len(values)) for values in alternatives)):
            one_each = [(v[place],) for v, place in zip(alternatives, places, strict=True)]
            yield dict(zip(TYPES, places, strict=True)), dict(zip(TYPES, one_each, strict=True))


SHARING: dict[str, dict[str, type[MaskedBlock]]] = {
    "path": KINDS,
    "none": {**KINDS, "ir": InstantiatedInvertedResidual, "ds": InstantiatedInvertedResidual},
}
"""The two forms of the blocks."""


def block_layers(sharing: str) -> dict[str, type[MaskedBlock]]:
    """Kind of a block -> its layer.

    Args:
        sharing: `path` for masks on one path, `none` for instantiated candidates.

    Raises:
        SpaceError: for any other word.
    """
    if sharing not in SHARING:
        raise SpaceError(f"`sharing` must be one of {', '.join(SHARING)}. Received: {sharing!r}.")
    return SHARING[sharing]
