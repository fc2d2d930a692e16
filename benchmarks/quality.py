"""Whether the search finds better networks than chance, and than anything cheap.

    python -m benchmarks.judge_data --data=fashion_mnist
    python -m benchmarks.quality --data=fashion_mnist --search_seeds=0,1,2 --random=24

`--data` is a task of `benchmarks.tasks`, whose space and budgets are its defaults. For each budget:
the searched network of each seed and method, random networks of the same cost, the best of many
random ones by inherited weights, evolution on the same supernet, the space's middle network and
MobileNetV3-Small scaled to the budget; every one trained from scratch by the one recipe of
`benchmarks.judge`, which is told nothing of where a network comes from. Searches and trainings that
were done before are read, so a run can be stopped at any time and later seeds are added.
`--list=FILE` writes the networks that the judge has not seen instead of training them here, for
another machine: `python -m benchmarks.judge --data=NAME --networks=FILE --backend=torch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from absl import flags

import fbnetv2_tf as fb
from benchmarks.contest import CHANCE, CHOSEN, Contest, Contestant
from benchmarks.contest_report import show
from benchmarks.contestants import BASELINES, random_networks
from benchmarks.evolution import best_random, evolved
from benchmarks.searching import searched
from benchmarks.sentences import run
from benchmarks.supernets import SearchedSupernet
from benchmarks.tasks import Task, space_of, task_of
from benchmarks.trials import FINALIST, RESULTS, Trial, Verdicts, final_trial, judge
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import parse_quantity

DATA = flags.DEFINE_string("data", "fashion_mnist", "Name of the prepared data.")
DATASET = flags.DEFINE_string("dataset", None, "As of fbnetv2-search; by default the task's.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "As of fbnetv2-search; by default the task's.")
SPACE = flags.DEFINE_string(
    "space", None, "A preset, a file, `small` or `colour32`; by default the task's."
)
BUDGETS = flags.DEFINE_list("budgets", None, "Multiply-adds; by default the task's.")
SEARCH_SEEDS = flags.DEFINE_list("search_seeds", ["0", "1", "2"], "Seeds of the searches.")
RANDOM = flags.DEFINE_integer("random", 24, "Random networks for each budget.")
CHILD_SEEDS = flags.DEFINE_list("child_seeds", ["0", "1"], "Of the trainings of each network.")
EPOCHS = flags.DEFINE_integer("epochs", None, "Of a search; by default the task's.")
EVALUATIONS = flags.DEFINE_integer("evaluations", 256, "Networks scored on a supernet; 0: none.")
FOLDER = flags.DEFINE_string("folder", "runs/quality", "Where the searches are kept.")
CANDIDATES = flags.DEFINE_integer("candidates", 256, "As of fbnetv2-search.")
FINALISTS = flags.DEFINE_integer(
    "finalists", 0, "As of fbnetv2-search: also judge what so many choose, and so many by chance."
)
LIST = flags.DEFINE_string(
    "list", None, "Write what is still to be judged here, finalists into FILE.finalists, and stop."
)

RANDOM_SEED = 7

SOFT = {"fair_epochs": 0, "candidates": 32}
"""Candidates scored by the weights that the search ends with."""

METHODS: dict[str, dict[str, Any]] = {
    "search": {},
    "32 candidates": {"candidates": 32},
    "soft scores": SOFT,
    "soft scores of 8 epochs": {"epochs": 8, **SOFT},
    "sliced": {"sampling": "sliced", "epochs": 5, **SOFT},
    "paper": {"sharing": "none", "objective": "paper", "derive": "argmax", "fair_epochs": 0},
}
"""Name of a way to search -> its flags; `search` is the default of `fbnetv2-search`."""

SUPERNETS = ("search", "sliced")
"""Searches whose weights also serve the baselines that choose by a supernet."""

METHOD = flags.DEFINE_list("methods", ["search", "sliced"], f"Some of {', '.join(METHODS)}.")


def contestants(contest: Contest, space: fb.Space, budget: int) -> Iterator[Contestant | Trial]:
    """All of one budget, cheap ones first, and the trials that a choice waits for."""
    chance = random_networks(space, budget, RANDOM.value, RANDOM_SEED)
    for number, network in enumerate(chance):
        yield contest.choose(budget, CHANCE, number, lambda network=network: network)
    for name, scaled in BASELINES.items():
        yield contest.choose(budget, name, 0, lambda scaled=scaled: scaled(space, budget))
    size = FINALISTS.value
    for group in range(len(chance) // size if size else 0):
        drawn = chance[group * size : (group + 1) * size]
        name = "finalists of chance"
        yield from _finalist(contest, budget, name, group, lambda drawn=drawn: drawn, 0)
    for method in METHOD.value:
        for seed in map(int, SEARCH_SEEDS.value):
            yield from _searched(contest, space, budget, method, seed)


def _searched(
    contest: Contest, space: fb.Space, budget: int, method: str, seed: int
) -> Iterator[Contestant | Trial]:
    """What a search finds, without and with finalists, and what its supernet would choose."""
    run = f"{method.replace(' ', '_')}_{budget // 1000}k_{seed}"
    folder = Path(FOLDER.value) / contest.name / run
    options = _flags(budget, seed) | METHODS[method]

    def search() -> Path:
        searched(folder, options)
        return folder

    def ranked() -> list[str]:
        return [c["architecture"] for c in searched(folder, options)["candidates"]]

    yield contest.choose(budget, method, seed, lambda: ranked()[0])
    if FINALISTS.value:
        name = f"{method}, finalists"
        yield from _finalist(contest, budget, name, seed, lambda: ranked()[: FINALISTS.value], seed)
    if method in SUPERNETS and EVALUATIONS.value:
        yield from _by_supernet(contest, space, budget, method, seed, search)


def _finalist(
    contest: Contest,
    budget: int,
    name: str,
    seed: int,
    networks: Callable[[], Sequence[str]],
    training_seed: int,
) -> Iterator[Contestant | Trial]:
    """The best of some by an epoch's training, as `fbnetv2-search` chooses."""
    if chosen := contest.known(budget, name, seed):
        yield chosen
        return
    trials = {n: Trial(n, training_seed, FINALIST, DATA.value) for n in networks()}
    known = Verdicts(RESULTS)
    judged = {n: verdict for n, trial in trials.items() if (verdict := known.of(trial))}
    if len(judged) < len(trials):
        yield from (trial for n, trial in trials.items() if n not in judged)
        return
    best = min(judged, key=lambda n: judged[n].loss)
    yield contest.choose(budget, name, seed, lambda: best)


