"""How well scores rank networks, and how well anything could: trainings have their noise too.

The truth of a network is its mean accuracy over a few trainings from scratch. Two rows tell what
its noise leaves of a rank correlation: how well one training ranks the others' means, and what a
predictor that knew every network's true accuracy would have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

Correlation = tuple[float, float]
"""Kendall's tau and Spearman's rho."""

Trainings = Mapping[str, Sequence[float]]
"""Network -> the accuracy of each of its trainings."""

Way = Callable[[Sequence[str]], Correlation | None]
"""A way to rank: the networks of a group -> its correlation with the truth, where it has one."""

MOST = 0.9
"""Share of a group's networks that a way must know to have a correlation."""

DRAWS = 200
"""Of the noise, of which the mean correlation is taken."""


def correlation(truth: ArrayLike, scores: ArrayLike) -> Correlation:
    """Kendall's tau and Spearman's rho; scores are the better the higher."""
    return (
        float(stats.kendalltau(truth, scores).statistic),
        float(stats.spearmanr(truth, scores).statistic),
    )


def by_scores(trainings: Trainings, scores: Mapping[str, float], left_out: bool = False) -> Way:
    """The way that ranks by scores; the truth is the mean of a network's trainings.

    Args:
        trainings: of the networks.
        scores: network -> score, the better the higher.
        left_out: whether the truth is the mean of all trainings but one, for each one in turn: what
            `by_another_training` is held against, which is noisier.
    """

    def way(networks: Sequence[str]) -> Correlation | None:
        known = [network for network in networks if network in scores]
        if len(known) < 2 or len(known) < MOST * len(networks):
            return None
        if not left_out:
            truth = [np.mean(trainings[network]) for network in known]
            return correlation(truth, [scores[network] for network in known])
        names, table = _repeated(trainings, known)
        return _mean(
            [correlation(others, [scores[n] for n in names]) for _, others in _each_left_out(table)]
        )

    return way


def by_another_training(trainings: Trainings) -> Way:
    """The way that ranks by one whole training; the truth is the mean of the other ones."""

    def way(networks: Sequence[str]) -> Correlation | None:
        _, table = _repeated(trainings, networks)
        return _mean([correlation(others, one) for one, others in _each_left_out(table)])

    return way


def by_the_truth(trainings: Trainings, seed: int = 0) -> Way:
    """About what a perfect predictor would have, whose truth is measured with noise.

    Means of trainings spread wider than true accuracies, by the noise of the trainings, which is
    taken for the same normal one for all networks of a group. Drawn towards their mean until they
    do not, they stand for true accuracies; noise on them stands for what is measured.
    """

    def way(networks: Sequence[str]) -> Correlation | None:
        _, table = _repeated(trainings, networks)
        if not table.size:
            return None
        measured = table.mean(axis=1)
        noise = table.var(axis=1, ddof=1).mean() / table.shape[1]
        share = max(0.0, 1.0 - noise / measured.var(ddof=1)) if noise else 1.0
        true = measured.mean() + np.sqrt(share) * (measured - measured.mean())
        random = np.random.default_rng(seed)
        each = [
            correlation(true + random.normal(0, np.sqrt(noise), len(true)), true)
            for _ in range(DRAWS)
        ]
        return _mean(each)

    return way


def _repeated(trainings: Trainings, networks: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The first k trainings of each network that has k: names, and (networks, trainings).

    k is what nine networks in ten have; nothing is returned where that is but one.
    """
    counts = sorted((len(trainings[network]) for network in networks), reverse=True)
    number = counts[math.ceil(MOST * len(counts)) - 1] if counts else 0
    names = [n for n in networks if len(trainings[n]) >= number] if number > 1 else []
    return names, np.array([trainings[n][:number] for n in names])


def _each_left_out(table: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each training of all networks, and the mean of the others."""
    for place in range(table.shape[1] if len(table) > 1 else 0):
        yield table[:, place], np.delete(table, place, axis=1).mean(axis=1)


def _mean(each: Sequence[Correlation]) -> Correlation | None:
    if not each:
        return None
    tau, rho = np.mean(each, axis=0)
    return float(tau), float(rho)
