"""Several devices do what one does, and what cannot be distributed is a sentence."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.cluster import worker_of_environment
from fbnetv2_tf.distribution import distributed_batches, make_strategy, worker_errors
from fbnetv2_tf.errors import InputError

ROOT = Path(__file__).parent.parent


def test_two_devices_find_and_train_what_one_does(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.two_devices", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["replicas"] == [1, 2]
    assert found["largest"] > 0.1
    assert found["apart"] < 1e-4
    # Stopped in the middle of an epoch, too, and with every kind of noise that a training has.
    assert found["trained_apart"] < 1e-4
    assert re.fullmatch(
        r"All 2 replicas must have the same weights and logits. Received: 1 of \d+ variables "
        r"differ, '.*kernel' first, after epoch 2; the checkpoints before it are good.",
        found["disagreement"],
    )


def test_one_device_is_left_alone() -> None:
    batches = tf.data.Dataset.from_tensors((tf.zeros([4, 1]), tf.zeros([4]), 0))
    assert distributed_batches(batches, make_strategy("one")) is batches


def test_each_worker_takes_its_part_of_every_batch() -> None:
    images = tf.reshape(tf.range(16), [2, 8, 1])
    batches = tf.data.Dataset.from_tensor_slices((images, images[..., 0], tf.constant([0, 1])))

    def of_worker(make: Any, worker: int) -> list[Any]:
        context = tf.distribute.InputContext(2, worker, 4)
        return [(x[:, 0].numpy().tolist(), int(phase)) for x, _, phase in make(context)]

    taken: dict[str, Any] = {}
    strategy = SimpleNamespace(
        num_replicas_in_sync=4,
        distribute_datasets_from_function=lambda make: taken.update(make=make),
    )
    distributed_batches(batches, strategy)
    assert of_worker(taken["make"], 0) == [([0, 1], 0), ([2, 3], 0), ([8, 9], 1), ([10, 11], 1)]
    assert of_worker(taken["make"], 1) == [([4, 5], 0), ([6, 7], 0), ([12, 13], 1), ([14, 15], 1)]
    strategy.num_replicas_in_sync = 3
    with pytest.raises(InputError, match=r"a multiple of the 3 replicas. Received: 8"):
        distributed_batches(batches, strategy)


@pytest.mark.parametrize(
    ("task", "chiefs", "expected"),
    [
        ({"type": "worker", "index": 1}, 0, (1, 2)),
        ({"type": "worker", "index": 0}, 1, (1, 3)),
        ({"type": "chief", "index": 0}, 1, (0, 3)),
    ],
)
def test_the_environment_says_which_worker_this_is(
    task: Any, chiefs: int, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = {"worker": ["a:1", "b:1"], **({"chief": ["c:1"]} if chiefs else {})}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert worker_of_environment() == expected


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"cluster": 3, "task": {"type": "worker"}}']
)
def test_a_missing_environment_is_a_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match=r"needs the environment variable TF_CONFIG"):
        make_strategy("multiworker")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match=r"one of one, mirrored, multiworker, tpu. Received: 'x'"):
        make_strategy("x")


def test_errors_of_one_device_pass_through() -> None:
    with (
        pytest.raises(tf.errors.InternalError, match="broken"),
        worker_errors(tf.distribute.get_strategy()),
    ):
        raise tf.errors.InternalError(None, None, "broken")


def test_statistics_of_one_replica_are_its_own() -> None:
    from fbnetv2_tf.replicas import reduced, replica_count

    assert replica_count() == 1
    gradients = [tf.constant([3.0, 4.0])]
    np.testing.assert_array_equal(reduced(None, gradients)[0], gradients[0])
