"""Run folders as the commands leave them, with figures that are known, for the report's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fbnetv2_tf.choices_layout import searched
from fbnetv2_tf.counting import count
from fbnetv2_tf.run_folder import ARCHITECTURE, EXPORT, FLAGS, SEARCH, TRAIN, RunFolder
from fbnetv2_tf.space import Space, parse_space

SPACE = "in_hw8_c1 cn_k3_s2_c8/16_nhs ir/sk_k3/5_s1_e1/2_c8/16_se0/0.5_nre/hs fc_c3"
CHILD = "in_hw8_c1 cn_k3_s2_c8_nhs ir_k3_s1_e2_c16_nre fc_c3"


def history(space: Space, epochs: int) -> list[dict[str, Any]]:
    """Epochs in which every choice goes evenly from undecided to its first alternative."""
    entries = []
    for epoch in range(epochs):
        share = epoch / max(1, epochs - 1)
        probabilities = {}
        for name, alternatives in searched(space).items():
            undecided = np.full(len(alternatives), 1 / len(alternatives))
            first = np.eye(len(alternatives))[0]
            probabilities[name] = ((1 - share) * undecided + share * 0.9 * first).tolist()
        entries.append(
            {
                "loss": 1.0 - 0.5 * share,
                "accuracy": 0.5 + 0.4 * share,
                "architecture_loss": 0.9 - 0.4 * share if epoch else 0.0,
                "objective": 1.0 - 0.4 * share if epoch else 0.0,
                "expected_macs": 12_000 - 2_000 * share if epoch else 0.0,
                "entropy": 1.0 - 0.6 * share if epoch else 0.0,
                "temperature": 5.0 - 4.5 * share if epoch else 0.0,
                "probabilities": probabilities,
            }
        )
    return entries


def search_record(space: str = SPACE, child: str = CHILD, epochs: int = 4) -> dict[str, Any]:
    """The contents of search.json."""
    parsed = parse_space(space)
    entries = history(parsed, epochs)
    return {
        "architecture": child,
        "limits": {"macs": 10_000},
        "candidates": [
            {"architecture": child, "loss": 0.5, "accuracy": 0.8, "macs": 9_000, "weights": 500},
            {"architecture": child, "loss": 0.6, "accuracy": 0.7, "macs": 9_500, "weights": 510},
        ],
        "images": {"weights": 128, "architecture": 32, "validation": 40, "test": 40},
        "held": {"macs": 10_000},
        "seconds": 40.0,
        "machine": "Linux x86_64, 2 cores",
        "space": str(parsed),
        "dataset": {"name": "npz", "data_dir": "tiny.npz"},
        "options": {
            "data_dir": "tiny.npz",
            "penalty": 1.0,
            "settings": {"seed": 7, "epochs": epochs},
        },
        "versions": {"python": "3.11.0", "fbnetv2_tf": "0.1"},
        "probabilities": entries[-1]["probabilities"],
        "history": entries,
    }


def train_record(child: str = CHILD) -> dict[str, Any]:
    """The contents of train.json."""
    epoch = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.75}
    return {
        "architecture": child,
        "dataset": {"name": "npz", "data_dir": "tiny.npz"},
        "images": {"train": 160, "validation": 40, "test": 40},
        "validation": {"loss": 0.6, "accuracy": 0.75},
        "test": {"loss": 0.6, "accuracy": 0.725},
        "history": [epoch, {**epoch, "val_accuracy": 0.8}],
        "training": {"recipe": {"epochs": 2, "learning_rate": 0.2}, "inherited": False},
        "seconds": 12.0,
        "versions": {"python": "3.11.0"},
    }


def searched_run(folder: Path, record: dict[str, Any] | None = None) -> RunFolder:
    """A folder after fbnetv2-search."""
    run = RunFolder(folder)
    run.write_json(SEARCH, record or search_record())
    run.write_text(FLAGS, "--max_macs=10000\n")
    run.write_text(ARCHITECTURE, CHILD)
    return run


def trained_run(folder: Path) -> RunFolder:
    """A folder after fbnetv2-search, fbnetv2-train and fbnetv2-export."""
    run = searched_run(folder)
    run.write_json(TRAIN, train_record())
    entry = {
        "quantization": "int8",
        "size_bytes": 20_480,
        "agreement": {"same_class": 0.975, "tflite_accuracy": 0.7},
    }
    run.write_json(EXPORT, {"model_int8.tflite": entry})
    return run


def budgets_run(folder: Path) -> RunFolder:
    """A folder after fbnetv2-search for two budgets."""
    run = RunFolder(folder)
    children = []
    for limit, accuracy in ((10_000, 0.8), (20_000, 0.9)):
        name = f"macs_{limit}"
        searched_run(folder / name)
        cost = {"macs": count_of(CHILD), "weights": 500}
        children.append(
            {
                "limit": limit,
                "architecture": CHILD,
                "cost": cost,
                "loss": 0.5,
                "accuracy": accuracy,
                "folder": name,
            }
        )
    common = {
        key: value
        for key, value in search_record().items()
        if key not in ("architecture", "limits", "candidates")
    }
    run.write_json(SEARCH, {**common, "children": children})
    return run


def count_of(text: str) -> int:
    """The multiply-adds of a network's text."""
    from fbnetv2_tf.architecture import parse_architecture

    return count(parse_architecture(text)).macs
