"""Law 4: what is derived never exceeds its budget, and is the most probable that fills it."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fbnetv2_tf.chain import Chain
from fbnetv2_tf.choices_layout import choice_name, searched
from fbnetv2_tf.derivation import SHARES, Landscape, Window
from fbnetv2_tf.errors import BudgetError
from fbnetv2_tf.path_draw import PathDraw
from fbnetv2_tf.space import Space, parse_space
from fbnetv2_tf.worth_table import CELLS

from .strategies import spaces
from .test_law_cost import probabilities, probability

SPACE = parse_space(
    "in_hw6_c1 cn_k3_s2_c8/16_nre ir/sk_k3/5_s1_e1/2_c8/16_nre ds_k3_s1_c8/16_se0/0.5_nre fc_c2"
)


def scores(space: Space, given_weights: dict[str, np.ndarray]) -> dict[object, float]:
    """Log-probability of every architecture; choices inside a skip count at their best."""
    found = {}
    for architecture in space.architectures():
        score = math.log(probability(space, architecture, given_weights))
        for index, block in enumerate(architecture.blocks):
            if block.kind == "sk" and space.blocks[index].skippable:
                for field in ("expansion", "kernel", "se", "activation"):
                    row = given_weights.get(choice_name(index, field))
                    score += 0.0 if row is None else math.log(max(row))
        found[architecture] = score
    return found


@settings(max_examples=30)
@given(st.data())
def test_derived_is_the_best_of_all_that_fill_the_budget(data: st.DataObject) -> None:
    space = data.draw(spaces(max_blocks=2))
    assume(space.size <= 400)
    weights = probabilities(space, data.draw(st.integers(0, 2**16)))
    landscape, every = Landscape(space), scores(space, weights)
    costs = {architecture: landscape.cost(architecture) for architecture in every}
    least, most = min(costs.values()), max(costs.values())
    limit = least + data.draw(st.floats(0, 1.2)) * (most - least)
    derived = landscape.most_probable(weights, limit)
    assert costs[derived] <= limit
    kept = [a for a in every if costs[a] <= limit]
    if most > limit:
        high = math.floor(limit)
        shares = (s for s in SHARES if any(costs[a] >= math.ceil(s * high) for a in kept))
        low = math.ceil(next(shares) * high)
        kept = [a for a in kept if costs[a] >= low]
    assert derived in kept
    assert every[derived] == pytest.approx(max(every[a] for a in kept), abs=1e-6)


@settings(max_examples=20)
@given(st.data())
def test_extremes_are_those_of_all_architectures(data: st.DataObject) -> None:
    space = data.draw(spaces(max_blocks=2))
    assume(space.size <= 400)
    landscape = Landscape(space)
    costs = [landscape.cost(architecture) for architecture in space.architectures()]
    assert landscape.cost(space.smallest) == min(costs)
    assert landscape.cost(space.largest) == max(costs)


@settings(max_examples=50)
@given(spaces(max_blocks=4), st.sampled_from(["macs", "weights", "pooled_elements"]), st.booleans())
def test_extremes_are_found_without_the_tables_of_all_options(
    space: Space, resource: str, largest: bool
) -> None:
    chain = Chain(space, space.sides[0])
    everything = chain.allowed({})
    assert chain.extreme(resource, largest) == chain.extreme(resource, largest, everything)


@pytest.mark.parametrize("preset", ["fashion28", "fbnetv2_f"])
def test_large_spaces_are_filled_and_never_exceeded(preset: str) -> None:
    space = parse_space(preset)
    landscape = Landscape(space)
    least, most = landscape.cost(space.smallest), landscape.cost(space.largest)
    weights = probabilities(space, seed=1)
    for share in (0.02, 0.3, 0.8):
        limit = least + share * (most - least)
        derived = landscape.most_probable(weights, limit)
        assert derived in space
        assert 0.95 * limit <= landscape.cost(derived) <= limit


def test_a_limit_just_below_the_largest_is_answered() -> None:
    """Rounded costs cannot tell such paths apart; the search must still end."""
    space = parse_space("fbnetv2_f")
    landscape = Landscape(space)
    limit = landscape.cost(space.largest) - 1
    assert landscape.cost(landscape.most_probable(probabilities(space, 0), limit)) <= limit


def test_the_smallest_budget_is_the_smallest_network() -> None:
    landscape = Landscape(SPACE)
    least = landscape.cost(SPACE.smallest)
    derived = landscape.most_probable(probabilities(SPACE, 0), least)
    assert landscape.cost(derived) == least


def test_an_impossible_budget_is_refused_with_the_smallest_cost() -> None:
    landscape = Landscape(SPACE)
    least = landscape.cost(SPACE.smallest)
    with pytest.raises(BudgetError, match=f"must be at least {least:,}"):
        landscape.most_probable(probabilities(SPACE, 0), least - 1)


def test_without_a_limit_it_is_the_most_probable() -> None:
    weights = probabilities(SPACE, 4)
    every = scores(SPACE, weights)
    derived = Landscape(SPACE).most_probable(weights)
    assert every[derived] == pytest.approx(max(every.values()), abs=1e-6)


def test_weights_can_be_limited_instead() -> None:
    landscape = Landscape(SPACE, resource="weights")
    limit = landscape.cost(SPACE.largest) // 2
    derived = landscape.most_probable(probabilities(SPACE, 2), limit)
    assert 0.9 * limit <= landscape.cost(derived) <= limit


def test_draws_are_different_and_inside_the_window() -> None:
    landscape, weights = Landscape(SPACE), probabilities(SPACE, 3)
    costs = sorted(landscape.cost(architecture) for architecture in SPACE.architectures())
    window = Window(costs[len(costs) // 4], costs[len(costs) // 2])
    drawn = landscape.draw(weights, window, 10, seed=1)
    assert len(set(drawn)) == len(drawn) == 10
    assert all(window.low <= landscape.cost(a) <= window.high for a in drawn)
    assert drawn == landscape.draw(weights, window, 10, seed=1)
    assert drawn != landscape.draw(weights, window, 10, seed=2)


def test_a_window_with_few_networks_gives_them_all() -> None:
    landscape, weights = Landscape(SPACE), probabilities(SPACE, 3)
    costs = Counter(landscape.cost(a) for a in SPACE.architectures())
    cost, number = min(costs.items(), key=lambda item: item[1])
    drawn = landscape.draw(weights, Window(cost, cost), 50, seed=0)
    assert len(drawn) == number


def test_draws_are_as_frequent_as_they_are_probable_in_the_window() -> None:
    space = parse_space(
        "in_hw15_c3 cn_k3/5_s1_c8/24_nre ir/sk_k3_s1_e1/3_c8_nre ir_k1/3_s1_e1_c8/20_nre fc_c2"
    )
    weights = probabilities(space, 5)
    landscape = Landscape(space)
    costs = sorted(landscape.cost(a) for a in space.architectures())
    window = Window(costs[len(costs) // 3], costs[len(costs) // 2])
    assert window.high > 2 * CELLS, "costs are rounded in the table that guides the draws"
    shares = {
        a: probability(space, a, weights)
        for a in space.architectures()
        if window.low <= landscape.cost(a) <= window.high
    }
    total = sum(shares.values())
    draw, random = PathDraw(landscape.chains[0], weights, window, {}), np.random.default_rng(0)
    number = 4000
    paths = filter(None, (draw.path(random) for _ in range(10 * number)))
    drawn = Counter(map(landscape.chains[0].architecture, itertools.islice(paths, number)))
    for architecture, share in shares.items():
        p = share / total
        deviation = math.sqrt(p * (1 - p) / number)
        assert abs(drawn[architecture] / number - p) < 4 * deviation + 1e-9
    assert sum(drawn[a] for a in shares) == number


def test_a_window_of_tiny_probability_is_drawn_from_all_the_same() -> None:
    """Several budgets from one decided search: almost all of the mass lies elsewhere."""
    sharp = {
        name: np.array([1.0 - 1e-12 * (len(a) - 1), *([1e-12] * (len(a) - 1))])
        for name, a in searched(SPACE).items()
    }
    landscape = Landscape(SPACE)
    most = landscape.cost(SPACE.largest)
    window = Window(math.ceil(0.9 * most), most)
    drawn = landscape.draw(sharp, window, 3, seed=0)
    assert drawn
    assert all(landscape.cost(a) >= window.low for a in drawn)
