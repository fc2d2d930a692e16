"""What an app must know of a .tflite file, in the file: its classes by name, and what a pixel is.

The form is TensorFlow Lite's own (`metadata_schema.fbs` of tensorflow/tflite-support, "M001"), for
its task libraries to read: a flatbuffer among the model's buffers, and `labels.txt` in an archive
behind the model, so that `unzip model.tflite` gives it too. No interpreter looks at either.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from fbnetv2_tf.errors import ExportError

LABELS = "labels.txt"
ENTRY = "TFLITE_METADATA"
IDENTIFIER = b"M001"

FIELDS = {
    "ModelMetadata": (
        "name description version subgraph_metadata author license associated_files "
        "min_parser_version"
    ),
    "SubGraphMetadata": "name description input_tensor_metadata output_tensor_metadata",
    "TensorMetadata": (
        "name description dimension_names content process_units stats associated_files"
    ),
    "Content": "content_properties_type content_properties",
    "ImageProperties": "color_space",
    "ProcessUnit": "options_type options",
    "NormalizationOptions": "mean std",
    "Stats": "max min",
    "AssociatedFile": "name description type",
}
"""The fields of each table of the schema, in their order, as far as they are of use here."""

_IMAGE, _NORMALIZATION, _AXIS_LABELS = 2, 1, 2
_COLOR_SPACES = {3: 1, 1: 2}  # RGB, GRAYSCALE
_OLDEST_PARSER = "1.0.0"
_THEN = (1980, 1, 1, 0, 0, 0)  # the first date of a zip archive: the same model, the same bytes


@dataclass(frozen=True)
class Metadata:
    """What an app must know to use a file.

    Attributes:
        class_names: one for each logit, in their order; () where they are not known.
        mean, std: a pixel p of 0..255 goes into the network as `(p - mean) / std`.

    Raises:
        ExportError: where `std` is not positive.
    """

    class_names: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 255.0

    def __post_init__(self) -> None:
        if not self.std > 0:
            raise ExportError(f"`std` must be positive. Received: {self.std!r}.")


def with_metadata(content: bytes, metadata: Metadata) -> bytes:
    """The bytes of a .tflite file with its metadata in it; what it computes stays the same.

    Args:
        content: the bytes of the file.
        metadata: what to put in.

    Raises:
        ExportError: where there is not one name for each logit.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    image, logits = (graph.tensors[int(ends[0])].shape for ends in (graph.inputs, graph.outputs))
    if metadata.class_names and len(metadata.class_names) != int(logits[-1]):
        raise ExportError(
            f"`class_names` must be one for each of the {int(logits[-1])} logits. "
            f"Received: {len(metadata.class_names)}."
        )
    model.metadata = [entry for entry in model.metadata or () if entry.name != ENTRY.encode()]
    model.metadata.append(schema.MetadataT(name=ENTRY.encode(), buffer=len(model.buffers)))
    packed = np.frombuffer(_packed(metadata, int(image[-1])), np.uint8)
    model.buffers.append(schema.BufferT(data=packed))
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return _with_labels(bytes(builder.Output()), metadata.class_names)


def read_class_names(content: bytes) -> tuple[str, ...]:
    """The names of the classes in the bytes of a .tflite file; () where it has none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return tuple(archive.read(LABELS).decode().splitlines())
    except (zipfile.BadZipFile, KeyError):
        return ()


def _with_labels(content: bytes, class_names: Sequence[str]) -> bytes:
    if not class_names:
        return content
    text = "".join(f"{' '.join(name.split())}\n" for name in class_names)
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:  # behind what is there
        archive.writestr(zipfile.ZipInfo(LABELS, _THEN), text)
    return file.getvalue()


def _packed(metadata: Metadata, channels: int) -> bytes:
    """The flatbuffer of the metadata."""
    normalization = _Table("NormalizationOptions", mean=[metadata.mean], std=[metadata.std])
    ends = [(end - metadata.mean) / metadata.std for end in (0.0, 255.0)]
    color_space = _COLOR_SPACES.get(channels, 0)
    image = _Table(
        "TensorMetadata",
        name="image",
        description="(pixel - mean) / std of each pixel of 0..255",
        content=_Table(
            "Content",
            content_properties_type=_IMAGE,
            content_properties=_Table("ImageProperties", color_space=color_space),
        ),
        process_units=[_Table("ProcessUnit", options_type=_NORMALIZATION, options=normalization)],
        stats=_Table("Stats", max=[max(ends)], min=[min(ends)]),
    )
    labels = _Table("AssociatedFile", name=LABELS, description="A class a line.", type=_AXIS_LABELS)
    files = {"associated_files": [labels]} if metadata.class_names else {}
    logits = _Table(
        "TensorMetadata", name="logits", description="The largest is the image's class.", **files
    )
    graph = _Table(
        "SubGraphMetadata", input_tensor_metadata=[image], output_tensor_metadata=[logits]
    )
    whole = _Table(
        "ModelMetadata",
        name="image classifier",
        subgraph_metadata=[graph],
        min_parser_version=_OLDEST_PARSER,
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _Table:
    """A table of the schema with values for some of its fields.

    A value is a text, a whole number of one byte, a table, or a list of tables or of floats.
    """

    def __init__(self, kind: str, **values: Any) -> None:
        self._names = FIELDS[kind].split()
        self._values = values

    def pack(self, builder: Any) -> int:
        """Writes the table, what it refers to first; returns its offset."""
        packed = {
            name: value if isinstance(value, int) else _pack(builder, value)
            for name, value in self._values.items()
        }
        builder.StartObject(len(self._names))
        for name, value in packed.items():
            if isinstance(self._values[name], int):
                builder.PrependInt8Slot(self._names.index(name), value, 0)
            else:
                builder.PrependUOffsetTRelativeSlot(self._names.index(name), value, 0)
        return int(builder.EndObject())


def _pack(builder: Any, value: Any) -> int:
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, _Table):
        return value.pack(builder)
    if isinstance(value[0], float):
        return int(builder.CreateNumpyVector(np.array(value, np.float32)))
    offsets = [table.pack(builder) for table in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
