"""Choices: the trainable logits of a search, the temperature, and one sample of all of them.

A `ChoiceTable` is the Keras layer that owns the logits of all choices of a space, as one variable:
it turns them into weights, and an optimizer moves them, in a handful of operations however many
choices there are. A `Choice` is the part of it that one choice has. The weights of a step are a
function of (seed, step) alone, so every replica draws the same sample and an interrupted search
continues with the draws it would have made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .architecture import Architecture
from .choice_weights import ChoiceWeights
from .choices_layout import one_hot_rows, searched
from .errors import SpaceError
from .outside_graph import outside_graph
from .sampling import gumbel_noise, gumbel_softmax, row_softmax
from .space import Space, parse_space

SAMPLING = ("soft", "hard", "mixed", "sliced")


class Choice:
    """One choice among alternatives: a distribution `softmax(logits)` that training moves.

    Attributes:
        name: such as `b03_channels`.
        alternatives: what is chosen from: numbers or words, at least two.
        places: of its logits among the table's.

    Example:
        >>> table = ChoiceTable("in_hw8_c3 cn_k3_s2_c8/16/24_nre fc_c2")
        >>> table.build()
        >>> choice = table.choices[0]
        >>> choice.name, choice.alternatives
        ('b01_channels', (8, 16, 24))
        >>> [round(float(p), 3) for p in choice.probabilities()]
        [0.333, 0.333, 0.333]
    """

    def __init__(
        self, table: ChoiceTable, name: str, alternatives: Sequence[int | str], place: int
    ) -> None:
        self.name = name
        self.alternatives = tuple(alternatives)
        self._table = table
        self.places = slice(place, place + len(self.alternatives))

    @property
    def logits(self) -> tf.Tensor:
        """Its logits, (alternatives,)."""
        return tf.convert_to_tensor(self._table.logits)[self.places]

    def assign(self, logits: Any) -> None:
        """Sets its logits, (alternatives,), and no other's."""
        values = self._table.logits.numpy()
        values[self.places] = logits
        self._table.logits.assign(values)

    def probabilities(self) -> tf.Tensor:
        """`softmax(logits)`, (alternatives,)."""
        return tf.nn.softmax(self.logits)


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class ChoiceTable(keras.layers.Layer):
    """All choices of a space; calling it gives the weights of every one.

    Args:
        space: the space, or its text.
        sampling: `soft` (Gumbel-softmax weights), `hard` (one-hot, straight-through gradient),
            `mixed` (one-hot where the network's weights learn, soft where the logits learn), or
            `sliced` (the draws of `mixed`, of which a weight step computes nothing else).
        temperature: where the temperature starts; afterwards it is a variable that training moves.
        seed: of the Gumbel noise.

    Call arguments:
        training: True draws a sample; False gives the noiseless `softmax(logits / temperature)`.
            While an architecture is selected both give its one-hot weights.
        for_weights: whether the sample is for a step of the network's weights; `mixed` asks.

    Returns:
        A dict from a choice's name, such as `b03_channels`, to float32 weights (alternatives,).
    """

    def __init__(
        self,
        space: Space | str,
        sampling: str = "soft",
        temperature: float = 5.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})
        if sampling not in SAMPLING:
            raise SpaceError(f"`sampling` must be one of {SAMPLING}. Received: {sampling!r}.")
        self.space = parse_space(space) if isinstance(space, str) else space
        self.sampling = sampling
        self.initial_temperature = temperature
        self.seed = seed
        self.choices: list[Choice] = []
        self._total = 0
        for name, alternatives in searched(self.space).items():
            self.choices.append(Choice(self, name, alternatives, self._total))
            self._total += len(alternatives)

    def build(self, input_shape: Any = None) -> None:
        self.temperature = self._scalar("temperature", self.initial_temperature, "float32")
        self.step = self._scalar("step", 0, "int64")
        self.is_selected = self._scalar("is_selected", 0.0, "float32")
        flat = {"shape": (self._total,), "initializer": "zeros"}
        self.selection = self.add_weight(name="selection", trainable=False, **flat)
        self.logits = self.add_weight(name="logits", trainable=self._total > 0, **flat)
        self.built = True

    def call(self, training: bool = False, for_weights: bool = True) -> ChoiceWeights:
        if not self.choices:
            return self._by_name(tf.zeros([0, 0]))
        return self._by_name(self._weights(training, for_weights))

    def _weights(self, training: bool, for_weights: bool) -> tf.Tensor:
        """The weights of every choice, (choices, most alternatives)."""
        logits = self._rows(self.logits, padding=-np.inf)
        noise: Any = 0.0
        if training:
            step = tf.convert_to_tensor(self.step)
            noise = gumbel_noise(logits.shape, tf.stack([step, self.seed + tf.zeros_like(step)]))
        is_mixed = self.sampling in ("mixed", "sliced")
        is_hard = self.sampling == "hard" or (is_mixed and for_weights and training)
        weights = gumbel_softmax(logits, noise, tf.convert_to_tensor(self.temperature), is_hard)
        selected = self._rows(self.selection, padding=0.0)
        return tf.where(tf.convert_to_tensor(self.is_selected) > 0, selected, weights)

    def probabilities(self) -> ChoiceWeights:
        """`softmax(logits)` of every choice; the one-hot weights while one is selected."""
        if not self.choices:
            return self._by_name(tf.zeros([0, 0]))
        logits = self._rows(self.logits, padding=-np.inf)
        selected = self._rows(self.selection, padding=0.0)
        is_selected = tf.convert_to_tensor(self.is_selected) > 0
        return self._by_name(tf.where(is_selected, selected, row_softmax(logits)))

    def places(self) -> dict[str, tf.Tensor]:
        """The places of the alternatives that this step's hard sample has, int32 scalars."""
        if not self.choices:
            return {}
        places = tf.argmax(self._weights(True, True), axis=1, output_type=tf.int32)
        names = [choice.name for choice in self.choices]
        return dict(zip(names, tf.unstack(places, num=len(names)), strict=True))

    def select(self, architecture: Architecture) -> None:
        """Makes every weight one-hot at the alternatives of `architecture`, until `unselect`.

        Choices inside a skipped block, which mean nothing then, take their first alternative.
        """
        self.space.check(architecture)
        rows = one_hot_rows(self.space, architecture)
        flat = np.concatenate([rows[c.name] for c in self.choices] or [np.zeros(0, np.float32)])
        self.selection.assign(flat)
        self.is_selected.assign(1.0)

    def unselect(self) -> None:
        """Goes back to sampling."""
        self.is_selected.assign(0.0)

    @contextmanager
    def selected(self, architecture: Architecture) -> Iterator[None]:
        """Selects an architecture for a while; what was selected before is so again afterwards."""
        before = self.is_selected.numpy(), self.selection.numpy()
        self.select(architecture)
        try:
            yield
        finally:
            self.is_selected.assign(before[0])
            self.selection.assign(before[1])

    @contextmanager
    def undecided(self, temperature: float) -> Iterator[None]:
        """Makes all alternatives equally probable for a while, at a temperature of its own."""
        variables = [self.temperature, self.logits]
        before = [variable.numpy() for variable in variables]
        try:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(np.zeros_like(value))
            self.temperature.assign(temperature)
            yield
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "space": str(self.space),
            "sampling": self.sampling,
            "temperature": self.initial_temperature,
            "seed": self.seed,
        }

    def _scalar(self, name: str, value: float, dtype: str) -> Any:
        return self.add_weight(
            name=name,
            shape=(),
            dtype=dtype,
            trainable=False,
            initializer=keras.initializers.Constant(value),
            aggregation="only_first_replica",  # every replica assigns the same value
        )

    def _rows(self, flat: Any, padding: float) -> tf.Tensor:
        """All choices' values, one after another, as a padded matrix (choices, most alternatives).

        Scattered rather than gathered, so that the gradient of the logits is dense.
        """
        sizes = np.array([len(choice.alternatives) for choice in self.choices])
        places = np.argwhere(np.arange(sizes.max()) < sizes[:, None])
        empty = tf.fill([len(sizes), sizes.max()], np.float32(padding))
        return tf.tensor_scatter_nd_update(empty, outside_graph(places), tf.convert_to_tensor(flat))

    def _by_name(self, rows: tf.Tensor) -> ChoiceWeights:
        return ChoiceWeights(rows, {c.name: len(c.alternatives) for c in self.choices})
