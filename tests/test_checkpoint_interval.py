"""How often a run is saved: steps or time."""

from __future__ import annotations

import pytest

from fbnetv2_tf.checkpoint_interval import CheckpointInterval, parse_interval
from fbnetv2_tf.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500", CheckpointInterval(steps=500)),
        ("90s", CheckpointInterval(seconds=90.0)),
        ("1.5m", CheckpointInterval(seconds=90.0)),
        (" 10min ", CheckpointInterval(seconds=600.0)),
        ("1h", CheckpointInterval(seconds=3600.0)),
    ],
)
def test_steps_and_times_are_read(text: str, expected: CheckpointInterval) -> None:
    assert parse_interval(text) == expected


@pytest.mark.parametrize("text", ["", "0", "0s", "1.5", "-3", "ten", "5 d", "1e3", "nan"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"must be a number of steps \(500\) or a time"):
        parse_interval(text)


def test_a_checkpoint_is_due_by_its_own_rule() -> None:
    by_steps, by_time = CheckpointInterval(steps=5), CheckpointInterval(seconds=60.0)
    assert [by_steps.is_due(steps, 1e9) for steps in (4, 5)] == [False, True]
    assert [by_time.is_due(10**9, seconds) for seconds in (59.0, 60.0)] == [False, True]
    assert not CheckpointInterval().is_due(10**9, 1e9)
