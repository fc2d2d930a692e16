"""The supernet: all networks of a space in one Keras model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .architecture import Architecture, Block
from .choices import ChoiceTable
from .cost_tables import LATENCY, PEAK
from .counting import RESOURCES
from .derivation import Landscape
from .errors import BudgetError, RunError, SpaceError
from .expected_cost import ExpectedCost
from .instantiated import block_layers
from .latency_table import LatencyTable
from .limits import read_limits
from .mask_plan import masks_of
from .placed_blocks import placed_blocks
from .resolution import nearest_subset
from .scoring import Candidate, Score, Scorer
from .space import Space, parse_space
from .two_phase_model import MOMENTUM, SIDE_CHOICE, TwoPhaseModel


class Supernet(TwoPhaseModel):
    """A `keras.Model` that is every network of a space at once.

    Use `fbnetv2_tf.build_supernet`, which adds `child`.

    Args:
        space: the space, its text, a preset's name or a file.
        sampling: `soft`, `hard`, `mixed` or `sliced`, see `ChoiceTable`.
        temperature: at the start.
        seed: of the sampling; the initial weights follow Keras's global seed.
        sharing: `path` for masks on one path, `none` for the paper's instantiated candidates.

    Where the space has several input resolutions, a weight step runs one of them (`side_of_step`),
    an architecture step runs all of them and takes the exact expectation of the loss. A smaller
    resolution is the nearest subset of the images (FBNetV2 section 3.2).

    Attributes:
        latency_table: the `LatencyTable` that latencies are read from; to be set where they are
            limited.

    Call arguments:
        images: (batch, side, side, channels) float, of the largest side.
        training: whether choices are sampled and BatchNorm uses the batch's statistics.

    Returns:
        Logits (batch, classes), float32.
    """

    def __init__(
        self,
        space: Space | str,
        sampling: str = "soft",
        temperature: float = 5.0,
        seed: int = 0,
        sharing: str = "path",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sampling == "sliced" and sharing != "path":
            raise SpaceError(
                f"`sampling` may be 'sliced' only where `sharing` is 'path'. Received: {sharing!r}."
            )
        self.space = parse_space(space) if isinstance(space, str) else space
        self.sampling = sampling
        self.initial_temperature = temperature
        self.seed = seed
        self.sharing = sharing
        self.choices = ChoiceTable(self.space, sampling, temperature, seed, name="choices")
        self.blocks = list(self._make_blocks())
        self.costs: dict[str, ExpectedCost] = {}
        self.latency_table: LatencyTable | None = None
        self._scorer: Scorer | None = None
        self._build_variables()

    # Structure ---------------------------------------------------------------------------------

    def _make_blocks(self) -> Any:
        layers, channels = block_layers(self.sharing), self.space.blocks[0].channels
        for index, block in enumerate(self.space.blocks[1:], start=1):
            layer = layers[block.kind](
                block, channels, name=f"b{index:02d}", dtype=self.dtype_policy
            )
            yield layer
            channels = layer.output_channels

    def _build_variables(self) -> None:
        self.choices.build()
        for layer in self.blocks:
            layer.build()
        self.built = True

    def forward(
        self,
        images: tf.Tensor,
        weights: Mapping[str, tf.Tensor],
        training: bool = False,
        momentum: Any = None,
        fixed: bool = False,
    ) -> tf.Tensor:
        """The logits at given weights of the choices.

        Args:
            images: (batch, side, side, channels), of any side of the space.
            weights: choice name -> (alternatives,), as a `ChoiceTable` gives them.
            training, momentum: as in `FusedBatchNormalization`.
            fixed: whether the choices are constants, for which no gradient is traced.
        """
        placed = placed_blocks(self.space, images.shape[1])
        x, masks = images, masks_of(placed, weights, fixed)
        for layer, of_block in zip(self.blocks, masks, strict=True):
            x = layer(x, masks=of_block, training=training, momentum=momentum)
        return x

    def by_block(self, by_choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """For each block what it needs of the choices, by field; `input` is the width it reads."""
        for placed in placed_blocks(self.space, max(self.space.sides)):
            yield {field: by_choice[name] for field, name in placed.names.items()}

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        momentum = MOMENTUM if training else None
        weights = self.choices(training=training)
        if len(self.space.sides) == 1:
            return self.forward(images, weights, training, momentum)
        at_sides = [
            self.forward(nearest_subset(images, side), weights, training, momentum)
            for side in self.space.sides
        ]
        return tf.tensordot(self.side_probabilities(), tf.stack(at_sides), 1)

    def side_probabilities(self) -> tf.Tensor:
        """Of the input resolutions, (sides,) float32; one-hot while one is selected."""
        if len(self.space.sides) == 1:
            return tf.ones([1])
        return self.choices.probabilities()[SIDE_CHOICE]

    @property
    def selected_side(self) -> int:
        """The input resolution of the selected architecture, pixels; else the likeliest."""
        return self.space.sides[int(tf.argmax(self.side_probabilities()))]

    def block_for(self, index: int, block: Block) -> keras.layers.Layer:
        """The layer whose weights a child inherits that has `block` at this position."""
        return self.blocks[index - 1].layer_for(block)

    @property
    def architecture_variables(self) -> list[Any]:
        """The logits of all choices."""
        return self.choices.trainable_variables

    @property
    def weight_variables(self) -> list[Any]:
        """Every trainable variable that is not a logit (law 5)."""
        logits = {id(variable) for variable in self.architecture_variables}
        return [v for v in self.trainable_variables if id(v) not in logits]

    # Architectures -----------------------------------------------------------------------------

    def select(self, architecture: Architecture) -> None:
        """Makes the supernet compute this architecture exactly, until `unselect`.

        Raises:
            SpaceError: where the architecture is not in the space.
        """
        self.choices.select(architecture)

    def unselect(self) -> None:
        """Goes back to sampling."""
        self.choices.unselect()

    def probabilities(self) -> dict[str, Any]:
        """Choice name -> probabilities (alternatives,), NumPy float32."""
        return {name: p.numpy() for name, p in self.choices.probabilities().items()}

    def expected_cost(self) -> dict[str, float]:
        """The exact expectation of every resource; at one-hot weights equal to `fb.count`."""
        weights = self.choices.probabilities()
        measured = (LATENCY,) if self.latency_table is not None else ()
        resources = (*RESOURCES, PEAK, *measured)
        return {resource: float(self.cost(resource)(weights)) for resource in resources}

    def entropy(self) -> tf.Tensor:
        """Mean over choices of `H(p) / log(alternatives)`: 1 undecided, 0 decided."""
        if not self.choices.choices:
            return tf.constant(0.0)
        rows = self.choices.probabilities().rows
        most = [math.log(len(choice.alternatives)) for choice in self.choices.choices]
        entropies = -tf.reduce_sum(tf.math.xlogy(rows, rows), axis=1)
        return tf.reduce_mean(entropies / tf.constant(most))

    def derive(
        self,
        max_macs: float | None = None,
        max_weights: float | None = None,
        max_activation_kib: float | None = None,
        max_latency_ms: float | None = None,
        candidates: int = 1,
        validation: Any = None,
        calibration: Any = None,
        seed: int = 0,
    ) -> Architecture:
        """The architecture that the search has found, within limits by exact integer costs.

        Args:
            max_macs, max_weights, max_activation_kib, max_latency_ms: the limits, any together, as
                in `Budget`; without any the most probable architecture of all is returned.
            candidates: 1 takes the most probable architecture that fills the tightest limit. More
                draws that many different ones from the distribution inside the limits, puts the
                most probable among them, and returns the one of the least validation loss with
                inherited weights and re-estimated BatchNorm statistics.
            validation: batches (images, labels) that the candidates are compared on.
            calibration: batches (images, labels) for the BatchNorm statistics.
            seed: of the draw.

        Raises:
            BudgetError: where no architecture of the space keeps the limits.
        """
        limits = read_limits(
            {
                "max_macs": max_macs,
                "max_weights": max_weights,
                "max_activation_kib": max_activation_kib,
                "max_latency_ms": max_latency_ms,
            }
        )
        ranked = self.rank(limits, candidates, validation, calibration, seed)
        return ranked[0].architecture

    def rank(
        self,
        limits: Mapping[str, float],
        candidates: int = 1,
        validation: Any = None,
        calibration: Any = None,
        seed: int = 0,
        watch: Callable[[int, int, Architecture, Score], None] | None = None,
        known: Mapping[Architecture, Score] | None = None,
    ) -> list[Candidate]:
        """The architectures that `derive` compares, the one that it takes first.

        Args:
            limits: resource -> limit, in the resources' own units, as `read_limits` gives them.
            candidates, validation, calibration, seed: as in `derive`.
            watch: is told of each candidate: how many are scored, of how many, itself, and its
                score.
            known: scores of before, which are not computed again.

        Raises:
            BudgetError: as in `derive`.
        """
        landscape = Landscape(self.space, latency=self.latency_table)
        probabilities = self.probabilities()
        undefined = [name for name, p in probabilities.items() if not np.isfinite(p).all()]
        if undefined:
            raise RunError(
                "The probabilities of all choices must be numbers for an architecture to be "
                f"derived. Received: not a number in {len(undefined)} of {len(probabilities)}, "
                f"first '{undefined[0]}'; the search has diverged: try a smaller learning rate, "
                "`global_clipnorm`, or batches of all classes (`shuffle_seed`)."
            )
        best = landscape.fill(probabilities, limits)
        if candidates <= 1:
            return [Candidate(best.architecture)]
        if validation is None or calibration is None:
            raise BudgetError("Comparing candidates needs `validation` and `calibration` data.")
        drawn = landscape.draw(probabilities, best.window, candidates, seed, limits)
        compared = list(dict.fromkeys([best.architecture, *drawn]))
        known = known or {}
        scored: dict[Architecture, Score] = {}
        for number, one in enumerate(compared, start=1):
            scored[one] = known.get(one) or self.scorer.score(one, validation, calibration)
            if watch is not None:
                watch(number, len(compared), one, scored[one])
        order = sorted(scored, key=lambda candidate: scored[candidate].loss)
        return [Candidate(architecture, scored[architecture]) for architecture in order]

    @property
    def scorer(self) -> Scorer:
        """What compares children; its functions are traced once after `compile`."""
        if self._scorer is None:
            self._scorer = Scorer(self)
        return self._scorer

    def cost(self, resource: str) -> ExpectedCost:
        """The expected cost as a function of the probabilities of the choices."""
        if resource not in self.costs:
            self.costs[resource] = ExpectedCost(self.space, resource, self.latency_table)
        return self.costs[resource]

    # Saving ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        return {
            "space": str(self.space),
            "sampling": self.sampling,
            "temperature": self.initial_temperature,
            "seed": self.seed,
            "sharing": self.sharing,
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
        }
