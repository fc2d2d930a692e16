"""A traced step, called without TensorFlow's own look-up of the trace.

Before each call `tf.function` hashes the types of everything that the graph reads, several hundred
variables: 0.7 ms, as much as a block of a small network takes. What tells the traces of a step
apart is known here: the shapes and dtypes of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf


class TracedStep:
    """A `tf.function` of tensors.

    Args:
        function: of positional tensors. Arguments of another kind, such as the values of several
            replicas, are left to `tf.function`.
        jit_compile: as in `tf.function`.

    Example:
        >>> double = TracedStep(lambda x: 2 * x)
        >>> int(double(tf.constant(3))), int(double(tf.constant(4)))
        (6, 8)
    """

    def __init__(self, function: Callable[..., Any], jit_compile: bool | None = None) -> None:
        # A partial is a function of its own to TensorFlow, which would count the traces of all
        # steps of one definition together, each phase and resolution, and warn of them.
        self.function = tf.function(
            partial(function), autograph=False, reduce_retracing=True, jit_compile=jit_compile
        )
        self._traces: dict[tuple[Any, ...], Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        if not all(isinstance(argument, tf.Tensor) for argument in arguments):
            return self.function(*arguments)
        key = tuple((*argument.shape, argument.dtype) for argument in arguments)
        if key not in self._traces:
            # The first call may create variables, which only `tf.function` itself can.
            result = self.function(*arguments)
            self._traces[key] = self.function.get_concrete_function(*arguments)
            return result
        return self._traces[key](*arguments)
