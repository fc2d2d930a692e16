"""Which of several hosts this process is, as TensorFlow's `TF_CONFIG` says; needs no TensorFlow."""

from __future__ import annotations

import json
import os

from .errors import InputError


def worker_of_environment() -> tuple[int, int]:
    """Number of this worker and of all workers, by `TF_CONFIG`; the first one is the writer.

    Raises:
        InputError: where the variable is missing or not what TensorFlow takes.
    """
    text = os.environ.get("TF_CONFIG", "")
    example = (
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", '
        '"index": 0}}'
    )
    try:
        given = json.loads(text)
        cluster, task = given["cluster"], given["task"]
        workers = len(cluster["worker"]) + len(cluster.get("chief", []))
        index = int(task["index"])
        if task["type"] == "worker" and cluster.get("chief"):
            index += 1
        if task["type"] not in ("chief", "worker") or not 0 <= index < workers:
            raise KeyError(task["type"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The distribution 'multiworker' needs the environment variable TF_CONFIG on every "
            f"host, such as {example}. Received: {text!r}."
        ) from error
    return index, workers
