"""A search space: the architecture text with slashes in it.

`in_hw28_c1 cn_k3_s2_c16_nhs ir/sk_r2_k3/5_s1_e1:3:1_c16/24_se0/0.25_nre/hs fc_c10` is a space of
two searched blocks. Every block of a repeat is searched on its own. The choices of a block are
independent of each other; that is what a supernet learns a distribution over.
"""

from __future__ import annotations

import difflib
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from .alternatives import format_values, is_searchable, read_values
from .architecture import (
    SKIP_ACTIVATION,
    Architecture,
    Block,
    check_length,
    check_order,
    read_block,
    split_blocks,
)
from .errors import SpaceError
from .textfile import is_text, read_text_file
from .tokens import GRAMMAR, MAXIMUM_ALL_ALTERNATIVES, MAXIMUM_ALTERNATIVES, Token

MIXED_KINDS = (("ir", "sk"), ("ds", "sk"))
"""The kinds that may be alternatives of one block."""

MAXIMUM_LISTED = 1_000_000

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class SpaceBlock:
    """One block of a space: for each field of a `Block` the tuple of its alternatives.

    Attributes:
        kinds: `("ir",)`, or `("ir", "sk")` where the block may be skipped.
        side, kernel, stride, expansion, channels, se, activation: as in `Block`, each a tuple of
            alternatives in the order of the text; empty where the kind does not have the field.
    """

    kinds: tuple[str, ...]
    side: tuple[int, ...] = ()
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    expansion: tuple[float, ...] = ()
    channels: tuple[int, ...] = ()
    se: tuple[float, ...] = ()
    activation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", tuple(self.kinds))
        if self.kinds not in MIXED_KINDS and not (len(self.kinds) == 1 and self.kind in GRAMMAR):
            raise SpaceError(
                f"`kinds` must be one of {', '.join(GRAMMAR)}, or {_mixed_kinds()}. "
                f"Received: {self.kinds!r}."
            )
        taken = {token.field: token for token in GRAMMAR[self.kind]}
        for field in fields(self)[1:]:
            token = taken.get(field.name)
            if token is not None:
                object.__setattr__(self, field.name, self._checked(token))
            elif getattr(self, field.name):
                raise SpaceError(
                    f"A block of kind {self.kind!r} has no `{field.name}`. "
                    f"Received: {getattr(self, field.name)!r}."
                )

    def _checked(self, token: Token) -> tuple[Any, ...]:
        """The alternatives of a token, each once, as the text would give them."""
        given = getattr(self, token.field)
        if not given and token.default is not None:
            given = (token.default,)
        values = tuple(token.canonical(value) for value in given)
        if not values or None in values or len(set(values)) < len(values):
            raise SpaceError(
                f"`{token.field}` of a block of kind {self.kind!r} must be alternatives, none "
                f"twice, each {token.expected}. Received: {given!r}."
            )
        most = MAXIMUM_ALTERNATIVES if is_searchable(self.kind, token) else 1
        if len(values) > most:
            raise SpaceError(
                f"`{token.field}` of a block of kind {self.kind!r} must have at most {most} "
                f"alternatives. Received: {len(values)}."
            )
        return values

    @property
    def kind(self) -> str:
        """The first kind, which is not a skip unless the block is always one."""
        return self.kinds[0]

    @property
    def skippable(self) -> bool:
        """Whether the block may be a skip instead."""
        return len(self.kinds) == 2

    @property
    def size(self) -> int:
        """How many different blocks this is, written as text."""
        first = math.prod(len(getattr(self, token.field)) for token in GRAMMAR[self.kind])
        return first + len(self.channels) * self.skippable

    @property
    def alternatives(self) -> int:
        """How many values its tokens have, all together."""
        return sum(len(getattr(self, token.field)) for token in GRAMMAR[self.kind])

    def __str__(self) -> str:
        words = ["/".join(self.kinds)]
        for token in GRAMMAR[self.kind]:
            values = getattr(self, token.field)
            if values != (token.default,):
                words.append(token.name + format_values(values))
        return "_".join(words)

    def __contains__(self, block: Block) -> bool:
        if block.kind not in self.kinds:
            return False
        if self.skippable and block.kind == "sk" and block.activation != SKIP_ACTIVATION:
            return False
        return all(
            getattr(block, token.field) in getattr(self, token.field)
            for token in GRAMMAR[block.kind]
            if not (self.skippable and block.kind == "sk" and token.field == "activation")
        )

    def block(self, kind: str | None = None, **values: Any) -> Block:
        """The block of these values; a field that is not given takes its first alternative."""
        kind = kind or self.kind
        chosen = {}
        for token in GRAMMAR[kind]:
            alternatives = getattr(self, token.field)
            chosen[token.field] = values.get(token.field, alternatives[0])
        if self.skippable and kind == "sk":
            chosen["activation"] = SKIP_ACTIVATION
        return Block(kind, **chosen)


