"""Random architectures and spaces for property tests.

`architectures()` and `spaces()` are small enough to build, and have every kind of block, skips,
squeeze-and-excite, every activation, odd sides and both strides. `any_architectures()` and
`any_spaces()` reach to the limits of the grammar and are for the text alone.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fbnetv2_tf.architecture import Architecture, Block
from fbnetv2_tf.space import Space, SpaceBlock, space_of
from fbnetv2_tf.tokens import ACTIVATIONS, GRAMMAR, SEARCHABLE, Token

SIDES = (5, 6, 7, 8, 9, 12)
WIDTHS = (4, 8, 12, 16, 24)
SMALL: dict[str, tuple[Any, ...]] = {
    "kernel": (1, 3, 5),
    "stride": (1, 2),
    "expansion": (0.5, 1.0, 1.7712, 2.0, 3.0),
    "channels": WIDTHS,
    "se": (0.0, 0.25, 0.5, 1.0),
    "activation": ACTIVATIONS,
}
"""The values of buildable blocks, by field. Few widths make residuals frequent."""

HEADS = ((), ("pl",), ("ip",), ("ip", "pl"))


@st.composite
def small_blocks(draw: st.DrawFn, kind: str) -> Block:
    """A buildable block of one kind."""
    return Block(
        kind, **{token.field: draw(st.sampled_from(SMALL[token.field])) for token in GRAMMAR[kind]}
    )


@st.composite
def architectures(draw: st.DrawFn, max_blocks: int = 4) -> Architecture:
    """A network of up to `max_blocks` blocks between the stem and the head."""
    kinds = draw(st.lists(st.sampled_from(("cn", "ds", "ir", "ir", "sk")), max_size=max_blocks))
    kinds = ["cn", *kinds, *draw(st.sampled_from(HEADS))]
    first = Block("in", side=draw(st.sampled_from(SIDES)), channels=draw(st.integers(1, 3)))
    last = Block("fc", channels=draw(st.integers(2, 5)))
    return Architecture((first, *(draw(small_blocks(kind)) for kind in kinds), last))


@st.composite
def small_space_blocks(draw: st.DrawFn, kinds: tuple[str, ...]) -> SpaceBlock:
    """A buildable block of a space: up to three alternatives of whatever may be searched."""
    values = {}
    for token in GRAMMAR[kinds[0]]:
        most = 3 if token.name in SEARCHABLE else 1
        alternatives = st.sampled_from(SMALL[token.field])
        values[token.field] = tuple(
            draw(st.lists(alternatives, min_size=1, max_size=most, unique=True))
        )
    return SpaceBlock(kinds, **values)


@st.composite
def spaces(draw: st.DrawFn, max_blocks: int = 3, min_blocks: int = 0) -> Space:
    """A space of up to `max_blocks` blocks between the stem and the head."""
    kinds = draw(
        st.lists(
            st.sampled_from((("ir", "sk"), ("ir",), ("ds", "sk"), ("ds",), ("cn",), ("sk",))),
            min_size=min_blocks,
            max_size=max_blocks,
        )
    )
    head = [(kind,) for kind in draw(st.sampled_from(HEADS))]
    sides = draw(st.lists(st.sampled_from(SIDES), min_size=1, max_size=2, unique=True))
    first = SpaceBlock(("in",), side=tuple(sides), channels=(draw(st.integers(1, 3)),))
    last = SpaceBlock(("fc",), channels=(draw(st.integers(2, 5)),))
    middle = (draw(small_space_blocks(block)) for block in [("cn",), *kinds, *head])
    return Space((first, *middle, last))


@st.composite
def members(draw: st.DrawFn, space: Space) -> Architecture:
    """An architecture of a space."""
    return space.sample(draw(st.integers(0, 2**32)))


def any_values(token: Token) -> st.SearchStrategy[Any]:
    """Any value that a token may have."""
    if token.low is None or token.high is None:
        return st.sampled_from(ACTIVATIONS)
    if token.odd:
        return st.integers(0, (int(token.high) - 1) // 2).map(lambda half: 2 * half + 1)
    if token.whole:
        return st.integers(int(token.low), int(token.high))
    low, high = round(token.low * 10**6), round(token.high * 10**6)
    fine = st.integers(low, high).map(lambda millionths: millionths / 10**6)
    coarse = st.integers(-(-low // 250_000), high // 250_000).map(lambda quarters: quarters / 4)
    return st.one_of(fine, coarse)


@st.composite
def any_blocks(draw: st.DrawFn, kind: str) -> Block:
    """Any block of one kind."""
    return Block(kind, **{token.field: draw(any_values(token)) for token in GRAMMAR[kind]})


@st.composite
def any_architectures(draw: st.DrawFn) -> Architecture:
    """Any network of up to eight blocks between `in` and `fc`, most far too large to build."""
    kinds = draw(st.lists(st.sampled_from(("cn", "ds", "ir", "sk")), max_size=8))
    kinds = ["in", *kinds, *draw(st.sampled_from(HEADS)), "fc"]
    return Architecture(tuple(draw(any_blocks(kind)) for kind in kinds))


@st.composite
def any_spaces(draw: st.DrawFn) -> Space:
    """Any space: an architecture of which some values have become alternatives."""
    blocks = []
    for block in space_of(draw(any_architectures())).blocks:
        values = {}
        for token in GRAMMAR[block.kind]:
            is_fixed = token.name not in SEARCHABLE
            is_fixed |= token.name == "c" and block.kind in ("in", "fc")
            most = 1 if is_fixed else 6
            listed = st.lists(any_values(token), min_size=1, max_size=most, unique=True)
            values[token.field] = tuple(draw(listed))
        can_be_skipped = block.kind in ("ir", "ds") and draw(st.booleans())
        blocks.append(SpaceBlock((block.kind, "sk") if can_be_skipped else (block.kind,), **values))
    return Space(tuple(blocks))
