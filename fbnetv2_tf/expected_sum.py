"""The expectation of a cost that is a sum over blocks, in a dozen operations for a whole space.

A block's cost is a sum of tables, each over the joint alternatives of a few choices. A term is one
block in one kind, as a matrix: along its rows the joint alternatives of input width and expansion,
along its columns those of everything else, so that

    E[cost] = sum over terms t of  P(kind_t) * rows_t' T_t columns_t

where `rows_t` and `columns_t` are products of probabilities. All probabilities of a space stand in
one vector; rows and columns are gathered from it, and all `T_t` are one padded array.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from .choices_layout import choice_name
from .cost_tables import AXES, BlockTables
from .outside_graph import outside_graph

ROW_AXES, COLUMN_AXES = AXES[:2], AXES[2:]

SLACK = 2**16
"""Entries that padding may add to a group of terms, beyond as many as they have."""


class _Places:
    """Where the probability of each alternative stands in the vector of all of them.

    Args:
        sizes: choice name -> number of its alternatives, a row of the padded matrix each.

    Attributes:
        one, zero: where a 1 and a 0 stand, for what has nothing to choose and for padding.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        most = max(sizes.values(), default=0)
        self.starts = {name: row * most for row, name in enumerate(sizes)}
        self.one = most * len(sizes)
        self.zero = self.one + 1


@dataclass(frozen=True)
class _Term:
    """One block in one kind at every resolution.

    Attributes:
        gate: place of the probability of its kind.
        rows, columns: places of the factors of each row and column, (number, factors).
        tables: (resolutions, rows, columns), integers.
    """

    gate: int
    rows: np.ndarray
    columns: np.ndarray
    tables: np.ndarray


class ExpectedSum:
    """`E[resource]` at every resolution, of a resource that is a sum over blocks.

    Args:
        tables: for each resolution the tables of all blocks.
        sizes: choice name -> number of its alternatives.
    """

    def __init__(self, tables: Sequence[Sequence[BlockTables]], sizes: Mapping[str, int]) -> None:
        places = _Places(sizes)
        terms = [term for block in zip(*tables, strict=True) for term in _terms(block, places)]
        self.groups = [_Group(group, places) for group in _grouped(terms)]
        self.sides = len(tables)

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """The expectations, float64 (resolutions,).

        Args:
            rows: the probabilities, (choices, most alternatives) float64.
        """
        ends = tf.constant([1.0, 0.0], tf.float64)
        vector = tf.concat([tf.reshape(rows, [-1]), ends], axis=0)
        none = tf.zeros([self.sides], tf.float64)
        return tf.add_n([none, *(group(vector) for group in self.groups)])


class _Group:
    """Terms of about one size as one padded array."""

    def __init__(self, terms: Sequence[_Term], places: _Places) -> None:
        rows, columns = (max(getattr(t, f).shape[0] for t in terms) for f in ("rows", "columns"))
        sides = terms[0].tables.shape[0]
        self.tables = np.zeros((len(terms), sides, rows, columns))
        for table, term in zip(self.tables, terms, strict=True):
            table[:, : len(term.rows), : len(term.columns)] = term.tables
        self.indices = [
            np.array([term.gate for term in terms])[:, None],
            *_padded([term.rows for term in terms], rows, places),
            *_padded([term.columns for term in terms], columns, places),
        ]
        self.row_factors = max(term.rows.shape[1] for term in terms)

    def __call__(self, vector: tf.Tensor) -> tf.Tensor:
        """The sum over the terms, (resolutions,)."""
        terms, sides, rows, columns = self.tables.shape
        indices = np.concatenate([index.ravel() for index in self.indices])
        flat = tf.gather(vector, outside_graph(indices))
        parts = tf.split(flat, [index.size for index in self.indices])
        gate, *factors = (
            tf.reshape(part, index.shape) for part, index in zip(parts, self.indices, strict=True)
        )
        of_rows = _product([gate, *factors[: self.row_factors]])
        of_columns = _product(factors[self.row_factors :])
        tables = outside_graph(self.tables.reshape(terms, sides * rows, columns))
        sums = tf.reshape(tf.linalg.matvec(tables, of_columns), [terms, sides, rows])
        return tf.reduce_sum(sums * of_rows[:, None, :], axis=[0, 2])