def _task() -> Task:
    task = task_of(DATA.value, DATASET.value, DATA_DIR.value, SPACE.value, BUDGETS.value)
    if not task.budgets:
        raise InputError(f"--data={task.data} has no budgets of its own: name some by --budgets.")
    return task


def _flags(budget: int, seed: int) -> dict[str, Any]:
    task = _task()
    given = {
        "space": str(space_of(task.space)),
        "dataset": task.dataset,
        "data_dir": task.data_dir,
        "max_macs": budget,
        "epochs": EPOCHS.value or task.epochs,
        "seed": seed,
        "candidates": CANDIDATES.value,
    }
    return {name: value for name, value in given.items() if value is not None}


def _by_supernet(
    contest: Contest,
    space: fb.Space,
    budget: int,
    method: str,
    seed: int,
    search: Callable[[], Path],
) -> Iterator[Contestant]:
    """What is chosen with a search's weights and without its logits."""

    @cache
    def supernet() -> SearchedSupernet:
        return SearchedSupernet(search())

    arguments = (space, budget, EVALUATIONS.value, seed, lambda n: supernet().score(n)[0])
    ways = {f"best random, {method}": best_random, f"evolution, {method}": evolved}
    for name, choose in ways.items():
        yield contest.choose(budget, name, seed, lambda choose=choose: choose(*arguments))


def final_trials(members: Iterable[Contestant]) -> list[Trial]:
    """What the judge has to run: every network with the same seeds."""
    seeds = [int(seed) for seed in CHILD_SEEDS.value]
    wanted = [final_trial(c.network, seed, DATA.value) for c in members for seed in seeds]
    return list(dict.fromkeys(wanted))


def unjudged(contest: Contest, space: fb.Space) -> list[Trial]:
    """Chooses what can be chosen, and returns what is to be trained."""
    budgets = [round(parse_quantity(budget)) for budget in _task().budgets]
    found = [one for budget in budgets for one in contestants(contest, space, budget)]
    waited = dict.fromkeys(one for one in found if isinstance(one, Trial))
    known = Verdicts(RESULTS)
    members = [one for one in found if isinstance(one, Contestant)]
    return [*waited, *(trial for trial in final_trials(members) if known.of(trial) is None)]


def write_lists(trials: Sequence[Trial]) -> None:
    """Writes the trials as files for `benchmarks.judge`."""
    for ending, short in (("", False), (".finalists", True)):
        listed = [trial for trial in trials if (trial.recipe == FINALIST) == short]
        lines = [f"{trial.seed} {trial.network}\n" for trial in listed]
        path = Path(LIST.value + ending)
        path.write_text("".join(lines), encoding="utf-8")
        print(f"{len(lines)} trainings are in {path}")


def main(_: list[str]) -> None:
    """Chooses, judges what is missing and prints the tables."""
    unknown = [name for name in METHOD.value if name and name not in METHODS]
    if unknown:
        known = ", ".join(METHODS)
        raise InputError(f"`--methods` must be some of {known}. Received: {unknown[0]!r}.")
    task = _task()
    space, contest = space_of(task.space), Contest(task.contest, CHOSEN)
    missing = unjudged(contest, space)
    if LIST.value:
        write_lists(missing)
        return
    while missing:  # once for the finalists, once for what was chosen of them
        from benchmarks.judge_data import load

        for _ in judge(missing, load(DATA.value), RESULTS, "tensorflow"):
            pass
        missing = unjudged(contest, space)
    show(contest, Verdicts(RESULTS), DATA.value)


if __name__ == "__main__":
    run(main)
