"""A training of one network by the judge's recipe, and the file of what came of each.

The recipe is the same for every network, whoever chose it. Networks are plain Keras models, so any
backend trains them; under TensorFlow they train in their fused form, which computes the same.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "judge.jsonl"
DATA = ROOT / "runs" / "fashion_20k.npz"


@dataclass(frozen=True)
class JudgeRecipe:
    """The recipe of every final network; `docs/quality.md` has its tuning curve."""

    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 0.2
    weight_decay: float = 5e-3
    warmup_epochs: float = 0.25
    gradient_norm: float = 5.0
    flips: bool = True


RECIPE = JudgeRecipe()


@dataclass(frozen=True)
class Trial:
    """One training of one network.

    Attributes:
        network: architecture text.
        seed: of the initial weights and of the order of the images.
        recipe: how it is trained.
        data: name of the data.
        backend: of Keras.
    """

    network: str
    seed: int = 0
    recipe: JudgeRecipe = RECIPE
    data: str = "fashion_20k"
    backend: str = "tensorflow"

    @property
    def key(self) -> str:
        """What the result is kept by."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Verdict:
    """What came of a trial: accuracies in [0, 1], and the seconds it took."""

    validation: float
    test: float
    seconds: float


def verdicts(path: Path = RESULTS) -> dict[str, Verdict]:
    """All results so far, by the key of their trial."""
    if not path.exists():
        return {}
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {line["trial"]: Verdict(**line["verdict"]) for line in lines}


def keep(trial: Trial, verdict: Verdict, path: Path) -> None:
    """Adds a result to the file; whole lines only, whoever else writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"trial": trial.key, "verdict": asdict(verdict)})
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line + "\n")


def judge(trials: Iterable[Trial], data: Any, path: Path) -> Iterator[tuple[Trial, Verdict]]:
    """Runs the trials that have no result yet."""
    for trial in trials:
        known = verdicts(path).get(trial.key)
        if known is None:
            known = run_trial(trial, data)
            keep(trial, known, path)
        yield trial, known


def run_trial(trial: Trial, data: Any) -> Verdict:
    """Trains a network from scratch and measures it."""
    import keras

    import fbnetv2_tf as fb
    from benchmarks.judge_data import Epochs
    from fbnetv2_tf.recipe import Recipe
    from fbnetv2_tf.training_form import training_form

    began = time.monotonic()
    keras.utils.set_random_seed(trial.seed)
    model = training_form(fb.build_model(trial.network))
    settings = asdict(trial.recipe)
    flips = settings.pop("flips")
    recipe = Recipe(**settings, augment="none", seed=trial.seed)
    batches = Epochs(*data.train, recipe.batch_size, seed=trial.seed, flips=flips)
    model.compile(
        optimizer=recipe.optimizer(model, len(batches)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=trial.backend == "jax",
    )
    model.fit(batches, epochs=recipe.epochs, verbose=0, shuffle=False)
    accuracies = [
        model.evaluate(*part, batch_size=500, verbose=0, return_dict=True)["accuracy"]
        for part in (data.validation, data.test)
    ]
    return Verdict(*accuracies, seconds=round(time.monotonic() - began, 1))
