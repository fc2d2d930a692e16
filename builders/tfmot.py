"""The one place that imports tensorflow-model-optimization (the `qat` extra)."""

from __future__ import annotations

import os

_before = os.environ.get("TF_USE_LEGACY_KERAS")

from tensorflow_model_optimization.python.core.clustering.keras import (  # noqa: E402
    cluster,
    cluster_config,
)
from tensorflow_model_optimization.python.core.quantization.keras import (  # noqa: E402
    quantize_config,
    quantize_layer,
    quantize_wrapper,
    quantizers,
)
from tensorflow_model_optimization.python.core.sparsity.keras import (  # noqa: E402
    prune,
    pruning_callbacks,
    pruning_schedule,
)

# Its import sets this for every process that is started from here; nobody asked for that.
if _before is None:
    os.environ.pop("TF_USE_LEGACY_KERAS", None)

__all__ = [
    "cluster",
    "cluster_config",
    "prune",
    "pruning_callbacks",
    "pruning_schedule",
    "quantize_config",
    "quantize_layer",
    "quantize_wrapper",
    "quantizers",
]
