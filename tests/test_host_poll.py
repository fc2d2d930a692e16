"""One host gets its own answers; `benchmarks/multiworker.py` stops two by a signal to one."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fbnetv2_tf.host_poll import HostPoll


@pytest.mark.parametrize("asked", [(False, False), (True, False), (False, True), (True,)])
def test_one_host_does_what_it_asks_for(asked: tuple[bool, ...]) -> None:
    assert HostPoll(tf.distribute.get_strategy())(*asked) == asked
