"""docs/notebook.ipynb: its cells run from the first to the last, and what it shows was printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .sources import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def test_every_cell_runs(tmp_path: Path) -> None:
    script = tmp_path / "notebook.py"
    script.write_text("\n".join("".join(cell["source"]) for cell in cells("code")))
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    output = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    assert "epoch 2: loss" in output
    assert "test images are right" in output
    assert "the same class" in output


def test_what_it_shows_was_printed_in_order() -> None:
    assert [cell["execution_count"] for cell in cells("code")] == list(
        range(1, len(cells("code")) + 1)
    )
    assert all(cell["outputs"] for cell in cells("code") if "print(" in "".join(cell["source"]))
    assert not [o for c in cells("code") for o in c["outputs"] if o["output_type"] == "error"]
