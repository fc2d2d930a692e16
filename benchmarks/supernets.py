"""A finished search's supernet, brought back to score networks with its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fbnetv2_tf as fb
from fbnetv2_tf.checkpoint_series import CheckpointSeries
from fbnetv2_tf.datasets import load_dataset
from fbnetv2_tf.fair_training import train_fairly
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.run_folder import CHECKPOINTS, FAIR, SEARCH
from fbnetv2_tf.run_state import state_variables
from fbnetv2_tf.search import SearchSettings, compile_search, steps_of

LARGEST = 1 << 30
"""Bytes that a checkpoint may unpack to."""


class ScoringSupernet:
    """What scores networks with the weights of a supernet.

    A subclass has `net`, a compiled supernet, and `data`, the `DataSplits` to score on.
    """

    net: Any
    data: Any

    def score(self, network: str) -> tuple[float, float]:
        """Validation loss and accuracy with inherited weights and re-estimated statistics."""
        calibration, validation = self._parts
        score = self.net.scorer.score(fb.parse_architecture(network), validation, calibration)
        return score.loss, score.accuracy

    @cached_property
    def _parts(self) -> tuple[list[Any], list[Any]]:
        """The batches for BatchNorm's statistics, and for the loss."""
        calibration = list(self.data.weights.dataset(256, shuffle_seed=0).take(4))
        return calibration, list(self.data.validation.dataset(256))


@dataclass(frozen=True)
class SearchedSupernet(ScoringSupernet):
    """The supernet of a run folder, with the weights that its search scored candidates with.

    Attributes:
        folder: of a finished `fbnetv2-search`.
        fair_epochs: how long the weights learn after the search; None for as long as they did.
    """

    folder: Path
    fair_epochs: int | None = None

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the search wrote."""
        return dict(json.loads((self.folder / SEARCH).read_text(encoding="utf-8")))

    @cached_property
    def data(self) -> Any:
        """The data set of the search."""
        given = self.record["dataset"]
        side = max(fb.parse_space(self.record["space"]).sides)
        return load_dataset(given["name"], given["data_dir"], image_side=side, seed=0)

    @cached_property
    def net(self) -> Any:
        """The supernet."""
        options = self.record["options"]
        fair = self.fair_epochs
        if fair is None:
            # Searches of versions that had none say nothing of them.
            fair = options["settings"].get("fair_epochs", 0)
        settings = SearchSettings(**{**options["settings"], "fair_epochs": fair})
        net = fb.build_supernet(
            self.record["space"],
            sampling=options["sampling"],
            sharing=options["sharing"],
            seed=settings.seed,
        )
        largest = fb.count(net.space.largest).macs
        steps = steps_of(self.data, settings.batch_size)
        compile_search(net, Budget(max_macs=largest), settings, steps)
        checkpoints = self.folder / CHECKPOINTS
        is_kept = self.fair_epochs is None and (checkpoints / FAIR).exists()
        series = CheckpointSeries(checkpoints / FAIR if is_kept else checkpoints)
        last = next(series.newest(LARGEST))
        for name, variable in state_variables(net).items():
            variable.assign(last.arrays[name])
        if not is_kept:
            train_fairly(net, self.data, settings)
        return net
