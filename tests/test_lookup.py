"""An architecture by text, name, file or run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.builders.lookup import resolve_architecture
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.errors import ArchitectureError

TEXT = "in_hw8_c3 cn_k3_s2_c8_nre fc_c2"


def test_every_way_gives_the_same(tmp_path: Path) -> None:
    expected = parse_architecture(TEXT)
    file = tmp_path / "my network.txt"
    file.write_text(f"# mine\n{TEXT}\n")
    run = tmp_path / "run"
    run.mkdir()
    (run / "architecture.txt").write_text(TEXT)
    for source in (expected, TEXT, str(file), file, str(run), run):
        assert resolve_architecture(source) == expected
    assert resolve_architecture("FBNET_B") == zoo["fbnet_b"].architecture


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("fbnetv2_f11", "name of the zoo. The zoo has .*Did you mean 'fbnetv2_f1'"),
        ("no/such/file.txt", "There is no file and no run folder 'no/such/file.txt'"),
        ("cn_k3_s2_c8_nre fc_c2", "'in' must be the first block"),
        ("in_hw8_c3 fc", r"Block 1 \('fc'\).*needs the token 'c'"),
        ("", "must be text"),
        (7, "must be text, a name of the zoo, a file or a run folder. Received: int"),
    ],
)
def test_what_is_none_of_them_is_named(source: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        resolve_architecture(source)


def test_a_folder_without_an_architecture_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match=r"must hold 'architecture.txt', which a finished"):
        resolve_architecture(tmp_path)


def test_a_wrong_file_is_an_error_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("in_hw8_c3 cn_k4_s2_c8_nre fc_c2")
    with pytest.raises(ArchitectureError, match=r"Block 1 .*'k' must be an odd integer"):
        resolve_architecture(tmp_path / "a.txt")
