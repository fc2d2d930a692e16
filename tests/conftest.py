"""What every test shares: a quiet TensorFlow on one thread a worker, and repeatable properties."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Before TensorFlow is imported, or they have no effect.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# Examples come from the test's own text, never from the clock or from an earlier run; a first call
# traces a TensorFlow function, so the time of one example means nothing.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("repeatable")
