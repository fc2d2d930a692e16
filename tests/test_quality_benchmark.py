"""The contest that judges the search: who takes part, and that a verdict is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fbnetv2_tf as fb
from benchmarks.contest import Contest
from benchmarks.contest_report import Results, interval, noise, percentiles, rows, summary
from benchmarks.contestants import BAND, BASELINES, random_networks, spread_networks
from benchmarks.evolution import best_random, evolved
from benchmarks.judge_data import order_of
from benchmarks.searching import options_of, searched
from benchmarks.size_task import SPACE as SMALL
from benchmarks.size_task import sample
from benchmarks.tasks import TASKS, Task, space_of, task_of
from benchmarks.trials import (
    FINAL,
    FINALIST,
    JudgeRecipe,
    Trial,
    Verdict,
    Verdicts,
    final_trial,
    keep,
    recipe_of,
)
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import parse_quantity

from .sources import ROOT

SPACE = fb.parse_space("fashion28")


def macs(network: str) -> int:
    return int(fb.count(fb.parse_architecture(network)).macs)


@pytest.mark.parametrize("budget", [300_000, 1_000_000])
def test_random_networks_cost_what_the_searched_one_may(budget: int) -> None:
    networks = random_networks(SPACE, budget, 6, seed=1)
    assert len(set(networks)) == 6
    for network in networks:
        assert fb.parse_architecture(network) in SPACE
        assert BAND * budget <= macs(network) <= budget


def test_their_prior_is_fair_to_depth() -> None:
    networks = random_networks(SPACE, 1_000_000, 40, seed=2)
    skipped = sum(network.count("sk_s1") for network in networks) / (4 * len(networks))
    assert skipped < 0.25


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_fill_the_budget_without_a_search(name: str) -> None:
    for budget in (300_000, 600_000):
        assert 0.85 * budget <= macs(BASELINES[name](SPACE, budget)) <= budget


def test_spread_networks_reach_from_small_to_large() -> None:
    costs = [macs(network) for network in spread_networks(SPACE, 5, seed=3)]
    assert costs == sorted(costs)
    assert costs[-1] > 4 * costs[0]


def test_choosing_on_a_supernet_finds_what_the_loss_prefers() -> None:
    def loss(network: str) -> float:
        return float(network.count("_k5"))

    chance = [loss(n) for n in random_networks(SPACE, 600_000, 16, seed=4)]
    assert loss(best_random(SPACE, 600_000, 16, 4, loss)) == min(chance)
    found = evolved(SPACE, 600_000, 24, 4, loss)
    assert loss(found) <= min(chance)
    assert BAND * 600_000 <= macs(found) <= 600_000


def test_verdicts_are_kept_by_everything_that_decides_them(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "results.jsonl"
    assert Verdicts(path).of(final_trial("a network")) is None
    kept = [
        (final_trial("a network"), "tensorflow"),
        (final_trial("a network", seed=1), "jax"),
        (Trial("a network", 0, JudgeRecipe(learning_rate=0.1), "fashion_mnist"), "jax"),
        (final_trial("a network"), "torch"),
    ]
    for number, (trial, backend) in enumerate(kept):
        keep(trial, backend, Verdict(0.5, number / 10, 1.0), path)
    known = Verdicts(path)
    assert [known.of(*one).test for one in kept] == [0.0, 0.1, 0.2, 0.3]  # type: ignore[union-attr]
    assert known.networks() == ["a network"]
    assert known.tests("a network") == [0.0, 0.1]
    assert known.of(final_trial("a network", seed=1), "tensorflow") is None


def test_an_order_holds_every_image_once_an_epoch() -> None:
    order = order_of(10, 3, epochs=2, seed=0, flips=True)
    assert order.images.shape == order.mirrored.shape == (6, 3)
    for epoch in np.split(order.images, 2):
        assert len(np.unique(epoch)) == 9
    assert not np.array_equal(order.images[:3], order.images[3:])
    assert not order_of(10, 3, epochs=1, seed=0, flips=False).mirrored.any()


def test_the_small_space_is_sampled_evenly_over_cost() -> None:
    networks = sample(16)
    assert fb.parse_space(SMALL).size == 2592
    assert all(fb.parse_architecture(network) in fb.parse_space(SMALL) for network in networks)
    counts, _ = np.histogram(np.log([macs(n) for n in networks]), np.log(np.geomspace(*ENDS, 9)))
    assert max(counts) <= 2
    assert sum(counts) >= 14


ENDS = (226_664, 1_745_665)


def test_a_choice_is_made_once_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "chosen.jsonl"
    first = Contest("c", path).choose(300, "search", 0, lambda: "found")
    again = Contest("c", path)
    assert again.choose(300, "search", 0, lambda: "another") == first
    assert again.members(300) == [first]
    assert Contest("d", path).budgets() == []


def test_a_percentile_counts_the_worse_and_half_of_the_equal() -> None:
    chance = np.array([1.0, 2.0, 2.0, 3.0])
    assert percentiles(np.array([0.5, 2.0, 9.0]), chance).tolist() == [0.0, 50.0, 100.0]


def test_a_percentiles_interval_holds_it_and_narrows_with_more_networks() -> None:
    def width(number: int) -> float:
        chance = np.linspace(0.0, 1.0, number)
        low, high = interval([Results(np.array([0.7, 0.8, 0.9]), chance)])
        assert low < 80 < high
        return high - low

    assert width(200) < width(10)


def test_the_summary_is_over_all_budgets() -> None:
    chance = np.array([80.0, 81.0, 82.0, 83.0])
    found = [
        {name: Results(np.array(values), chance) for name, values in way.items()}
        for way in ({"random": chance, "search": [82.5]}, {"random": chance, "search": [83.5]})
    ]
    _, row = summary(found)
    assert row[:3] == ["search", "2", "88"]
    assert row[4] == "+1.50 ± 0.68"


def test_noise_is_by_seed_and_by_backend(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for network, tests in {"a": (0.90, 0.92, 0.93), "b": (0.80, 0.82, 0.81)}.items():
        for (seed, backend), test in zip(
            ((0, "jax"), (1, "jax"), (0, "torch")), tests, strict=True
        ):
            keep(final_trial(network, seed), backend, Verdict(0.5, test, 1.0), path)
    said = noise(Verdicts(path), "fashion_mnist").splitlines()
    assert said[0] == "A training's deviation by its seed: 1.41 (2 networks)"
    assert said[1] == "jax over torch: -1.00 ± 1.00 (2)"


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_has_a_contest_that_can_be_held(task: Task) -> None:
    space = space_of(task.space)
    for budget in map(int, map(parse_quantity, task.budgets)):
        assert len(set(random_networks(space, budget, 3, seed=0))) == 3
        for scaled in BASELINES.values():
            assert 0.8 * budget <= macs(scaled(space, budget)) <= budget


def test_a_contest_is_named_by_data_and_space() -> None:
    assert task_of("fashion_mnist").contest == "fashion_mnist_fashion28"
    assert task_of("fashion_mnist", space="small").contest == "fashion_mnist_small"
    assert task_of("photographs").contest == "photographs_colour32"
    other = task_of("mine", "directory", "photos", "spaces/wide.txt", ["1M"])
    assert (other.contest, other.dataset, other.data_dir) == (
        "mine_wide",
        "directory",
        Path("photos"),
    )
    with pytest.raises(ValueError, match=r"or have a space\. Received: mine"):
        task_of("mine")


def test_each_task_has_its_own_final_recipe(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for recipe, share in ((FINAL["fashion_mnist"], 0.1), (FINALIST, 0.2)):
        keep(Trial("a", 0, recipe, "photographs"), "torch", Verdict(0.5, share, 1.0), path)
    assert Verdicts(path).networks("photographs") == []
    keep(final_trial("a", 0, "photographs"), "torch", Verdict(0.5, 0.3, 1.0), path)
    assert Verdicts(path).networks("photographs") == ["a"]
    assert Verdicts(path).tests("a", "photographs") == [0.3]
    assert recipe_of("photographs") == FINAL["photographs"] != recipe_of("fashion_mnist")
    assert recipe_of("of my own") == recipe_of("fashion_mnist")
    assert recipe_of("photographs", "finalist") == FINALIST


# In a process of its own: two benchmarks that define a flag of one name cannot be in one.
WITHOUT_SEARCH = """
import sys
from pathlib import Path
import fbnetv2_tf as fb
from absl import flags
from benchmarks import quality
from benchmarks.contest import Contest

