"""An architecture: text such as `in_hw28_c1 cn_k3_s2_c8_nhs ir_k5_s2_e4_c24_nre fc_c10`, and back.

`parse_architecture(str(architecture)) == architecture`. No Keras and no TensorFlow here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import cast

from .errors import ArchitectureError, InputError
from .tokens import (
    GRAMMAR,
    MAXIMUM_BLOCKS,
    MAXIMUM_TEXT,
    REPEATABLE,
    REPEATS,
    Token,
    Value,
    format_value,
    split_token,
)

SKIP_ACTIVATION = "re"
"""What a skip that is an alternative of a searched block uses (METHOD: "1x1 conv, BN, ReLU")."""


@dataclass(frozen=True)
class Block:
    """One block of an architecture; a field that its kind does not have is None.

    Attributes:
        kind: `in`, `cn`, `ds`, `ir`, `sk`, `ip`, `pl` or `fc`.
        side: pixels of the square input (`in`).
        channels: output channels; of `in` the input's, of `fc` the classes.
        kernel: side of the (depthwise) kernel, odd.
        stride: 1 or 2.
        expansion: hidden width over input width, before rounding (`ir`, `ip`).
        se: squeeze-and-excite width over hidden width, 0 for none (`ds`, `ir`).
        activation: `re`, `r6`, `hs` or `sw`.
    """

    kind: str
    side: int | None = None
    kernel: int | None = None
    stride: int | None = None
    expansion: float | None = None
    channels: int | None = None
    se: float | None = None
    activation: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in GRAMMAR:
            raise ArchitectureError(f"{_kinds()}. Received: {self.kind!r}.")
        taken = {token.field for token in GRAMMAR[self.kind]}
        if "se" in taken and self.se is None:
            object.__setattr__(self, "se", 0.0)
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if (value is not None) != (field.name in taken):
                word = "needs" if field.name in taken else "has no"
                raise ArchitectureError(
                    f"A block of kind {self.kind!r} {word} `{field.name}`. Received: {value!r}."
                )
        for token in GRAMMAR[self.kind]:
            value = token.canonical(getattr(self, token.field))
            if value is None:
                raise ArchitectureError(
                    f"`{token.field}` of a block of kind {self.kind!r} must be {token.expected}. "
                    f"Received: {getattr(self, token.field)!r}."
                )
            object.__setattr__(self, token.field, value)

    def __str__(self) -> str:
        words = [self.kind]
        for token in GRAMMAR[self.kind]:
            value = getattr(self, token.field)
            if value != token.default:
                words.append(token.name + format_value(value))
        return "_".join(words)


@dataclass(frozen=True)
class Architecture:
    """A network: its blocks in order, `in` first and `fc` last.

    Example:
        >>> a = parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2  # a small one")
        >>> str(a), a.side, a.classes
        ('in_hw8_c3 cn_k3_s2_c8_nre fc_c2', 8, 2)
    """

    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        for block in self.blocks:
            if not isinstance(block, Block):
                raise ArchitectureError(f"`blocks` must be of type Block. Received: {block!r}.")
        check_length(len(self.blocks), ArchitectureError)
        check_order([block.kind for block in self.blocks], ArchitectureError)

    def __str__(self) -> str:
        return " ".join(map(str, self.blocks))

    @property
    def side(self) -> int:
        """Height and width of the input, pixels."""
        return cast(int, self.blocks[0].side)

    @property
    def input_channels(self) -> int:
        """Channels of the input."""
        return cast(int, self.blocks[0].channels)

    @property
    def classes(self) -> int:
        """Outputs of the classifier."""
        return cast(int, self.blocks[-1].channels)


def parse_architecture(text: str) -> Architecture:
    """Reads an architecture from its text.

    Args:
        text: blocks separated by white space; `#` starts a comment. The grammar is in DESIGN
            section 2 and, by example, in docs/architectures.md.

    Returns:
        The architecture, with repeats written out.

    Raises:
        ArchitectureError: naming the block, its position, the token, what was expected and what
            was received.

    Example:
        >>> str(parse_architecture("in_hw8_c3 cn_r2_k3_s2_c8_nre fc_c2"))
        'in_hw8_c3 cn_k3_s2_c8_nre cn_k3_s1_c8_nre fc_c2'
    """
    blocks: list[Block] = []
    for where, word in split_blocks(text, ArchitectureError):
        kind, values = read_block(where, word, ArchitectureError)
        if "/" in kind:
            raise ArchitectureError(
                f"{where}: an architecture has one kind for a block (alternatives make a search "
                f"space). Received: {kind!r}."
            )
        fixed: dict[str, Value] = {}
        for token, value in values.items():
            fixed[token.field] = _one_value(where, token, value)
        repeats = int(fixed.pop("repeats", 1))
        for repeat in range(repeats):
            if repeat:
                fixed["stride"] = 1
            blocks.append(Block(kind, **fixed))  # type: ignore[arg-type]
        check_length(len(blocks), ArchitectureError)
    return Architecture(tuple(blocks))


def split_blocks(text: str, error: type[InputError]) -> Iterator[tuple[str, str]]:
    """The words of a text, each with the sentence opening that says where it stands."""
    if not isinstance(text, str):
        raise error(f"The text must be a string. Received: {type(text).__name__}.")
    if len(text) > MAXIMUM_TEXT:
        raise error(f"The text must be at most {MAXIMUM_TEXT} characters. Received: {len(text)}.")
    words = [word for line in text.splitlines() for word in line.split("#")[0].split()]
    check_length(len(words), error)
    if not words:
        raise error("The text has no blocks; expected at least 'in_hw28_c1 ... fc_c10'.")
    for position, word in enumerate(words):
        shown = word if len(word) <= 60 else word[:57] + "..."
        yield f"Block {position} ({shown!r})", word


def read_block(where: str, word: str, error: type[InputError]) -> tuple[str, dict[Token, str]]:
    """The kind of a block and the text of each token; refuses unknown, repeated, missing ones."""
    kind, *parts = word.split("_")
    first = kind.split("/")[0]
    if first not in GRAMMAR:
        raise error(f"{where}: {_kinds()}. Received: {kind[:40]!r}.")
    tokens = {token.name: token for token in GRAMMAR[first]}
    if first in REPEATABLE:
        tokens["r"] = REPEATS
    values: dict[Token, str] = {}
    for part in parts:
        name, value = split_token(part)
        if name not in tokens:
            known = ", ".join(tokens) or "none"
            raise error(f"{where}: {first!r} takes the tokens {known}. Received: {part[:40]!r}.")
        if tokens[name] in values:
            raise error(f"{where}: token {name!r} is given twice. Received: {part[:40]!r}.")
        values[tokens[name]] = value
    missing = [t.name for t in GRAMMAR[first] if t.default is None and t not in values]
    if missing:
        raise error(f"{where}: {first!r} needs the token {missing[0]!r}, and it is missing.")
    return kind, values


def read_value(where: str, token: Token, text: str, error: type[InputError]) -> Value:
    """One value of a token, or an error that says what it may be."""
    value = token.value(text)
    if value is None:
        raise error(
            f"{where}: {token.name!r} must be {token.expected}. "
            f"Received: {(token.name + text)[:40]!r}."
        )
    return value


def check_length(blocks: int, error: type[InputError]) -> None:
    """Refuses a text of absurdly many blocks before anything is made of it."""
    if blocks > MAXIMUM_BLOCKS:
        raise error(f"A network must have at most {MAXIMUM_BLOCKS} blocks. Received: {blocks}.")


def check_order(kinds: list[str], error: type[InputError]) -> None:
    """`in` first and once, `fc` last and once, nothing spatial after a pool."""
    for kind, word, position in (("in", "first", 0), ("fc", "last", len(kinds) - 1)):
        found = [i for i, k in enumerate(kinds) if k == kind]
        if found != [position]:
            raise error(
                f"'{kind}' must be the {word} block and stand once. "
                f"Received: at {found or 'no position'} of {len(kinds)} blocks."
            )
    for position, kind in enumerate(kinds[:-1]):
        if kind in ("ip", "pl") and kinds[position + 1] not in ("ip", "pl", "fc"):
            raise error(
                f"Block {position} ({kind!r}) pools the whole map, so only 'ip', 'pl' or 'fc' may "
                f"follow. Received: {kinds[position + 1]!r}."
            )


def _one_value(where: str, token: Token, text: str) -> Value:
    if re.search("[/:]", text):
        raise ArchitectureError(
            f"{where}: an architecture has one value for {token.name!r} (alternatives make a "
            f"search space). Received: {(token.name + text)[:40]!r}."
        )
    return read_value(where, token, text, ArchitectureError)


def _kinds() -> str:
    return "The kind must be one of " + ", ".join(GRAMMAR)
