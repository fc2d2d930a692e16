"""A run folder with a network in it, for the commands that come after the training."""

from __future__ import annotations

from pathlib import Path

from fbnetv2_tf.builders.keras_file import save_model
from fbnetv2_tf.run_folder import ARCHITECTURE, CHILD, TRAIN, RunFolder

from .networks import moved_network
from .tiny_data import TINY, write_tiny_data


def run_with_child(folder: Path) -> RunFolder:
    """A run folder as fbnetv2-train leaves it, but that nothing was trained."""
    run = RunFolder(folder / "run")
    run.write_text(ARCHITECTURE, f"{TINY}\n")
    save_model(moved_network(TINY), run / CHILD)
    data = write_tiny_data(folder)
    run.write_json(TRAIN, {"dataset": {"name": "npz", "data_dir": str(data)}})
    return run
