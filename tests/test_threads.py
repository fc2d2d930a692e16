"""How many threads an operator of TensorFlow gets where a driver runs."""

import os

import pytest

from fbnetv2_tf.flags import threads
from fbnetv2_tf.flags.threads import VARIABLE, limit_threads


@pytest.mark.parametrize(("processors", "limited"), [(1, True), (2, True), (3, False)])
def test_few_processors_get_one_thread_an_operator(
    processors: int, limited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(threads, "processors", lambda: processors)
    assert limit_threads() == limited
    assert os.environ.get(VARIABLE) == ("1" if limited else None)


def test_the_users_own_word_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "7")
    monkeypatch.setattr(threads, "processors", lambda: 1)
    assert not limit_threads()
    assert os.environ[VARIABLE] == "7"
