"""Which choices were close: the alternatives that a little more evidence would have taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..architecture import Architecture
from ..choices_layout import FIELDS, choice_name, searched
from ..counting import count
from ..space import Space
from ..tokens import GRAMMAR, format_value
from .heat_map import ChoiceHistory

NAMES = {
    "side": "resolution",
    "kind": "kind",
    "kernel": "kernel",
    "expansion": "expansion",
    "channels": "channels",
    "se": "squeeze-and-excite",
    "activation": "activation",
}


@dataclass(frozen=True)
class CloseChoice:
    """One choice and the best alternative to what was taken.

    Attributes:
        block: its position in the text.
        name: what is chosen.
        taken, other: the alternatives as text.
        taken_share, other_share: their probabilities at the end.
        macs: what the whole network would cost more (less where negative) with the other one.
        keeps: whether it would keep the limit on multiply-adds; None where there is none.
    """

    block: int
    name: str
    taken: str
    other: str
    taken_share: float
    other_share: float
    macs: int
    keeps: bool | None


def close_choices(
    space: Space,
    architecture: Architecture,
    probabilities: Mapping[str, Sequence[float]],
    limit: float | None,
    number: int = 8,
) -> list[CloseChoice]:
    """The choices whose second alternative is nearest to the one that was taken, nearest first.

    Args:
        space, architecture: the search and its result.
        probabilities: choice -> probabilities at the end.
        limit: on multiply-adds.
        number: how many.
    """
    found = []
    for index, field, values in _of_blocks(space):
        place = chosen_place(space, architecture, index, field)
        if place is None:
            continue
        shares = probabilities[choice_name(index, field)]
        other = max((i for i in range(len(values)) if i != place), key=lambda i: shares[i])
        found.append((shares[place] - shares[other], index, field, place, other))
    macs = count(architecture).macs
    names = searched(space)
    close = []
    for _, index, field, place, other in sorted(found)[:number]:
        values = names[choice_name(index, field)]
        shares = probabilities[choice_name(index, field)]
        changed = _changed(space, architecture, index, field, values[other], probabilities)
        more = count(changed).macs - macs
        close.append(
            CloseChoice(
                block=index,
                name=NAMES[field],
                taken=format_value(values[place]),
                other=format_value(values[other]),
                taken_share=shares[place],
                other_share=shares[other],
                macs=more,
                keeps=None if limit is None else macs + more <= limit,
            )
        )
    return close


def choice_histories(
    space: Space, architecture: Architecture | None, history: Sequence[Mapping[str, Any]]
) -> dict[int, list[ChoiceHistory]]:
    """Block -> its choices over the epochs, in the order of the text."""
    found: dict[int, list[ChoiceHistory]] = {}
    for index, field, values in _of_blocks(space):
        name = choice_name(index, field)
        rows = [e["probabilities"][name] for e in history if name in e.get("probabilities", {})]
        if not rows:
            continue
        place = chosen_place(space, architecture, index, field) if architecture else None
        texts = [format_value(value) for value in values]
        found.setdefault(index, []).append(ChoiceHistory(NAMES[field], texts, rows, place))
    return found


def chosen_place(space: Space, architecture: Architecture, index: int, field: str) -> int | None:
    """Where among the alternatives the network's own is; None where its block does not have it."""
    if len(architecture.blocks) != len(space.blocks):
        return None
    among, block = space.blocks[index], architecture.blocks[index]
    values: tuple[Any, ...] = among.kinds if field == "kind" else getattr(among, field)
    if among.skippable and block.kind == "sk" and field == "activation":
        return None
    value = getattr(block, field)
    return values.index(value) if value in values else None


def _of_blocks(space: Space) -> list[tuple[int, str, tuple[Any, ...]]]:
    """Every choice: its block, its field, its alternatives."""
    names = searched(space)
    return [
        (index, field, names[choice_name(index, field)])
        for index in range(len(space.blocks))
        for field in FIELDS
        if choice_name(index, field) in names
    ]


def _changed(
    space: Space,
    architecture: Architecture,
    index: int,
    field: str,
    value: Any,
    probabilities: Mapping[str, Sequence[float]],
) -> Architecture:
    """The network with one choice made otherwise; what a new kind needs is the likeliest."""
    before, among = architecture.blocks[index], space.blocks[index]
    if field == "kind":
        values = {}
        for token in GRAMMAR[value]:
            likeliest = _likeliest(getattr(among, token.field), index, token.field, probabilities)
            own = getattr(before, token.field)
            values[token.field] = likeliest if own is None else own
        after = among.block(value, **values)
    else:
        after = replace(before, **{field: value})
    blocks = list(architecture.blocks)
    blocks[index] = after
    return Architecture(tuple(blocks))


def _likeliest(
    values: Sequence[Any], index: int, field: str, probabilities: Mapping[str, Sequence[float]]
) -> Any:
    shares = probabilities.get(choice_name(index, field), (1.0,))
    return values[max(range(len(shares)), key=lambda place: shares[place])]
