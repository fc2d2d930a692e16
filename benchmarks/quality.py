"""Whether the search finds better networks than chance, and than anything cheap.

    python -m benchmarks.judge_data --dataset=fashion_mnist
    python -m benchmarks.quality --budgets=300K,600K --search_seeds=0,1,2 --random=24

For each budget: the searched network of each seed and method, random networks of the same cost,
the best of many random ones by inherited weights, evolution on the same supernet, the space's
middle network and MobileNetV3-Small scaled to the budget; every one trained from scratch by the
one recipe of `benchmarks.judge`, which is told nothing of where a network comes from. Searches and
trainings that were done before are read, so a run can be stopped at any time and later seeds are
added. `--list=FILE` writes the networks that the judge has not seen instead of training them
here, for another machine: `python -m benchmarks.judge --networks=FILE --backend=torch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import app, flags

import fbnetv2_tf as fb
from benchmarks.contest import CHANCE, CHOSEN, Contest, Contestant
from benchmarks.contest_report import show
from benchmarks.contestants import BASELINES, random_networks
from benchmarks.evolution import best_random, evolved
from benchmarks.searching import searched
from benchmarks.supernets import SearchedSupernet
from benchmarks.trials import RESULTS, Trial, Verdicts, judge
from fbnetv2_tf.units import parse_quantity

DATASET = flags.DEFINE_string("dataset", "fashion_mnist", "As of fbnetv2-search.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "As of fbnetv2-search.")
SPACE = flags.DEFINE_string("space", "fashion28", "As of fbnetv2-search.")
BUDGETS = flags.DEFINE_list("budgets", ["300K", "600K"], "Multiply-adds.")
SEARCH_SEEDS = flags.DEFINE_list("search_seeds", ["0", "1", "2"], "Seeds of the searches.")
RANDOM = flags.DEFINE_integer("random", 24, "Random networks for each budget.")
CHILD_SEEDS = flags.DEFINE_list("child_seeds", ["0", "1"], "Trainings of each but the random ones.")
EPOCHS = flags.DEFINE_integer("epochs", 6, "Of a search.")
EVALUATIONS = flags.DEFINE_integer("evaluations", 64, "Networks scored on a supernet; 0 for none.")
FOLDER = flags.DEFINE_string("folder", "runs/quality", "Where the searches are kept.")
LIST = flags.DEFINE_string("list", None, "Write what is still to be judged here, and stop.")

RANDOM_SEED = 7

METHODS: dict[str, dict[str, Any]] = {
    "search": {},
    "soft": {"sampling": "soft"},
    "paper": {"sampling": "soft", "sharing": "none", "objective": "paper", "derive": "argmax"},
}
"""Name of a way to search -> its flags; `search` is the default of `fbnetv2-search`."""

METHOD = flags.DEFINE_list("methods", ["search"], f"Some of {', '.join(METHODS)}.")


def contestants(contest: Contest, space: fb.Space, budget: int) -> Iterator[Contestant]:
    """All of one budget, cheap ones first; the searches run when they are reached."""
    for number, network in enumerate(random_networks(space, budget, RANDOM.value, RANDOM_SEED)):
        yield contest.choose(budget, CHANCE, number, lambda network=network: network)
    for name, scaled in BASELINES.items():
        yield contest.choose(budget, name, 0, lambda scaled=scaled: scaled(space, budget))
    for method in METHOD.value:
        for seed in map(int, SEARCH_SEEDS.value):
            folder = Path(FOLDER.value) / f"{method}_{budget // 1000}k_{seed}"
            options = _flags(budget, seed) | METHODS[method]

            def search(folder: Path = folder, options: dict[str, Any] = options) -> str:
                return str(searched(folder, options)["architecture"])

            yield contest.choose(budget, method, seed, search)
            if EVALUATIONS.value and method == "search":
                yield from _by_supernet(contest, space, budget, seed, folder)


def _flags(budget: int, seed: int) -> dict[str, Any]:
    given = {
        "space": SPACE.value,
        "dataset": DATASET.value,
        "data_dir": DATA_DIR.value,
        "max_macs": budget,
        "epochs": EPOCHS.value,
        "seed": seed,
    }
    return {name: value for name, value in given.items() if value is not None}


def _by_supernet(
    contest: Contest, space: fb.Space, budget: int, seed: int, folder: Path
) -> Iterator[Contestant]:
    supernet = SearchedSupernet(folder)
    arguments = (space, budget, EVALUATIONS.value, seed, lambda n: supernet.score(n)[0])
    ways = {"best random by supernet": best_random, "evolution on supernet": evolved}
    for name, choose in ways.items():
        yield contest.choose(budget, name, seed, lambda choose=choose: choose(*arguments))


def trials(members: list[Contestant]) -> list[Trial]:
    """What the judge has to run: one seed for the random networks, all for the others."""
    seeds = [int(seed) for seed in CHILD_SEEDS.value]
    wanted = [
        Trial(c.network, seed, data=DATASET.value)
        for c in members
        for seed in (seeds[:1] if c.name == CHANCE else seeds)
    ]
    return list(dict.fromkeys(wanted))


def main(_: list[str]) -> None:
    """Chooses, judges what is missing and prints the tables."""
    space = fb.parse_space(SPACE.value)
    contest = Contest(f"{DATASET.value}_{SPACE.value}", CHOSEN)
    members: list[Contestant] = []
    for budget in BUDGETS.value:
        members += contestants(contest, space, round(parse_quantity(budget)))
    verdicts = Verdicts(RESULTS)
    missing = [trial for trial in trials(members) if verdicts.of(trial) is None]
    if LIST.value:
        text = "".join(f"{trial.seed} {trial.network}\n" for trial in missing)
        Path(LIST.value).write_text(text, encoding="utf-8")
        print(f"{len(missing)} trainings are in {LIST.value}")
        return
    if missing:
        from benchmarks.judge_data import load

        for _ in judge(missing, load(DATASET.value), RESULTS, "tensorflow"):
            pass
    show(contest, Verdicts(RESULTS))


if __name__ == "__main__":
    app.run(main)
