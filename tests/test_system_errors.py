"""What TensorFlow says of a full disk and of too little memory becomes one sentence."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.system_errors import system_errors

FULL = (
    "{{function_node __wrapped__FlushSummaryWriter_device_/job:localhost/device:CPU:0}} "
    "/runs/a b/tensorboard/events.out.tfevents.1.v2; No space left on device\n\tFailed to flush"
)
MEMORY = "OOM when allocating tensor with shape[512,96,64,64] and type float on /job:localhost"


def raised(kind: type[Exception], message: str) -> str:
    with pytest.raises(InputError) as caught, system_errors():
        raise kind(None, None, message)
    return str(caught.value)


def test_a_file_that_cannot_be_written_is_named() -> None:
    said = raised(tf.errors.ResourceExhaustedError, FULL)
    assert "'/runs/a b/tensorboard/events.out.tfevents.1.v2' could not be written" in said
    assert "No space left on device. The checkpoints are whole" in said
    assert "\n" not in said


def test_a_step_that_does_not_fit_asks_for_a_smaller_batch() -> None:
    said = raised(tf.errors.ResourceExhaustedError, MEMORY)
    assert "try a smaller --batch_size. Received: a tensor of shape (512,96,64,64)" in said


@pytest.mark.parametrize("message", ["OOM", "no file; No space left on device", ""])
def test_other_errors_pass_through(message: str) -> None:
    with pytest.raises(tf.errors.ResourceExhaustedError), system_errors():
        raise tf.errors.ResourceExhaustedError(None, None, message)
