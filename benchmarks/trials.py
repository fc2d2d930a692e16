"""A training of one network by the judge's recipe, and the file of what came of each.

The recipe is the same for every network, whoever chose it. Networks are plain Keras models, so any
backend trains them; under TensorFlow they train in their fused form, which computes the same.
"""

from __future__ import annotations

import fcntl
import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "judge.jsonl"
BACKENDS = ("jax", "tensorflow", "torch")


@dataclass(frozen=True)
class JudgeRecipe:
    """How a network is trained; the defaults are the final recipe on Fashion-MNIST."""

    epochs: int = 8
    batch_size: int = 256
    learning_rate: float = 0.4
    weight_decay: float = 5e-3
    warmup_epochs: float = 0.5
    gradient_norm: float = 5.0
    flips: bool = True


FINAL = {
    "fashion_mnist": JudgeRecipe(),
    "photographs": JudgeRecipe(epochs=16),
}
"""Data -> the recipe of every final network; `docs/quality.md` has the tuning curves."""

FINALIST = JudgeRecipe(epochs=1, batch_size=64, learning_rate=0.2, warmup_epochs=0.25)
"""How `fbnetv2-search` trains its finalists (`builders/finalists.py`)."""


def recipe_of(data: str, name: str = "final") -> JudgeRecipe:
    """The recipe of a name, one of `RECIPES`; data of the user's are trained as Fashion-MNIST."""
    return {"final": FINAL.get(data, JudgeRecipe()), "finalist": FINALIST}[name]


RECIPES = ("final", "finalist")


@dataclass(frozen=True)
class Trial:
    """One training of one network.

    Attributes:
        network: architecture text.
        seed: of the initial weights and of the order of the images.
        recipe: how it is trained.
        data: name of the data.
    """

    network: str
    seed: int
    recipe: JudgeRecipe
    data: str

    def key(self, backend: str) -> str:
        """What the result under a backend of Keras is kept by."""
        return json.dumps({**asdict(self), "backend": backend}, sort_keys=True)


def final_trial(network: str, seed: int = 0, data: str = "fashion_mnist") -> Trial:
    """A training by the final recipe of the data."""
    return Trial(network, seed, recipe_of(data), data)


@dataclass(frozen=True)
class Verdict:
    """What came of a trial: accuracies in [0, 1], validation loss, and the seconds it took."""

    validation: float
    test: float
    seconds: float
    loss: float = math.nan


class Verdicts:
    """All results in a file so far.

    Args:
        path: of the file of JSON lines; it may not exist yet.
    """

    def __init__(self, path: Path = RESULTS) -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = map(json.loads, text.splitlines())
        self._known = {line["trial"]: Verdict(**line["verdict"]) for line in lines}

    def of(self, trial: Trial, backend: str | None = None) -> Verdict | None:
        """The result of a trial, under any backend unless one is named; None where there is none.

        Backends agree within the noise of a seed (`docs/quality.md`).
        """
        keys = [trial.key(b) for b in ([backend] if backend else BACKENDS)]
        return next((self._known[key] for key in keys if key in self._known), None)

    def networks(self, data: str = "fashion_mnist") -> list[str]:
        """Every network that was trained by the recipe on these data."""
        given = [json.loads(key) for key in self._known]
        final = asdict(recipe_of(data))
        named = (g["network"] for g in given if g["data"] == data and g["recipe"] == final)
        return list(dict.fromkeys(named))

    def tests(self, network: str, data: str = "fashion_mnist") -> list[float]:
        """Test accuracies of a network, in [0, 1], one for each seed that it was trained with."""
        return [verdict.test for verdict in self.finals(network, data)]

    def finals(self, network: str, data: str = "fashion_mnist") -> list[Verdict]:
        """The results of a network by the recipe, one for each seed that it was trained with."""
        found = [self.of(final_trial(network, seed, data)) for seed in range(SEEDS)]
        return [verdict for verdict in found if verdict]

    def under(self, network: str, backend: str, data: str = "fashion_mnist") -> list[float]:
        """Test accuracies of a network under one backend, in [0, 1]."""
        found = [self.of(final_trial(network, seed, data), backend) for seed in range(SEEDS)]
        return [verdict.test for verdict in found if verdict]


SEEDS = 10
"""Seeds of trainings are below it."""


def keep(trial: Trial, backend: str, verdict: Verdict, path: Path) -> None:
    """Adds a result to the file; whole lines only, whoever else writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"trial": trial.key(backend), "verdict": asdict(verdict)})
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line + "\n")


def judge(
    trials: Iterable[Trial], data: Any, path: Path, backend: str, again: bool = False
) -> Iterator[tuple[Trial, Verdict]]:
    """Runs the trials that have no result yet under any backend; with `again`, under this one."""
    for trial in trials:
        known = Verdicts(path).of(trial, backend if again else None)
        if known is None:
            known = run_trial(trial, data)
            keep(trial, backend, known, path)
        yield trial, known


def run_trial(trial: Trial, data: Any) -> Verdict:
    """Trains a network from scratch under Keras's backend, and measures it."""
    import keras

    import fbnetv2_tf as fb
    from benchmarks.judge_data import order_of
    from fbnetv2_tf.recipe import Recipe
    from fbnetv2_tf.training_form import training_form

    began = time.monotonic()
    keras.utils.set_random_seed(trial.seed)
    model = training_form(fb.build_model(trial.network))
    settings = asdict(trial.recipe)
    flips = settings.pop("flips")
    recipe = Recipe(**settings, augment="none", seed=trial.seed)
    steps = len(data.train[1]) // recipe.batch_size
    order = order_of(len(data.train[1]), recipe.batch_size, recipe.epochs, trial.seed, flips)
    train = {"jax": _scanned, "torch": _replayed}.get(keras.backend.backend(), _fitted)
    (loss, validation), (_, test) = train(model, recipe, steps, data, order)
    return Verdict(validation, test, round(time.monotonic() - began, 1), loss)


Measured = list[tuple[float, float]]
"""Loss and accuracy on the validation images, and on the test images."""


def _scanned(model: Any, recipe: Any, steps: int, data: Any, order: Any) -> Measured:
    from benchmarks.scan_training import ScanTraining

    training = ScanTraining(model, recipe.optimizer(model, steps))
    training.run(data.train, order)
    return training.measured(data.validation, data.test)


def _replayed(model: Any, recipe: Any, steps: int, data: Any, order: Any) -> Measured:
    from benchmarks.graph_training import GraphTraining

    training = GraphTraining(model, recipe, steps)
    training.run(data.train, order)
    return training.measured(data.validation, data.test)


def _fitted(model: Any, recipe: Any, steps: int, data: Any, order: Any) -> Measured:
    import keras

    from benchmarks.judge_data import EVALUATED, Batches, to_unit

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = recipe.optimizer(model, steps)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], jit_compile=False)
    model.fit(Batches(data.train, order), epochs=1, verbose=0, shuffle=False)
    return [
        tuple(model.evaluate(to_unit(images), labels, batch_size=EVALUATED, verbose=0))
        for images, labels in (data.validation, data.test)
    ]
