"""`export_tflite`: law 7, the last part of law 2, and the sentences of everything refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.builders import tflite
from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.tflite import ExportReport, export_tflite
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import ExportError, InputError, RunError

from .networks import SMALL, images_for, moved_network
from .strategies import architectures


@dataclass(frozen=True)
class Exported:
    """One network in every form."""

    model: Any
    images: Any
    reports: dict[str, ExportReport]


FORMS: dict[str, dict[str, Any]] = {
    "none": {},
    "float16": {"quantization": "float16"},
    "weights": {"quantization": "weights"},
    "int8": {"quantization": "int8"},
    "uint8 images": {"quantization": "int8", "image_type": "uint8"},
    "float images": {"quantization": "int8", "image_type": "float32"},
    "fused int8": {"quantization": "int8", "hard_swish": "fused"},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    model = moved_network(SMALL)
    images = images_for(model, 48)
    labels = np.arange(48) % 4
    folder = tmp_path_factory.mktemp("exported")
    reports = {
        form: export_tflite(
            model,
            folder / f"{number}.tflite",
            calibration=images,
            proof_images=images,
            proof_labels=labels,
            **options,
        )
        for number, (form, options) in enumerate(FORMS.items())
    }
    return Exported(model, images, reports)


@pytest.mark.parametrize("form", FORMS)
def test_what_was_written_is_what_was_proved(exported: Exported, form: str) -> None:
    report = exported.reports[form]
    content = report.path.read_bytes()
    assert report.size_bytes == len(content)
    assert report.macs == count(parse_architecture(SMALL)).macs
    assert report.operators == read_graph(content).operator_counts
    logits = LiteModel(content).predict(exported.images)
    same = np.argmax(logits, 1) == np.argmax(exported.model(exported.images), 1)
    assert report.agreement.same_class == pytest.approx(np.mean(same))
    assert report.proved_on == "given"
    assert 0 <= (report.agreement.tflite_accuracy or -1) <= 1
    json.dumps(report.as_json())


def test_float_files_give_the_models_classes(exported: Exported) -> None:
    assert exported.reports["none"].agreement.same_class == 1.0
    assert exported.reports["none"].agreement.difference < 1e-5
    assert exported.reports["float16"].agreement.difference < 5e-3
    sizes = {form: report.size_bytes for form, report in exported.reports.items()}
    assert sizes["int8"] < sizes["float16"] < sizes["none"]


def test_int8_weights_compute_in_float32_in_one_piece(exported: Exported) -> None:
    report = exported.reports["weights"]
    assert report.agreement.difference < 0.05
    assert report.delegate_pieces == 1
    assert report.operators["DEQUANTIZE"] > 0
    assert report.size_bytes < exported.reports["none"].size_bytes


def test_int8_files_compute_in_whole_numbers_in_one_piece(exported: Exported) -> None:
    report = exported.reports["int8"]
    assert report.float_operators == 0
    assert report.delegate_pieces == 1
    assert report.undelegated_operators == ()
    assert report.warnings == ()
    assert "HARD_SWISH" not in report.operators


def test_a_fused_hard_swish_is_warned_of_in_int8_only(exported: Exported) -> None:
    assert "HARD_SWISH" in exported.reports["none"].operators
    assert exported.reports["none"].warnings == ()
    (warning,) = exported.reports["fused int8"].warnings
    assert "leaves out HARD_SWISH" in warning


def test_the_type_of_the_images(exported: Exported) -> None:
    types = {
        form: LiteModel.load(report.path).input_dtype for form, report in exported.reports.items()
    }
    assert types["int8"] == "int8"
    assert types["uint8 images"] == "uint8"
    assert types["float images"] == "float32"


@settings(max_examples=6)
@given(architectures(), st.sampled_from(["none", "int8"]))
def test_any_architecture_agrees_and_has_the_macs_that_were_counted(
    tmp_path_factory: pytest.TempPathFactory, architecture: Architecture, quantization: str
) -> None:
    model = moved_network(architecture)
    images = images_for(model, 24)
    report = export_tflite(
        model,
        tmp_path_factory.mktemp("any") / "model.tflite",
        quantization=quantization,
        calibration=images,
    )
    assert report.macs == count(architecture).macs
    assert report.float_operators == (
        0 if quantization == "int8" else sum(report.operators.values())
    )
    assert report.delegate_pieces <= 1


def test_without_images_a_float_file_is_proved_on_noise(tmp_path: Path) -> None:
    report = export_tflite(moved_network("in_hw6_c3 cn_k3_s2_c8_nre fc_c2"), tmp_path / "m.tflite")
    assert report.proved_on == "noise"
    assert report.agreement.images == tflite.NOISE_IMAGES
    assert report.agreement.tflite_accuracy is None


def test_a_file_that_disagrees_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = moved_network("in_hw6_c1 cn_k3_s2_c8_nre fc_c2")
    path = tmp_path / "model.tflite"
    path.write_bytes(b"the one before")

    def other_weights(model: Any, *, fused_hard_swish: bool) -> Any:
        copy = keras.models.clone_model(model)
        copy.set_weights([weight * 1.001 for weight in model.get_weights()])
        return copy

    monkeypatch.setattr(tflite, "deployable", other_weights)
    with pytest.raises(ExportError, match="does not agree with its Keras model on 32 images"):
        export_tflite(model, path)
    assert path.read_bytes() == b"the one before"


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"model\.tflite' could not be written"):
        export_tflite(moved_network("in_hw6_c1 fc_c2"), tmp_path / "file" / "model.tflite")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"quantization": "int4"},
            "`quantization` must be one of none, float16, weights, int8, qat",
        ),
        ({"quantization": "int8"}, "`calibration` must be images"),
        (
            {"quantization": "int8", "calibration": np.zeros((0, 6, 6, 1), np.float32)},
            r"\(images, 6, 6, 1\) with one image at least. Received: \(0, 6, 6, 1\)",
        ),
        (
            {"quantization": "int8", "calibration": np.zeros((4, 6, 6), np.float32)},
            r"Received: \(4, 6, 6\)",
        ),
        (
            {"quantization": "int8", "calibration": np.full((4, 6, 6, 1), 255, np.uint8)},
            "Received: uint8 from 255 to 255",
        ),
        (
            {"proof_images": np.full((4, 6, 6, 1), np.nan, np.float32)},
            "`proof_images` must be finite floating-point numbers",
        ),
        ({"proof_labels": np.zeros(3)}, "must have proof_images with them"),
        (
            {"proof_images": np.zeros((4, 6, 6, 1), np.float32), "proof_labels": np.zeros(3)},
            r"the shape \(4,\). Received: \(3,\)",
        ),
        ({"image_type": "uint8"}, "`image_type` must be float32"),
        ({"image_type": "int4"}, "`image_type` must be one of"),
        ({"hard_swish": "both"}, "`hard_swish` must be one of"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_converted(
    options: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    model = moved_network("in_hw6_c1 fc_c2")
    with pytest.raises(InputError, match=sentence):
        export_tflite(model, tmp_path / "model.tflite", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_float_island_in_an_int8_file_is_refused(tmp_path: Path) -> None:
    image = keras.Input((6, 6, 1))
    x = keras.layers.Activation("elu")(image)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    images = images_for(model, 4)
    with pytest.raises(ExportError, match=r"must compute in whole numbers.*in ELU \(.+\)\.$"):
        export_tflite(model, tmp_path / "m.tflite", quantization="int8", calibration=images)
    assert list(tmp_path.iterdir()) == []