@dataclass(frozen=True)
class Space:
    """A set of architectures that share their depth and strides.

    Example:
        >>> space = parse_space("in_hw8_c3 cn_k3/5_s2_c8:24:8_nre fc_c2")
        >>> space.size, parse_space(str(space)) == space
        (6, True)
        >>> str(space.sample(seed=1)) in [str(a) for a in space.architectures()]
        True
    """

    blocks: tuple[SpaceBlock, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        check_length(len(self.blocks), SpaceError)
        check_order([block.kind for block in self.blocks], SpaceError)
        _check_alternatives(sum(block.alternatives for block in self.blocks))

    @property
    def size(self) -> int:
        """The exact number of architectures, each counted once as text."""
        return math.prod(block.size for block in self.blocks)

    @property
    def sides(self) -> tuple[int, ...]:
        """The input resolutions, pixels."""
        return self.blocks[0].side

    @property
    def input_channels(self) -> int:
        """Channels of the input."""
        return self.blocks[0].channels[0]

    @property
    def classes(self) -> int:
        """Outputs of the classifier."""
        return self.blocks[-1].channels[0]

    def __str__(self) -> str:
        return " ".join(map(str, self.blocks))

    def __contains__(self, architecture: Architecture) -> bool:
        return len(architecture.blocks) == len(self.blocks) and all(
            block in alternatives
            for block, alternatives in zip(architecture.blocks, self.blocks, strict=True)
        )

    def check(self, architecture: Architecture) -> None:
        """Raises `SpaceError`, naming the first block that is not in the space."""
        if len(architecture.blocks) != len(self.blocks):
            raise SpaceError(
                f"An architecture of this space must have {len(self.blocks)} blocks. "
                f"Received: {len(architecture.blocks)}."
            )
        for i, (block, choice) in enumerate(zip(architecture.blocks, self.blocks, strict=True)):
            if block not in choice:
                raise SpaceError(
                    f"Block {i} must be one of '{choice}'. Received: '{block}', which is not in "
                    f"the space."
                )

    def for_data(self, classes: int, channels: int) -> Space:
        """The same space for images of `channels` channels and `classes` classes."""
        first = replace(self.blocks[0], channels=(channels,))
        last = replace(self.blocks[-1], channels=(classes,))
        return Space((first, *self.blocks[1:-1], last))

    def sample(self, seed: int) -> Architecture:
        """An architecture drawn uniformly from all of them; the same seed gives the same one."""
        generator = random.Random(seed)
        return Architecture(tuple(_sample_block(b, generator) for b in self.blocks))

    def architectures(self) -> Iterator[Architecture]:
        """All architectures, for spaces small enough to list.

        Raises:
            SpaceError: there are more than `MAXIMUM_LISTED`.
        """
        if self.size > MAXIMUM_LISTED:
            raise SpaceError(
                f"A space must have at most {MAXIMUM_LISTED} architectures to be listed. "
                f"Received: one of about 10^{len(str(self.size)) - 1}."
            )
        for blocks in itertools.product(*map(block_alternatives, self.blocks)):
            yield Architecture(blocks)

    @property
    def smallest(self) -> Architecture:
        """The architecture of the fewest multiply-adds."""
        from .derivation import Landscape

        return Landscape(self).extreme(largest=False)

    @property
    def largest(self) -> Architecture:
        """The architecture of the most multiply-adds."""
        from .derivation import Landscape

        return Landscape(self).extreme(largest=True)


def parse_space(text: str) -> Space:
    """Reads a space from its text, a preset's name (`fashion28`) or a file that holds the text.

    Args:
        text: blocks as in `parse_architecture`, where a value may be alternatives `a/b/c`, an
            inclusive range `low:high:step`, or both, and a kind may be `ir/sk` or `ds/sk`.

    Returns:
        The space, with repeats and ranges written out.

    Raises:
        SpaceError: naming the block, its position, the token, what was expected and received.

    Example:
        >>> parse_space("in_hw8_c3 cn_k3_s2_c8/16:32:8_nre fc_c2").blocks[1].channels
        (8, 16, 24, 32)
    """
    blocks: list[SpaceBlock] = []
    alternatives = 0
    for where, word in split_blocks(_text_of(text), SpaceError):
        kind, texts = read_block(where, word, SpaceError)
        kinds = tuple(kind.split("/"))
        if len(kinds) > 1 and kinds not in MIXED_KINDS:
            raise SpaceError(
                f"{where}: only {_mixed_kinds()} may be alternative kinds. Received: {kind[:40]!r}."
            )
        fixed = {t.field: read_values(where, kinds[0], t, value) for t, value in texts.items()}
        repeats = int(fixed.pop("repeats", (1,))[0])
        first = SpaceBlock(kinds, **fixed)  # type: ignore[arg-type]
        rest = replace(first, stride=(1,)) if repeats > 1 else first
        blocks += [first, *([rest] * (repeats - 1))]
        check_length(len(blocks), SpaceError)
        alternatives += repeats * first.alternatives
        _check_alternatives(alternatives)
    return Space(tuple(blocks))


def space_of(architecture: Architecture) -> Space:
    """The space whose only member is this architecture."""
    blocks = []
    for block in architecture.blocks:
        values = {
            field.name: (getattr(block, field.name),)
            for field in fields(block)[1:]
            if getattr(block, field.name) is not None
        }
        blocks.append(SpaceBlock((block.kind,), **values))
    return Space(tuple(blocks))


def preset_names() -> list[str]:
    """The names that `parse_space` knows."""
    return sorted(path.stem for path in PRESETS.glob("*.txt"))


def _text_of(text: str) -> str:
    """The text itself, or what the preset or the file of that name holds."""
    if not isinstance(text, str) or is_text(text):
        return text
    name = text.strip()
    if name in preset_names():
        return (PRESETS / f"{name}.txt").read_text(encoding="utf-8")
    from_file = read_text_file(Path(name), SpaceError)
    if from_file is not None:
        return from_file
    if len(name.split()) != 1:  # meant as text, so the grammar says what is wrong with it
        return text
    near = difflib.get_close_matches(name, preset_names(), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SpaceError(
        f"A space must be text, a file, or a preset ({', '.join(preset_names())}). "
        f"Received: {name[:80]!r}.{hint}"
    )


def _check_alternatives(alternatives: int) -> None:
    """Refuses a space that no supernet could hold before anything is made of it."""
    if alternatives > MAXIMUM_ALL_ALTERNATIVES:
        raise SpaceError(
            f"A space must have at most {MAXIMUM_ALL_ALTERNATIVES} alternatives, of all tokens of "
            f"all blocks together. Received: {alternatives} or more."
        )


def _mixed_kinds() -> str:
    return " or ".join("/".join(pair) for pair in MIXED_KINDS)


def _sample_block(block: SpaceBlock, generator: random.Random) -> Block:
    skips = len(block.channels) if block.skippable else 0
    kind = "sk" if generator.randrange(block.size) < skips else block.kind
    values = {token.field: generator.choice(getattr(block, token.field)) for token in GRAMMAR[kind]}
    return block.block(kind, **values)


def block_alternatives(block: SpaceBlock) -> Iterator[Block]:
    """Every block that this one may become, each once."""
    for kind in block.kinds:
        searched = [
            t.field
            for t in GRAMMAR[kind]
            if not (block.skippable and kind == "sk" and t.field == "activation")
        ]
        for values in itertools.product(*(getattr(block, field) for field in searched)):
            yield block.block(
                kind, **cast(dict[str, Any], dict(zip(searched, values, strict=True)))
            )
