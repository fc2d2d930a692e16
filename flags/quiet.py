"""Importing TensorFlow without its greeting.

TensorFlow's C++ code writes lines about missing GPU drivers straight to file descriptor 2 before
any log level is looked at. They are caught while it is imported and shown only if that fails.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from fbnetv2_tf.errors import InputError


@contextmanager
def quiet_start() -> Iterator[None]:
    """Holds back what is written to file descriptor 2 in the block, unless the block raises."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except InputError:
            raise  # its one sentence says it all
        except BaseException:
            sys.stderr.flush()
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras and looks for devices, quietly.

    Whoever sets `TF_CPP_MIN_LOG_LEVEL` below 3 sees everything.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    with quiet_start():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()
    logging.getLogger("tensorflow").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that Keras's step was traced again: each finalist is a network of its own."""
    return "triggered tf.function retracing" not in record.getMessage()
