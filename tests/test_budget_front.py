"""Several budgets: where they lie, the one that is held, the table and the plot."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest

from fbnetv2_tf.budget_front import Child, front_table, held, plot_front, spread
from fbnetv2_tf.derivation import Landscape
from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.space import parse_space

LANDSCAPE = Landscape(parse_space("fashion28"))


def children(number: int = 3) -> list[Child]:
    return [
        Child(
            limit=100_000 * (place + 1),
            architecture="in_hw8_c3 cn_k3_s2_c8_nre fc_c2",
            cost={"macs": 99_000 * (place + 1), "weights": 1_234, "activation_bytes": 2_048},
            loss=0.5 - 0.1 * place,
            accuracy=0.8 + 0.05 * place,
            folder=f"macs_{100_000 * (place + 1)}",
        )
        for place in range(number)
    ]


def test_budgets_are_evenly_apart_in_their_logarithm_inside_the_space() -> None:
    low, high = LANDSCAPE.range("macs")
    budgets = spread(LANDSCAPE, 8, {})
    steps = [math.log(b / a) for a, b in itertools.pairwise((low, *budgets, high))]
    assert len(budgets) == 8
    assert steps == pytest.approx([math.log(high / low) / 9] * 9, rel=1e-4)
    for budget in budgets:
        LANDSCAPE.check({"macs": budget})


def test_further_limits_narrow_the_range() -> None:
    limits = {"activation_bytes": 8 * 1024}
    budgets = spread(LANDSCAPE, 4, limits)
    assert max(budgets) < max(spread(LANDSCAPE, 4, {}))
    for budget in budgets:
        found = LANDSCAPE.fill({}, {"macs": budget, **limits})
        assert 0.95 * budget <= LANDSCAPE.cost(found.architecture) <= budget


@pytest.mark.parametrize("number", [0, 1, 65])
def test_absurd_numbers_of_budgets_are_refused(number: int) -> None:
    with pytest.raises(BudgetError, match=f"2 to 64 in number. Received: {number}"):
        spread(LANDSCAPE, number, {})


def test_the_search_holds_the_geometric_middle() -> None:
    assert held((200_000, 400_000, 800_000)) == pytest.approx(400_000)
    assert held((600_000,)) == 600_000


def test_the_table_has_a_line_for_each_budget() -> None:
    lines = front_table(children(), {"activation_bytes": 4_096}).splitlines()
    assert lines[0].split()[:3] == ["budget", "MACs", "used"]
    assert len({len(line) for line in lines}) == 1
    row = "100k 99.0k 99.0 % 1.23k 2.00 KiB 0.500 80.0 % macs_100000"
    assert lines[1].split() == row.split()
    assert len(lines) == 4


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_plot_is_written(tmp_path: Path, suffix: str, begins: bytes) -> None:
    path = tmp_path / f"budgets.{suffix}"
    plot_front(path, children())
    assert path.read_bytes().startswith(begins)
