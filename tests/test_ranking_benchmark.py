"""How well scores rank networks, and what the noise of trainings leaves of any ranking."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rank_correlation import (
    MOST,
    by_another_training,
    by_scores,
    by_the_truth,
    correlation,
)
from benchmarks.ranking import groups, macs, rows, scored
from benchmarks.supernets import ScoringSupernet
from fbnetv2_tf.errors import InputError

NAMES = [f"network {number}" for number in range(40)]


def trainings(number: int, noise: float, seed: int = 0) -> dict[str, list[float]]:
    """Accuracies around the true ones, 1, 2, 3 and so on."""
    random = np.random.default_rng(seed)
    return {
        name: list(place + random.normal(0, noise, number)) for place, name in enumerate(NAMES, 1)
    }


def test_scores_rank_by_the_mean_of_the_trainings() -> None:
    known = trainings(2, 0.0)
    scores = {name: float(-place) for place, name in enumerate(NAMES)}
    assert by_scores(known, scores)(NAMES) == (-1.0, -1.0)
    few = {name: scores[name] for name in NAMES[: int(MOST * len(NAMES)) - 1]}
    assert by_scores(known, few)(NAMES) is None


def test_a_training_ranks_the_others_as_well_as_its_noise_lets_it() -> None:
    assert by_another_training(trainings(3, 0.0))(NAMES) == (1.0, 1.0)
    noisy = by_another_training(trainings(3, 1000.0))(NAMES)
    assert noisy is not None
    assert abs(noisy[0]) < 0.3


def test_scores_can_be_held_against_what_a_training_is() -> None:
    known = trainings(3, 20.0)
    perfect = {name: float(place) for place, name in enumerate(NAMES)}
    whole = by_scores(known, perfect)(NAMES)
    less = by_scores(known, perfect, left_out=True)(NAMES)
    assert whole is not None
    assert less is not None
    assert less[0] < whole[0]
    # A network that lacks trainings is left out there.
    few = {**known, NAMES[0]: [-1000.0]}
    assert by_scores(few, perfect, left_out=True)(NAMES) == by_scores(
        known, perfect, left_out=True
    )(NAMES[1:])


def test_most_networks_say_how_many_trainings_count() -> None:
    mixed = {name: accuracies[:2] for name, accuracies in trainings(3, 5.0).items()}
    more = {**trainings(3, 5.0), **{name: mixed[name] for name in NAMES[:10]}}
    assert by_another_training(more)(NAMES) == by_another_training(mixed)(NAMES)


@pytest.mark.parametrize("way", [by_another_training, by_the_truth])
def test_noise_is_unknown_where_no_training_was_repeated(way: object) -> None:
    assert way(trainings(1, 1.0))(NAMES) is None  # type: ignore[operator]
    some = {**trainings(3, 1.0), NAMES[0]: [1.0]}
    assert way(some)(NAMES) is not None  # type: ignore[operator]


@pytest.mark.parametrize("noise", [0.0, 5.0, 20.0])
def test_a_perfect_predictor_is_estimated_from_the_trainings_alone(noise: float) -> None:
    true = range(1, len(NAMES) + 1)
    real, estimated = [], []
    for seed in range(20):
        known = trainings(3, noise, seed)
        real.append(correlation([float(np.mean(t)) for t in known.values()], true)[0])
        found = by_the_truth(known, seed)(NAMES)
        assert found is not None
        estimated.append(found[0])
    assert np.mean(estimated) == pytest.approx(np.mean(real), abs=0.07)


NETWORKS = [
    f"in_hw28_c1 cn_k3_s2_c{width}_nre ds_k3_s1_c8_nre ip_e3_c96_nhs fc_c10"
    for width in (8, 12, 16)
]


def test_a_band_holds_networks_of_one_cost_and_the_rest_is_across() -> None:
    band = macs(NETWORKS[1])
    found = groups(NETWORKS, [band])
    assert list(found.values()) == [[NETWORKS[0], NETWORKS[2]], [NETWORKS[1]]]
    parts = groups(NETWORKS, [band], split=band)
    assert list(parts.values()) == [
        [NETWORKS[0], NETWORKS[2]],
        [NETWORKS[0]],
        [NETWORKS[2]],
        [NETWORKS[1]],
    ]


def test_a_group_that_a_way_says_nothing_of_stays_empty() -> None:
    known = {network: [float(place)] for place, network in enumerate(NETWORKS)}
    ways = {
        "macs": by_scores(known, {n: float(macs(n)) for n in NETWORKS}),
        "none": by_scores(known, {}),
    }
    table = rows(groups(NETWORKS, [1.0]), ways)
    assert table == [
        ["ranked by", "across (3)", "0 K (0)"],
        ["macs", "1.00 / 1.00", ""],
        ["none", "", ""],
    ]


class Counted(ScoringSupernet):
    """A supernet whose losses are lengths, which counts how often it is asked."""

    asked = 0

    def score(self, network: str) -> tuple[float, float]:
        self.asked += 1
        return float(len(network)), 0.5


def test_scores_are_kept_and_not_computed_again(tmp_path: Path) -> None:
    path, supernet = tmp_path / "scores.json", Counted()
    first = scored(NETWORKS, {"first": supernet}, path)
    assert first == {network: {"first": float(len(network))} for network in NETWORKS}
    again = scored(NETWORKS, {"second": supernet}, path)
    assert list(again[NETWORKS[0]]) == ["first", "second"]
    assert supernet.asked == 2 * len(NETWORKS)
    assert json.loads(path.read_text()) == again
    assert scored(NETWORKS, {}, path) == again


def test_another_search_of_a_name_is_not_taken_for_the_first(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    scored(NETWORKS, {"first": Counted()}, path)
    with pytest.raises(InputError, match="must not have the losses of another 'first'"):
        scored(NETWORKS, {"first": Counted()}, path)
