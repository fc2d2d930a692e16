"""Finalists: each is trained a little, the one of least validation loss comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.builders import finalists
from fbnetv2_tf.builders.finalists import compare_finalists, finalist_recipe
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import InputError
from fbnetv2_tf.scoring import Score

from .tiny_data import TINY, tiny_data

NARROW = parse_architecture(TINY)
WIDE = parse_architecture(TINY.replace("_c8_", "_c16_"))
RECIPE = replace(finalist_recipe(2, 16, seed=0), learning_rate=0.1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSplits:
    return tiny_data(tmp_path_factory.mktemp("data"))


def test_they_are_ranked_by_the_loss_after_their_own_training(data: DataSplits) -> None:
    told: list[Architecture] = []
    ranked = compare_finalists(
        [NARROW, WIDE], lambda _: data, RECIPE, keep=lambda a, _: told.append(a)
    )
    assert told == [NARROW, WIDE]
    assert NARROW != WIDE
    losses = [candidate.score.loss for candidate in ranked if candidate.score]
    assert losses == sorted(losses)
    assert len(set(losses)) == 2
    again = compare_finalists([WIDE, NARROW], lambda _: data, RECIPE)
    assert [c.architecture for c in again] == [c.architecture for c in ranked]


def test_what_is_known_is_not_trained_again(
    data: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finalists, "train_child", None)
    known = {NARROW: Score(0.4, 0.9), WIDE: Score(0.3, 0.8)}
    ranked = compare_finalists([NARROW, WIDE], lambda _: data, RECIPE, known)
    assert [candidate.architecture for candidate in ranked] == [WIDE, NARROW]


def test_a_finalist_needs_an_epoch() -> None:
    with pytest.raises(InputError, match="`epochs` of a finalist must be at least 1"):
        finalist_recipe(0, 16, seed=0)