def _product(factors: Sequence[tf.Tensor]) -> tf.Tensor:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _terms(of_sides: Sequence[BlockTables], places: _Places) -> Iterator[_Term]:
    """The terms of one block, given its tables at every resolution."""
    block, index = of_sides[0].block, of_sides[0].index
    kinds = [("present", 0), ("skipped", 1)] if block.skippable else [("present", 0)]
    starts = {axis: places.starts.get(choice_name(index, axis)) for axis in AXES}
    starts["input"] = places.starts.get(choice_name(of_sides[0].source, "channels"))
    for field, place in kinds:
        gate = places.one
        if block.skippable:
            gate = places.starts[choice_name(index, "kind")] + place
        term = _term(gate, starts, [getattr(tables, field) for tables in of_sides], places)
        if term is not None:
            yield term


def _term(
    gate: int, starts: dict[str, Any], at_sides: Sequence[tuple[np.ndarray, ...]], places: _Places
) -> _Term | None:
    """One term, of tables of full rank at every resolution; None where there are none."""
    shapes = {table.shape for tables in at_sides for table in tables}
    if not shapes:
        return None
    row_shapes = sorted({shape[: len(ROW_AXES)] for shape in shapes})
    column_shapes = sorted({shape[len(ROW_AXES) :] for shape in shapes})
    rows, row_starts = _factors(row_shapes, [starts[axis] for axis in ROW_AXES], places)
    columns, column_starts = _factors(column_shapes, [starts[axis] for axis in COLUMN_AXES], places)
    joint = np.zeros((len(at_sides), len(rows), len(columns)), np.int64)
    for side, tables in enumerate(at_sides):
        for table in tables:
            row_shape, column_shape = table.shape[: len(ROW_AXES)], table.shape[len(ROW_AXES) :]
            matrix = table.reshape(np.prod(row_shape), np.prod(column_shape))
            row, column = row_starts[row_shape], column_starts[column_shape]
            block = joint[side, row : row + matrix.shape[0], column : column + matrix.shape[1]]
            block += matrix
    return _Term(gate, rows, columns, joint)


def _factors(
    shapes: Sequence[tuple[int, ...]], starts: Sequence[int | None], places: _Places
) -> tuple[np.ndarray, dict[tuple[int, ...], int]]:
    """The factors of the joint alternatives of some axes, for every shape one after the other.

    Returns:
        Places of the factors, (alternatives, factors); shape -> its first alternative.
    """
    found: list[list[int]] = []
    first = {}
    for shape in shapes:
        first[shape] = len(found)
        for at in itertools.product(*map(range, shape)):
            axes = zip(at, shape, starts, strict=True)
            found.append([(start or 0) + place for place, extent, start in axes if extent > 1])
    width = max(1, *map(len, found))
    return np.array([[*row, *[places.one] * (width - len(row))] for row in found]), first


def _padded(indices: Sequence[np.ndarray], count: int, places: _Places) -> list[np.ndarray]:
    """One array (terms, count) for each factor, of zero probability where a term has no more."""
    width = max(index.shape[1] for index in indices)
    padded = np.full((width, len(indices), count), places.one)
    for term, index in enumerate(indices):
        padded[: index.shape[1], term, : len(index)] = index.T
        padded[0, term, len(index) :] = places.zero
    return list(padded)


def _grouped(terms: Sequence[_Term]) -> Iterator[list[_Term]]:
    """The terms in groups that padding does not make much larger."""
    group: list[_Term] = []
    own = rows = columns = 0
    for term in sorted(terms, key=lambda term: -term.tables.size):
        sides, *extents = term.tables.shape
        most = sides * max(rows, extents[0]) * max(columns, extents[1])
        if group and most * (len(group) + 1) > 2 * (own + term.tables.size) + SLACK:
            yield group
            group, own, rows, columns = [], 0, 0, 0
        group.append(term)
        own, rows, columns = (
            own + term.tables.size,
            max(rows, extents[0]),
            max(columns, extents[1]),
        )
    if group:
        yield group
