"""How a supernet is trained: two optimizers, two phases, each with a step of its own.

An epoch has two phases (FBNetV2 section 3, FBNet section 3.3): the weights learn on 80 % of the
images with one optimizer, then the architecture logits learn on the other 20 % with another. Which
phase a batch belongs to travels with the batch (see `search_data`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
import tensorflow as tf

from .choices_layout import choice_name
from .errors import BudgetError, SpaceError
from .objectives import Objective
from .replicas import reduced, replica_count
from .resolution import nearest_subset, side_of_step
from .search_data import ARCHITECTURE_PHASE, WEIGHTS_PHASE, split_batches
from .sliced_path import SlicedPath
from .traced_step import TracedStep

SIDE_CHOICE = choice_name(0, "side")
"""The choice of the input resolution."""

MOMENTUM = 0.9
"""Of BatchNorm's moving statistics, in Keras terms (METHOD)."""


class TwoPhaseModel(keras.Model):
    """A `keras.Model` whose weights and architecture learn in turns; `Supernet` is one.

    A subclass has the `space`, the `choices` (a `ChoiceTable`), the `sampling`, the `blocks`, the
    two groups of variables, and says what the network computes and costs at given choices:
    `forward`, `by_block`, `cost`, `entropy` and `side_probabilities`.
    """

    def compile(
        self,
        optimizer: Any = "sgd",
        architecture_optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        objective: Objective | None = None,
        temperature_schedule: Any = None,
        warmup_steps: int = 0,
        **kwargs: Any,
    ) -> None:
        """Sets the two optimizers and what the search minimises.

        Args:
            optimizer: of the weights.
            architecture_optimizer: of the logits.
            loss, metrics: as in Keras.
            objective: `Budget` or `PaperObjective`; None searches for the loss alone.
            temperature_schedule: a Keras learning-rate schedule read as temperature over the
                steps after the warm-up; None keeps the temperature where it is.
            warmup_steps: weight steps at the start that the logits wait for; they move from the
                architecture phase on that follows the next weight step.
        """
        if objective is not None and not isinstance(objective, Objective):
            raise BudgetError(
                f"`objective` must be a Budget or a PaperObjective. Received: {objective!r}."
            )
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)
        self.architecture_optimizer = keras.optimizers.get(architecture_optimizer)
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            self.architecture_optimizer = keras.optimizers.LossScaleOptimizer(
                self.architecture_optimizer, name="architecture_loss_scale"
            )
        self.objective = objective or Objective()
        self._scorer: Any = None
        self.temperature_schedule = temperature_schedule
        self.warmup_steps = warmup_steps
        if self.architecture_variables:
            self.architecture_optimizer.build(self.architecture_variables)
        self.optimizer.build(self.weight_variables)
        self._own_compile_config = {
            "architecture_optimizer": architecture_optimizer,
            "objective": objective,
            "temperature_schedule": temperature_schedule,
            "warmup_steps": warmup_steps,
        }
        # Keras would track a dict, list each metric twice, and keep those of an earlier `compile`.
        self._parts = MappingProxyType(
            {name: keras.metrics.Mean(name=name) for name in self._part_names(self.objective)}
        )

    @staticmethod
    def _part_names(objective: Objective) -> list[str]:
        expected = [f"expected_{resource}" for resource in objective.resources]
        return ["architecture_loss", "objective", "entropy", "temperature", *expected]

    @property
    def metrics(self) -> list[Any]:
        """Keras's metrics, and one for every part of the objective."""
        return [*super().metrics, *getattr(self, "_parts", {}).values()]

    def fit(self, x: Any = None, **kwargs: Any) -> Any:
        """Searches. As `keras.Model.fit`, on batches that say which phase they are for.

        Args:
            x: a data set from `two_phase`; or a plain batched `tf.data.Dataset` of (images,
                labels), of which every fifth batch then trains the architecture (see
                `split_batches` for what that asks of its order).
            **kwargs: as in Keras.

        Returns:
            Keras's `History`.
        """
        if isinstance(x, tf.data.Dataset):
            self._check_images(x.element_spec[0].shape)
            if len(x.element_spec) == 2:
                x = split_batches(x)
        kwargs.setdefault("shuffle", False)
        return super().fit(x, **kwargs)

    def _check_images(self, shape: tf.TensorShape) -> None:
        """Images of another size would train another network than the one that is priced."""
        side, channels = max(self.space.sides), self.space.input_channels
        if not shape[1:].is_compatible_with([side, side, channels]):
            received = "x".join(map(str, shape[1:]))
            raise SpaceError(
                f"Images must be {side}x{side}x{channels}, as the space has them "
                f"(`load_dataset(..., image_side={side})`, `space.for_data(classes, channels)`). "
                f"Received: {received}."
            )

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # Keras looks at a batch by its mean over all workers, which a tuple has not on several
        # hosts. `build_metrics` does there what is left to be built.
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            super()._maybe_symbolic_build(iterator, data_batch)

    def train_step(self, data: Any, side: int | None = None) -> dict[str, Any]:
        """One step of the phase that the batch belongs to; a weight step at an input resolution."""
        images, labels, phase = data
        if phase == WEIGHTS_PHASE:
            self.weight_step(nearest_subset(images, side or max(self.space.sides)), labels)
        else:
            self.architecture_step(images, labels)
        return self.get_metrics_result()

    def weight_step(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        """Samples every choice, runs the batch, moves the weights and nothing else."""
        self._begin_step()
        forward = self._weight_forward()
        with tf.GradientTape() as tape:
            logits = forward(images)
            loss = self.compute_loss(images, labels, logits)  # the share of this replica
            scaled = self.optimizer.scale_loss(loss)
        variables = self.weight_variables
        gradients = reduced(self.optimizer, tape.gradient(scaled, variables))
        self.optimizer.apply(gradients, variables)
        whole = loss * replica_count()
        self._loss_tracker.update_state(whole, sample_weight=tf.shape(images)[0])
        self.compute_metrics(images, labels, logits)

    def _weight_forward(self) -> Any:
        """The forward pass of a weight step at a new sample: images -> logits."""
        if self.sampling != "sliced":
            weights = self.choices(training=True)
            phase: dict[str, Any] = {"training": True, "momentum": MOMENTUM, "fixed": True}
            return lambda images: self.forward(images, weights, **phase)
        if replica_count() > 1:
            raise SpaceError(
                "`sampling` must be soft, hard or mixed on several devices: slices have no shared "
                f"statistics. Received: 'sliced' on {replica_count()} devices."
            )
        places = list(self.by_block(self.choices.places()))
        return lambda images: SlicedPath(self.blocks, MOMENTUM)(images, places)

    def architecture_step(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        """Samples every choice, prices the costs, moves the logits and nothing else."""
        self._begin_step()
        variables = self.architecture_variables
        temperature = tf.convert_to_tensor(self.choices.temperature)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            weights = self.choices(training=True, for_weights=False)
            sides = self.side_probabilities()
            loss = self._expected_loss(images, labels, weights, sides) * replica_count()
            priced = self.choices.probabilities()
            if self.objective.on_sample:
                priced = {**weights, SIDE_CHOICE: sides}
            costs = {r: self.cost(r)(priced) for r in self.objective.resources}
            total = self.objective(loss, costs, temperature)
            scaled = self.architecture_optimizer.scale_loss(total / replica_count())
        if variables:
            gradients = tape.gradient(scaled, [v.value for v in variables])
            gradients = reduced(self.architecture_optimizer, gradients)
            self.architecture_optimizer.apply(gradients, variables)
        self._parts["architecture_loss"].update_state(loss)
        self._parts["objective"].update_state(total)
        self._parts["temperature"].update_state(temperature)
        self._parts["entropy"].update_state(self.entropy())
        for resource, cost in costs.items():
            self._parts[f"expected_{resource}"].update_state(cost)

    def _expected_loss(
        self, images: tf.Tensor, labels: tf.Tensor, weights: Any, sides: tf.Tensor
    ) -> tf.Tensor:
        """The expectation of the loss over the input resolutions, exact."""
        losses = []
        for side in self.space.sides:
            subset = nearest_subset(images, side)
            logits = self.forward(subset, weights, training=True)
            losses.append(self.compute_loss(subset, labels, logits))
        if len(losses) == 1:
            return losses[0]
        return tf.tensordot(tf.cast(sides, losses[0].dtype), tf.stack(losses), 1)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Keras's; the parts of the objective belong to training and are not reported."""
        super().test_step(data)
        results = self.get_metrics_result()
        return {name: value for name, value in results.items() if name not in self._parts}

    def _begin_step(self) -> None:
        step = self.choices.step
        if self.temperature_schedule is not None:
            since_warmup = tf.maximum(tf.convert_to_tensor(step) - self.warmup_steps, 0)
            temperature = self.temperature_schedule(since_warmup)
            self.choices.temperature.assign(tf.cast(temperature, "float32"))
        step.assign(step + 1)

    def make_train_function(self, force: bool = False) -> Any:
        """One compiled function a phase; the phase is read from the batch, outside the graph."""
        existing: Any = getattr(self, "train_function", None)
        if existing is not None and not force:
            return existing
        compiled: dict[tuple[int, int], Any] = {}
        warm = int(self.choices.step.numpy())
        state = {"step": warm}

        def one_step(iterator: Any) -> Any:
            images, labels, phases = next(iterator)
            phase = int(self.distribute_strategy.experimental_local_results(phases)[0])
            if phase == ARCHITECTURE_PHASE and 0 < self.warmup_steps >= state["step"]:
                return self.get_metrics_result()
            state["step"] += 1
            # Which branch runs is decided here, not in the graph: the gradients of the layers do
            # not work inside `tf.cond`, and each resolution has kernels of its own.
            side = self._side_of_step() if phase == WEIGHTS_PHASE else 0
            if (phase, side) not in compiled:
                compiled[phase, side] = self._compiled_step(phase, side)
            return compiled[phase, side](images, labels)

        def train_function(iterator: Any) -> Any:
            for _ in range(self.steps_per_execution):
                logs = one_step(iterator)
            return logs

        self.train_function = train_function
        return train_function

    def _side_of_step(self) -> int:
        """The input resolution of the next weight step, pixels: a function of (seed, step)."""
        sides = self.space.sides
        if len(sides) == 1:
            return sides[0]
        if float(self.choices.is_selected) > 0:
            return sides[int(tf.argmax(self.side_probabilities()))]
        return side_of_step(sides, int(self.choices.step), self.choices.seed)

    def _compiled_step(self, phase: int, side: int) -> Any:
        def of_replica(images: tf.Tensor, labels: tf.Tensor) -> Any:
            return self.train_step((images, labels, phase), side or None)

        def step(images: tf.Tensor, labels: tf.Tensor) -> Any:
            logs = self.distribute_strategy.run(of_replica, (images, labels))
            # Outside of the replicas a metric is that of all of them together.
            is_one = self.distribute_strategy.num_replicas_in_sync == 1
            return logs if is_one else self.get_metrics_result()

        if self.run_eagerly:
            return step
        return TracedStep(step, self.jit_compile)

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`, serialised."""
        config = super().get_compile_config()
        if not config:
            return config
        return {**config, **keras.saving.serialize_keras_object(self._own_compile_config)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` says; the optimizers' variables exist afterwards."""
        self.compile(**keras.saving.deserialize_keras_object(config))
