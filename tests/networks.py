"""Networks for the tests of what happens after training: every weight and statistic is moved.

A fresh network hides mistakes: its BatchNorms do nothing and its residual branches are zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.builders.model import build_model

SMALL = (
    "in_hw12_c1 cn_k3_s1_c8_nhs ds_k3_s1_c8_se0.5_nhs ir_k5_s2_e2_c16_se0.25_nhs "
    "ir_k3_s1_e2_c16_nre sk_s2_c24_nre ip_e2_c32_nhs fc_c4"
)
"""Every kind of block but `pl`, hard-swish and relu, squeeze-and-excite, a residual."""


def moved_network(architecture: Architecture | str, seed: int = 0, **options: Any) -> Any:
    """A network whose weights, biases and BatchNorm statistics look trained."""
    model = build_model(architecture, **options)
    random = np.random.default_rng(seed)
    for variable in model.variables:
        kind = variable.path.rsplit("/", maxsplit=1)[-1]
        if kind in ("gamma", "moving_variance"):
            value = random.uniform(0.5, 1.5, variable.shape)
        elif kind in ("beta", "moving_mean", "bias"):
            value = random.normal(0, 0.2, variable.shape)
        elif kind == "kernel":
            fan_in = max(1, int(np.prod(variable.shape[:-1])))
            value = random.normal(0, (2 / fan_in) ** 0.5, variable.shape)
        else:
            continue
        variable.assign(value.astype(np.float32))
    return model


def images_for(model: Any, count: int, seed: int = 1) -> NDArray[np.float32]:
    """Random images in [0, 1] of the model's input shape."""
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(seed).random(shape, np.float32)
