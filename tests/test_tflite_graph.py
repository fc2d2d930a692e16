"""The phone's form of a model: float32, the same function, and the operators that were wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.builders.tflite_graph import deployable, write_saved_model
from fbnetv2_tf.builders.tflite_proof import keras_logits
from fbnetv2_tf.errors import ExportError, RunError

from .networks import SMALL, images_for, moved_network


@pytest.mark.parametrize("fused", [True, False])
def test_the_function_stays_the_same(fused: bool) -> None:
    model = moved_network(SMALL)
    images = images_for(model, 8)
    copy = deployable(model, fused_hard_swish=fused)
    np.testing.assert_allclose(
        keras_logits(copy, images), keras_logits(model, images), rtol=2e-5, atol=2e-5
    )
    before = keras_logits(model, images)
    copy.set_weights([0 * weight for weight in copy.get_weights()])
    np.testing.assert_array_equal(keras_logits(model, images), before)


def test_a_mixed_precision_model_becomes_float32_with_the_same_weights() -> None:
    model = moved_network(SMALL, dtype="mixed_bfloat16")
    exact = moved_network(SMALL)
    copy = deployable(model, fused_hard_swish=True)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    for ours, theirs in zip(copy.get_weights(), exact.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    images = images_for(model, 4)
    np.testing.assert_allclose(
        keras_logits(copy, images), keras_logits(exact, images), rtol=2e-5, atol=2e-5
    )


def test_a_gate_that_others_read_too_keeps_its_value() -> None:
    image = keras.Input((4, 4, 2))
    gate = keras.layers.Activation("hard_sigmoid")(image)
    x = keras.layers.Add()([keras.layers.Multiply()([image, gate]), gate])
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    images = images_for(model, 3)
    np.testing.assert_allclose(
        keras_logits(deployable(model, fused_hard_swish=False), images),
        keras_logits(model, images),
        rtol=1e-6,
    )


def test_the_saved_model_has_one_signature_and_no_variables(tmp_path: Path) -> None:
    model = moved_network(SMALL)
    write_saved_model(deployable(model, fused_hard_swish=True), tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    assert list(loaded.signatures) == ["serve"]
    assert loaded.signatures["serve"].variables == ()
    images = images_for(model, 1)
    logits = loaded.signatures["serve"](image=tf.constant(images))["logits"]
    np.testing.assert_allclose(logits, keras_logits(model, images), rtol=2e-5, atol=2e-5)


class Strange(keras.layers.Layer):
    """A layer that nobody but this test knows."""

    def call(self, x: Any) -> Any:
        return x


def _classifier(*layers: Any, shape: tuple[int | None, ...] = (4, 4, 1)) -> keras.Model:
    pool = keras.layers.GlobalAveragePooling2D()
    return keras.Sequential([keras.Input(shape), *layers, pool])


def test_a_layer_of_somebody_else_is_refused_by_name() -> None:
    with pytest.raises(ExportError, match=r"layer 'odd' must be one of Keras's own.*Strange"):
        deployable(_classifier(Strange(name="odd")), fused_hard_swish=True)
    anything = keras.layers.Lambda(lambda x: x, output_shape=(4, 4, 1), name="free")
    with pytest.raises(ExportError, match=r"layer 'free' must be one of Keras's own"):
        deployable(_classifier(anything), fused_hard_swish=True)


def test_recurrence_is_refused_because_it_can_end_the_process() -> None:
    layers = (keras.layers.Reshape((4, 4)), keras.layers.LSTM(2, name="memory"))
    model = keras.Sequential([keras.Input((4, 4, 1)), *layers])
    with pytest.raises(ExportError, match=r"layer 'memory' must be .* Received: LSTM"):
        deployable(model, fused_hard_swish=True)


def test_a_full_disk_for_temporary_files_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", refuse)
    with pytest.raises(RunError, match=r"TMPDIR names another folder\): .*No space left"):
        write_saved_model(_classifier(), tmp_path / "saved")


def test_what_is_not_one_image_to_one_output_is_refused() -> None:
    one, two = keras.Input((4, 4, 1)), keras.Input((4, 4, 1))
    with pytest.raises(ExportError, match="2 inputs and 1 outputs"):
        deployable(keras.Model([one, two], keras.layers.Add()([one, two])), fused_hard_swish=True)
    with pytest.raises(ExportError, match=r"fixed sides. Received: \(None, None, None, 3\)"):
        deployable(_classifier(shape=(None, None, 3)), fused_hard_swish=True)
    with pytest.raises(ExportError, match="must be a functional Keras model"):
        deployable(keras.layers.Dense(2), fused_hard_swish=True)
