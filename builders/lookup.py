"""One reader for every way in which an architecture is given: text, zoo name, file, run folder."""

from __future__ import annotations

import os
from pathlib import Path

from fbnetv2_tf import architecture as text_parser
from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.errors import ArchitectureError
from fbnetv2_tf.textfile import is_text, read_text_file

from .zoo import zoo

ARCHITECTURE_FILE = "architecture.txt"
"""The file of a run folder that holds the architecture that its search found."""


def resolve_architecture(source: Architecture | str | os.PathLike[str]) -> Architecture:
    """Reads an architecture, however it is given.

    Args:
        source: an `Architecture`; its text; a name of the zoo, in any case; a file that holds the
            text; or a run folder with an `architecture.txt`.

    Returns:
        The architecture.

    Raises:
        ArchitectureError: it is none of them, or its text is wrong.

    Example:
        >>> resolve_architecture("FBNetV2_F1").side
        128
        >>> str(resolve_architecture("in_hw8_c3 cn_r2_k3_s1_c8_nre fc_c2"))
        'in_hw8_c3 cn_k3_s1_c8_nre cn_k3_s1_c8_nre fc_c2'
    """
    if isinstance(source, Architecture):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise ArchitectureError(
            f"An architecture must be text, a name of the zoo, a file or a run folder. "
            f"Received: {type(source).__name__}."
        )
    name = os.fspath(source)
    if is_text(name):
        return text_parser.parse_architecture(name)
    if name in zoo:
        return zoo[name].architecture
    text = read_text_file(Path(name), ArchitectureError)
    if text is None and name.strip():  # no name is not the folder that one stands in
        text = read_text_file(Path(name) / ARCHITECTURE_FILE, ArchitectureError)
    if text is not None:
        return text_parser.parse_architecture(text)
    if len(name.split()) > 1:  # meant as text, so the grammar says what is wrong with it
        return text_parser.parse_architecture(name)
    raise ArchitectureError(_refusal(name))


parse_architecture = resolve_architecture
"""`fb.parse_architecture`: the public reader; the parser of bare text is a layer below."""


def _refusal(name: str) -> str:
    if name and Path(name).is_dir():
        return (
            f"A run folder must hold {ARCHITECTURE_FILE!r}, which a finished search writes. "
            f"Received: {name[:200]!r} without it."
        )
    if os.sep in name:
        return f"There is no file and no run folder {name[:200]!r}."
    return (
        f"An architecture must be text ('in_hw28_c1 ... fc_c10'), a file, a run folder, or a name "
        f"of the zoo. {zoo.refusal(name)}"
    )
