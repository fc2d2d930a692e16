"""Where the blocks of a space stand: what each reads, at which side, and which choices it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .choices_layout import choice_name, searched
from .rounding import output_side
from .space import Space, SpaceBlock
from .tokens import GRAMMAR


@dataclass(frozen=True)
class PlacedBlock:
    """A block where it stands in a network.

    Attributes:
        block: its alternatives.
        input_channels: the alternatives of the width that it reads.
        side: of the map that it reads, pixels.
        names: field -> name of the choice, where there is one; `input` is the width it reads.
    """

    block: SpaceBlock
    input_channels: tuple[int, ...]
    side: int
    names: Mapping[str, str]

    def alternatives(self, name: str) -> tuple[Any, ...]:
        """Of a field, of the kind, or of the width that is read."""
        if name == "input":
            return self.input_channels
        found: tuple[Any, ...] = self.block.kinds if name == "kind" else getattr(self.block, name)
        return found


def placed_blocks(space: Space, side: int) -> list[PlacedBlock]:
    """The blocks of a space behind its input.

    Args:
        space: the space.
        side: of the images, pixels.
    """
    names, placed = searched(space), []
    channels, source = space.blocks[0].channels, 0
    for index, block in enumerate(space.blocks[1:], start=1):
        of_block = {"input": choice_name(source, "channels"), "kind": choice_name(index, "kind")}
        for token in GRAMMAR[block.kind]:
            of_block[token.field] = choice_name(index, token.field)
        known = {field: name for field, name in of_block.items() if name in names}
        placed.append(PlacedBlock(block, channels, side, known))
        side = output_side(side, *block.stride or (1,))
        if block.channels:
            channels, source = block.channels, index
    return placed


class FieldWeights(Mapping[str, Any]):
    """The weights of a block's choices by field, looked up where they are asked for."""

    def __init__(self, names: Mapping[str, str], weights: Mapping[str, Any]) -> None:
        self.names, self.weights = names, weights

    def __getitem__(self, field: str) -> Any:
        return self.weights[self.names[field]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
