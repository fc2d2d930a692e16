"""Models in files: whole or not there; what is in a file runs nothing."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fbnetv2_tf.builders import keras_file
from fbnetv2_tf.builders.keras_file import load_model, save_model
from fbnetv2_tf.errors import RunError

from .networks import images_for, moved_network
from .tiny_data import TINY


def test_a_model_comes_back(tmp_path: Path) -> None:
    model = moved_network(TINY)
    save_model(model, tmp_path / "new" / "child.keras")
    images = images_for(model, 3)
    loaded = load_model(tmp_path / "new" / "child.keras")
    np.testing.assert_array_equal(loaded(images), model(images))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["child.keras"]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"must end in '\.keras'"):
        save_model(moved_network(TINY), tmp_path / "child.h5")


def test_what_cannot_be_loaded_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "child.keras"
    with pytest.raises(RunError, match="There is no file"):
        load_model(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(RunError, match=r"is not a \.keras file"):
        load_model(path)
    save_model(moved_network(TINY), path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"config.json", b"c0nfig.json"))
    with pytest.raises(RunError, match="does not hold a model that can be loaded"):
        load_model(path)


class Strange(keras.layers.Layer):
    """A layer that no other program has."""

    def call(self, x: Any) -> Any:
        """Doubles."""
        return 2 * x


@pytest.mark.parametrize(
    "layer",
    [Strange(name="mine"), keras.layers.Lambda(lambda x: x, output_shape=(2, 2, 1), name="mine")],
    ids=["of somebody else", "lambda"],
)
def test_foreign_code_in_a_file_is_named_and_not_run(layer: Any, tmp_path: Path) -> None:
    image = keras.Input((2, 2, 1))
    keras.Model(image, layer(image)).save(tmp_path / "child.keras")
    with pytest.raises(RunError, match=f"the layer 'mine' must be .* {type(layer).__name__}"):
        load_model(tmp_path / "child.keras")


def test_a_small_file_that_unpacks_to_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "child.keras"
    save_model(moved_network(TINY), path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/zeros", bytes(10_000_000))
    assert load_model(path).name
    monkeypatch.setattr(keras_file, "LEAST_REFUSED", 1_000_000)
    with pytest.raises(RunError, match=r"which unpacks to about its own size. Received: \d+,\d+ b"):
        load_model(path)
