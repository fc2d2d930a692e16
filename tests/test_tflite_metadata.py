"""The metadata in a .tflite file, read back by the schema's offsets."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers.table import Table

from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable
from fbnetv2_tf.builders.tflite_metadata import (
    ENTRY,
    FIELDS,
    IDENTIFIER,
    Metadata,
    read_class_names,
    with_metadata,
)
from fbnetv2_tf.errors import ExportError

from .networks import images_for, moved_network

NAMES = ("T-shirt/top", "a name of two words", "Häuser")


@pytest.fixture(scope="module")
def model() -> Any:
    return moved_network("in_hw8_c3 cn_k3_s2_c8_nhs fc_c3")


@pytest.fixture(scope="module")
def content(model: Any) -> bytes:
    return convert(
        deployable(model, fused_hard_swish=False),
        quantization="int8",
        calibration=images_for(model, 8),
        image_type="int8",
    )


class Read:
    """A table of the schema that is read by the names of its fields."""

    def __init__(self, kind: str, table: Any) -> None:
        self._names, self._table = FIELDS[kind].split(), table

    def _at(self, name: str) -> int:
        offset = self._table.Offset(4 + 2 * self._names.index(name))
        assert offset, name
        return int(offset)

    def text(self, name: str) -> str:
        return self._table.String(self._table.Pos + self._at(name)).decode()

    def byte(self, name: str) -> int:
        return int(self._table.Bytes[self._table.Pos + self._at(name)])

    def floats(self, name: str) -> list[float]:
        read = flatbuffers.number_types.Float32Flags
        return list(self._table.GetVectorAsNumpy(read, self._at(name)))

    def table(self, name: str, kind: str) -> Read:
        at = self._table.Indirect(self._table.Pos + self._at(name))
        return Read(kind, Table(self._table.Bytes, at))

    def only(self, name: str, kind: str) -> Read:
        assert self._table.VectorLen(self._at(name)) == 1
        at = self._table.Indirect(self._table.Vector(self._at(name)))
        return Read(kind, Table(self._table.Bytes, at))


def metadata_of(content: bytes) -> Read:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    [entry] = [each for each in model.metadata if each.name == ENTRY.encode()]
    data = bytearray(model.buffers[entry.buffer].data)
    assert data[4:8] == IDENTIFIER
    start = flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0)
    return Read("ModelMetadata", Table(data, start))


def test_what_an_app_reads(content: bytes) -> None:
    described = with_metadata(content, Metadata(NAMES, mean=127.5, std=127.5))
    graph = metadata_of(described).only("subgraph_metadata", "SubGraphMetadata")
    image = graph.only("input_tensor_metadata", "TensorMetadata")
    assert image.text("name") == "image"
    properties = image.table("content", "Content")
    assert properties.byte("content_properties_type") == 2
    color = properties.table("content_properties", "ImageProperties")
    assert color.byte("color_space") == 1
    unit = image.only("process_units", "ProcessUnit")
    assert unit.byte("options_type") == 1
    normalization = unit.table("options", "NormalizationOptions")
    assert (normalization.floats("mean"), normalization.floats("std")) == ([127.5], [127.5])
    stats = image.table("stats", "Stats")
    assert (stats.floats("min"), stats.floats("max")) == ([-1.0], [1.0])
    logits = graph.only("output_tensor_metadata", "TensorMetadata")
    file = logits.only("associated_files", "AssociatedFile")
    assert (file.text("name"), file.byte("type")) == ("labels.txt", 2)
    with zipfile.ZipFile(io.BytesIO(described)) as archive:
        assert archive.read("labels.txt").decode() == "".join(f"{name}\n" for name in NAMES)
    assert read_class_names(described) == NAMES


def test_the_file_computes_what_it_did(model: Any, content: bytes) -> None:
    described = with_metadata(content, Metadata(NAMES))
    images = images_for(model, 4)
    before, after = LiteModel(content), LiteModel(described)
    np.testing.assert_array_equal(after.predict(images), before.predict(images))
    assert after.signatures == before.signatures
    assert after.pieces == 1
    assert read_graph(described) == read_graph(content)
    assert 0 < len(described) - len(content) < 2500


def test_the_same_metadata_give_the_same_bytes_and_replace_what_was_there(content: bytes) -> None:
    once = with_metadata(content, Metadata(NAMES))
    assert with_metadata(content, Metadata(NAMES)) == once
    again = with_metadata(once, Metadata())
    metadata_of(again)
    assert read_class_names(again) == ()
    assert read_class_names(content) == ()


def test_what_cannot_be_is_refused(content: bytes) -> None:
    with pytest.raises(ExportError, match=r"one for each of the 3 logits\. Received: 2"):
        with_metadata(content, Metadata(("one", "two")))
    with pytest.raises(ExportError, match=r"`std` must be positive\. Received: 0"):
        Metadata(std=0.0)
