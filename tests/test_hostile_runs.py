"""Run folders from strangers: whatever is in their files, a command takes it or says a sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fbnetv2_tf.builders.lookup import resolve_architecture
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags import evaluate, export, train
from fbnetv2_tf.flags.train import _is_finished
from fbnetv2_tf.report import write_report
from fbnetv2_tf.run_folder import ARCHITECTURE, CHILD, EXPORT, SEARCH, TRAIN, RunFolder

from .report_runs import trained_run
from .tiny_data import TINY

RECORD = {
    "dataset": {"name": "npz", "data_dir": "x.npz"},
    "architecture": TINY,
    "training": {"architecture": TINY, "recipe": {"epochs": 2}},
    "identity": {"seed": 0, "limits": [{"macs": 1e6}]},
    "history": [{"loss": 1.0}],
}
STRANGE: tuple[Any, ...] = (None, [], {}, "", "x" * 1000, -1, 1e308, True, ["npz"], {"name": {}})


def mutated(value: Any, chance: random.Random) -> Any:
    """The value with something strange in one place of it."""
    if chance.random() < 0.3 or not isinstance(value, (dict, list)) or not value:
        return chance.choice(STRANGE)
    copy = value.copy()
    place = chance.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
    copy[place] = mutated(copy[place], chance)
    return copy


def texts(number: int) -> list[str]:
    """JSON of strange values, some of it cut off or with other bytes."""
    chance = random.Random(0)
    found = []
    for _ in range(number):
        text = json.dumps(mutated(RECORD, chance))
        if chance.random() < 0.3:
            text = text[: chance.randrange(len(text) + 1)]
        if chance.random() < 0.3 and text:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice("\x00{}[]\"',:\ud7ff9") + text[at + 1 :]
        found.append(text)
    return [*found, "[" * 100_000, "NaN", "1" * 5000]


def sentence(act: Callable[[], Any]) -> str | None:
    """What is said of bad input, None where it is taken; nothing else may be raised."""
    try:
        act()
    except InputError as error:
        return str(error)
    return None


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.write_text(ARCHITECTURE, TINY)
    folder.write_text(CHILD, "no model")
    return folder


@pytest.mark.parametrize("driver", [train.DRIVER, evaluate.DRIVER, export.DRIVER])
def test_the_records_of_a_stranger_end_in_a_sentence(driver: Any, run: RunFolder) -> None:
    refused = 0
    for text in texts(150):
        for name in (SEARCH, TRAIN):
            run.write_text(name, text)
        values = driver.flag_values()
        values([driver.name, f"--run={run.path}"])
        said = sentence(lambda: (driver.options(values), _is_finished(run, {})))  # noqa: B023
        assert said is None or (said and "\n" not in said)
        refused += said is not None
    assert refused > 20


def test_a_report_of_strange_records_is_a_sentence(tmp_path: Path) -> None:
    chance = random.Random(2)
    run = trained_run(tmp_path)
    good = {name: run.read_json(name) for name in (SEARCH, TRAIN, EXPORT)}
    said = set()
    for _ in range(150):
        name = chance.choice(list(good))
        run.write_text(name, json.dumps(mutated(good[name], chance)))
        said.add(sentence(lambda: write_report(run.path)))
        run.write_json(name, good[name])
    assert len(said) > 40
    assert sentence(lambda: write_report(run.path)) is None


def test_the_architecture_of_a_stranger_ends_in_a_sentence(run: RunFolder) -> None:
    chance = random.Random(1)
    for _ in range(200):
        content = bytearray(TINY.encode() * chance.randint(1, 2))
        for _ in range(chance.randint(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        run.write_bytes(ARCHITECTURE, bytes(content))
        assert sentence(lambda: resolve_architecture(run.path)) != ""