flags.FLAGS(["quality", "--finalists=2", "--random=0", "--methods=search", "--search_seeds=0"])
quality.searched = lambda *_: sys.exit("a search was begun")
contest = Contest("c", Path(sys.argv[1]))
names = ["search", "search, finalists", "best random, search", "evolution, search"]
for name in [*quality.BASELINES, *names]:
    contest.choose(600_000, name, 0, lambda name=name: f"the network of {name}")
members = quality.contestants(contest, fb.parse_space("fashion28"), 600_000)
assert [member.name for member in members] == [*quality.BASELINES, *names]
contest = Contest("d", Path(sys.argv[1]))
list(quality.contestants(contest, fb.parse_space("fashion28"), 600_000))
"""


@pytest.mark.slow
def test_what_was_chosen_before_takes_no_search(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SEARCH, str(tmp_path / "chosen.jsonl")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "a search was begun", done.stderr
    assert done.returncode == 1


def test_without_random_networks_there_are_no_percentiles() -> None:
    found = {"search": Results(np.array([80.0]), np.array([]))}
    assert rows(found)[1:] == [["search", "1", "80.00", "", ""]]
    assert len(summary([found])) == 1


def test_the_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    flags = {"max_macs": 600_000, "epochs": 4, "seed": 3}
    said = {**options_of(flags), "output": "x", "settings": {}}
    (tmp_path / "search.json").write_text(json.dumps({"options": said}))
    assert searched(tmp_path, flags) == {"options": said}
    with pytest.raises(InputError, match=r"must be a search with `candidates` 32. Received: 256"):
        searched(tmp_path, {**flags, "candidates": 32})
    with pytest.raises(InputError, match=r"must be a search with `epochs` 5. Received: 4. Remove"):
        searched(tmp_path, {**flags, "epochs": 5})
