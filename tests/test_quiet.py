"""What a command's user does not have to read."""

from __future__ import annotations

import logging

import pytest
import tensorflow as tf

from fbnetv2_tf.flags.quiet import import_tensorflow
from fbnetv2_tf.traced_step import TracedStep

LOGGER = logging.getLogger("tensorflow")


@pytest.fixture
def said() -> list[str]:
    """What TensorFlow's logger lets through."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    listener = Listener()
    filters = list(LOGGER.filters)
    LOGGER.addHandler(listener)
    yield lines
    LOGGER.removeHandler(listener)
    LOGGER.filters[:] = filters


def test_a_network_after_another_is_not_warned_of(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    import_tensorflow()
    LOGGER.warning("5 out of the last 5 calls to %s triggered tf.function retracing.", "step")
    LOGGER.warning("Something else.")
    assert said == ["Something else."]


def test_steps_of_one_definition_are_not_counted_together(said: list[str]) -> None:
    def step(x: tf.Tensor) -> tf.Tensor:
        return 2 * x

    for _ in range(12):
        TracedStep(step)(tf.constant(1.0))
    assert said == []
