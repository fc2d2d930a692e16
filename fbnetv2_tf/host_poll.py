"""What one of several hosts asks for, all of them do, at the same step.

A signal reaches one host, and clocks differ; a checkpoint takes all hosts at the same step. So the
hosts ask each other every few steps, by one small reduction.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

POLL_EVERY = 10
"""Steps between two polls: each waits for the slowest host."""


class HostPoll:
    """Whether any host asks for something.

    Args:
        strategy: of `tf.distribute`; every one of its hosts must poll at the same steps.

    Example:
        >>> HostPoll(tf.distribute.get_strategy())(True, False)
        (True, False)
    """

    def __init__(self, strategy: Any) -> None:
        def of_replica(asked: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # The identity is on the replica's device; what comes from outside is on none.
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(asked))

        self._strategy = strategy
        self._sum = tf.function(lambda asked: strategy.run(of_replica, (asked,)), autograph=False)

    def __call__(self, *asked: bool) -> tuple[bool, ...]:
        """What this host asks for -> what any of them does."""
        sums = self._sum(tf.constant(asked, tf.float32))
        total = self._strategy.experimental_local_results(sums)[0].numpy()
        return tuple(bool(number > 0) for number in total)
