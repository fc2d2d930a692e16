"""Networks before their training: with real statistics their int8 files are in one piece."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from fbnetv2_tf.builders.tflite import export_tflite
from fbnetv2_tf.builders.untrained import UNTRAINED_TOLERANCES, untrained_model

from .networks import SMALL

IMAGES = np.random.default_rng(0).random((16, 12, 12, 1), np.float32)


def test_every_layer_is_normalised_by_the_images() -> None:
    model = untrained_model(SMALL, IMAGES)
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    probe = keras.Model(model.input, [norm.output for norm in norms])
    for norm, output in zip(norms, probe(IMAGES, training=False), strict=True):
        assert norm.momentum == 0.9
        np.testing.assert_allclose(np.mean(output, axis=(0, 1, 2)), 0, atol=1e-3)
        spread = np.std(output, axis=(0, 1, 2))
        assert (spread < 1.01).all()
        assert spread.max() > 0.9


def test_its_int8_file_is_one_piece(tmp_path: Path) -> None:
    report = export_tflite(
        untrained_model(SMALL, IMAGES),
        tmp_path / "model.tflite",
        quantization="int8",
        calibration=IMAGES,
        tolerance=UNTRAINED_TOLERANCES["int8"],
    )
    assert (report.delegate_pieces, report.float_operators) == (1, 0)
