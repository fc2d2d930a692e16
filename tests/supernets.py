"""Supernets for tests: built once for each text, their variables away from the initial values."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from fbnetv2_tf.builders.supernet import Supernet, build_supernet

EVERY_KIND = (
    "in_hw9_c2 cn_k3/5_s2_c8/16_nre/hs ir/sk_k3/5_s1_e0.5/2_c8/16_se0/0.25/0.5_nsw/hs "
    "ds_k1/3_s2_c4/8/16_se0.5/1_nr6 ds/sk_k3_s1_c8/16_se0/0.5_nre/r6 sk_s1_c8/16_nhs "
    "ip_e1/2_c8/16_nhs/re pl fc_c3"
)
"""A small space with every kind of block, every token searched, odd and even sides."""


@cache
def shared_net(text: str = EVERY_KIND, sharing: str = "path") -> Supernet:
    """A supernet that several tests may read; a test that moves its variables builds its own."""
    net = build_supernet(text, sharing=sharing)
    randomize(net)
    return net


def randomize(net: Any, seed: int = 0) -> None:
    """Gives every weight a random value; gammas and variances stay well away from zero.

    Gradients through a BatchNorm grow as one over the deviation of its input, so that only well
    conditioned numbers can be compared to the last digits of float32.
    """
    random = np.random.default_rng(seed)
    for variable in sorted(net.variables, key=lambda variable: variable.path):
        name = variable.path.split("/")[-1]
        shape = tuple(variable.shape)
        if "choices" in variable.path or variable.dtype != "float32":
            continue
        if name in ("gamma", "moving_variance"):
            variable.assign(random.uniform(0.5, 1.5, shape))
        elif name in ("beta", "moving_mean") or "bias" in name:
            variable.assign(random.normal(0.0, 0.3, shape))
        else:
            deviation = np.sqrt(2.0 / max(1, np.prod(shape[:-1])))
            if "depthwise" in variable.path:
                deviation = np.sqrt(2.0 / np.prod(shape[:2]))
            variable.assign(random.normal(0.0, deviation, shape))


def random_weights(net: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """Random probabilities of every choice, none of them near 0."""
    random = np.random.default_rng(seed)
    weights = {}
    for choice in net.choices.choices:
        drawn = random.uniform(0.2, 1.0, len(choice.alternatives))
        weights[choice.name] = (drawn / drawn.sum()).astype(np.float32)
    return weights
