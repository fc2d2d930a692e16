"""A search space: the architecture text with slashes in it.

`in_hw28_c1 cn_k3_s2_c16_nhs ir/sk_r2_k3/5_s1_e1:3:1_c16/24_se0/0.25_nre/hs fc_c10` is a space of
two searched blocks. Every block of a repeat is searched on its own. The choices of a block are
independent of each other; that is what a supernet learns a distribution over.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from .architecture import (
    SKIP_ACTIVATION,
    Architecture,
    Block,
    check_length,
    check_order,
    read_block,
    read_value,
    split_blocks,
)
from .errors import SpaceError
from .tokens import GRAMMAR, MAXIMUM_ALTERNATIVES, SEARCHABLE, Token, Value, format_value

MIXED_KINDS = (("ir", "sk"), ("ds", "sk"))
"""The kinds that may be alternatives of one block."""

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

    def __str__(self) -> str:
        words = ["/".join(self.kinds)]
        for token in GRAMMAR[self.kind]:
            values = getattr(self, token.field)
            if values != (token.default,):
                words.append(token.name + _format_values(values))
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

    def sample(self, seed: int) -> Architecture:
        """An architecture drawn uniformly from all of them; the same seed gives the same one."""
        generator = random.Random(seed)
        return Architecture(tuple(_sample_block(b, generator) for b in self.blocks))

    def architectures(self) -> Iterator[Architecture]:
        """All architectures, for spaces small enough to list."""
        yield from _products(self.blocks, ())

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
    for where, word in split_blocks(_text_of(text), SpaceError):
        kind, texts = read_block(where, word, SpaceError)
        kinds = tuple(kind.split("/"))
        if len(kinds) > 1 and kinds not in MIXED_KINDS:
            allowed = " or ".join("/".join(pair) for pair in MIXED_KINDS)
            raise SpaceError(
                f"{where}: only {allowed} may be alternative kinds. Received: {kind[:40]!r}."
            )
        fixed = {t.field: _read_values(where, kinds[0], t, value) for t, value in texts.items()}
        repeats = int(fixed.pop("repeats", (1,))[0])
        for token in GRAMMAR[kinds[0]]:
            if token.default is not None:
                fixed.setdefault(token.field, (token.default,))
        for repeat in range(repeats):
            if repeat:
                fixed["stride"] = (1,)
            blocks.append(SpaceBlock(kinds, **fixed))  # type: ignore[arg-type]
        check_length(len(blocks), SpaceError)
    check_order([block.kind for block in blocks], SpaceError)
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
    if not isinstance(text, str) or len(text.split()) != 1 or text.startswith("in_"):
        return text
    name = text.strip()
    if name in preset_names():
        return (PRESETS / f"{name}.txt").read_text(encoding="utf-8")
    path = Path(name)
    if len(name) < 1024 and path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpaceError(f"The space file {name!r} cannot be read: {error}.") from error
    raise SpaceError(
        f"A space must be text, a file, or a preset ({', '.join(preset_names())}). "
        f"Received: {name[:80]!r}."
    )


def _read_values(where: str, kind: str, token: Token, text: str) -> tuple[Value, ...]:
    """All alternatives of one token, ranges written out, none twice."""
    values: list[Value] = []
    for part in text.split("/"):
        bounds = part.split(":")
        if len(bounds) == 1:
            values.append(read_value(where, token, part, SpaceError))
        else:
            values.extend(_read_range(where, token, part, bounds))
        if len(values) > MAXIMUM_ALTERNATIVES:
            raise SpaceError(
                f"{where}: {token.name!r} may have at most {MAXIMUM_ALTERNATIVES} alternatives. "
                f"Received: more."
            )
    if len(set(values)) < len(values):
        raise SpaceError(
            f"{where}: an alternative of {token.name!r} is given twice. "
            f"Received: {(token.name + text)[:60]!r}."
        )
    fixed_here = token.name not in SEARCHABLE or (token.name == "c" and kind in ("in", "fc"))
    if len(values) > 1 and fixed_here:
        raise SpaceError(
            f"{where}: {token.name!r} of {kind!r} cannot be searched, so it must be one value. "
            f"Received: {(token.name + text)[:60]!r}."
        )
    return tuple(values)


def _read_range(where: str, token: Token, part: str, bounds: list[str]) -> list[Value]:
    if len(bounds) != 3 or token.low is None:
        raise SpaceError(
            f"{where}: a range must be low:high:step of numbers. "
            f"Received: {(token.name + part)[:60]!r}."
        )
    for bound in bounds[:2]:
        read_value(where, token, bound, SpaceError)
    try:
        low, high, step = map(Decimal, bounds)
    except ArithmeticError:
        step = Decimal(0)
    if not (0 < step <= 10**6) or high < low or (high - low) % step:
        raise SpaceError(
            f"{where}: a range must go up from low to high in whole steps. "
            f"Received: {(token.name + part)[:60]!r}."
        )
    count = int((high - low) / step) + 1
    if count > MAXIMUM_ALTERNATIVES:
        raise SpaceError(
            f"{where}: {token.name!r} may have at most {MAXIMUM_ALTERNATIVES} alternatives. "
            f"Received: {count}."
        )
    return [
        read_value(where, token, format(low + i * step, "f"), SpaceError) for i in range(count)
    ]


def _format_values(values: tuple[Value, ...]) -> str:
    """Alternatives as text: runs of at least three equal steps become ranges."""
    parts: list[str] = []
    start = 0
    while start < len(values):
        end = _end_of_run(values, start)
        if end - start >= 3:
            numbers = [Decimal(format_value(v)) for v in values[start:end]]
            step = format((numbers[1] - numbers[0]).normalize(), "f")
            parts.append(f"{format_value(values[start])}:{format_value(values[end - 1])}:{step}")
        else:
            end = start + 1
            parts.append(format_value(values[start]))
        start = end
    return "/".join(parts)


def _end_of_run(values: tuple[Value, ...], start: int) -> int:
    """Where the longest ascending run of equal steps that begins at `start` ends."""
    if isinstance(values[start], str):
        return start + 1
    numbers = [Decimal(format_value(value)) for value in values[start:]]
    end = 1
    while end < len(numbers) and numbers[end] - numbers[end - 1] == numbers[1] - numbers[0] > 0:
        end += 1
    return start + end


def _sample_block(block: SpaceBlock, generator: random.Random) -> Block:
    skips = len(block.channels) if block.skippable else 0
    kind = "sk" if generator.randrange(block.size) < skips else block.kind
    values = {
        token.field: generator.choice(getattr(block, token.field)) for token in GRAMMAR[kind]
    }
    return block.block(kind, **values)


def _products(blocks: tuple[SpaceBlock, ...], chosen: tuple[Block, ...]) -> Iterator[Architecture]:
    if not blocks:
        yield Architecture(chosen)
        return
    for block in block_alternatives(blocks[0]):
        yield from _products(blocks[1:], (*chosen, block))


def block_alternatives(block: SpaceBlock) -> Iterator[Block]:
    """Every block that this one may become, each once."""
    import itertools

    for kind in block.kinds:
        searched = [
            t.field
            for t in GRAMMAR[kind]
            if not (block.skippable and kind == "sk" and t.field == "activation")
        ]
        for values in itertools.product(*(getattr(block, field) for field in searched)):
            yield block.block(kind, **cast(dict[str, Any], dict(zip(searched, values, strict=True))))
