"""What a search says while it runs: a line an epoch, and nothing else where nobody looks."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from fbnetv2_tf.run_state import FIRST_STEP
from fbnetv2_tf.search_log import SearchLog

LOGS = {
    "loss": 0.6083,
    "accuracy": 0.7719,
    "expected_macs": 666_900.0,
    "expected_activation_bytes": 12_800.0,
    "entropy": 0.957,
    "temperature": 4.137,
}
LIMITS = {"macs": 600_000.0, "activation_bytes": 24_576.0}


def said(log: SearchLog, epochs: list[dict[str, Any]]) -> str:
    """What a console has after some epochs of two batches."""
    log.set_params({"epochs": 2, "steps": 2})
    log.on_train_begin()
    for epoch, logs in enumerate(epochs):
        log.on_epoch_begin(epoch)
        log.on_train_batch_end(0)
        log.on_train_batch_end(1)
        log.on_epoch_end(epoch, logs)
    log.on_train_end()
    file = log.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_line_says_what_a_person_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fbnetv2_tf.epoch_log.time.monotonic", lambda: 90.0)
    log = SearchLog(LIMITS)
    log.set_params({"epochs": 12, "steps": 2})
    log.began = 0.0
    assert log.line(1, LOGS) == (
        "epoch  2/12  loss 0.608  accuracy 77.2 %  expected 667k of 600k MACs  "
        "expected 12.5 KiB of 24.0 KiB peak activation memory  entropy 0.96  temperature 4.14  "
        "7:30 left"
    )


def test_a_resumed_run_is_timed_from_where_it_went_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fbnetv2_tf.epoch_log.time.monotonic", lambda: 90.0)
    log = SearchLog({})
    log.set_params({"epochs": 4, "steps": 10, FIRST_STEP: 5})
    log.began = 0.0
    # A step takes six seconds, and twenty are left.
    assert log.line(1, LOGS).endswith("2:00 left")


def test_its_bar_begins_there_too() -> None:
    log = SearchLog({}, Console(file=io.StringIO(), force_terminal=True, width=100))
    log.set_params({"epochs": 4, "steps": 10, FIRST_STEP: 15})
    log.on_train_begin()
    log.on_epoch_begin(1)
    assert log.progress is not None
    assert log.progress.tasks[0].completed == 5
    log.on_epoch_begin(2)
    assert log.progress.tasks[0].completed == 0
    log.close()


def test_a_warm_up_epoch_has_nothing_to_say_of_the_choices() -> None:
    log = SearchLog(LIMITS, Console(file=io.StringIO()))
    line = said(log, [{**LOGS, "temperature": 0.0, "entropy": 0.0}])
    assert "weights only" in line
    assert "expected" not in line
    assert "entropy" not in line


def test_into_a_file_go_the_lines_alone() -> None:
    log = SearchLog(LIMITS, Console(file=io.StringIO()))
    text = said(log, [LOGS, LOGS])
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert text.endswith("0:00 left\n")


def test_on_a_terminal_there_is_a_bar() -> None:
    log = SearchLog({}, Console(file=io.StringIO(), force_terminal=True, width=100))
    text = said(log, [LOGS])
    assert "epoch 1/2" in text
    assert "━" in text
    # The cursor that the bar has hidden is shown again.
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l") >= 0
    assert log.progress is None
