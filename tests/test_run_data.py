"""Which data set a command takes: its flags first, then the run folder, then the shipped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from absl import flags

from fbnetv2_tf.errors import RunError
from fbnetv2_tf.flags.run_data import DataChoice, data_choice, define_data
from fbnetv2_tf.run_folder import SEARCH, TRAIN, RunFolder

from .tiny_data import write_tiny_data


def parsed(*arguments: str) -> Any:
    values = flags.FlagValues()
    define_data(values)
    values(["command", *arguments])
    return values


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.write_json(SEARCH, {"dataset": {"name": "directory", "data_dir": "photos"}})
    return folder


def test_the_flags_come_first(run: RunFolder) -> None:
    choice = data_choice(parsed("--dataset=npz", "--data_dir=x.npz"), run)
    assert choice == DataChoice("npz", Path("x.npz"))


def test_then_the_run_and_of_a_run_the_training(run: RunFolder) -> None:
    assert data_choice(parsed(), run) == DataChoice("directory", Path("photos"))
    skip = data_choice(parsed("--data_dir=moved", "--on_bad_image=skip"), run)
    assert skip == DataChoice("directory", Path("moved"), "skip")
    run.write_json(TRAIN, {"dataset": {"name": "cifar10", "data_dir": None}})
    assert data_choice(parsed(), run) == DataChoice("cifar10")


def test_then_the_shipped_one(tmp_path: Path) -> None:
    assert data_choice(parsed(), RunFolder(tmp_path / "new")) == DataChoice("fashion_mnist_10k")
    assert data_choice(parsed()) == DataChoice("fashion_mnist_10k")


def test_a_broken_record_is_one_sentence(run: RunFolder) -> None:
    run.write_text(SEARCH, "{")
    with pytest.raises(RunError, match="is not the JSON"):
        data_choice(parsed(), run)


@pytest.mark.parametrize("dataset", [[], "npz", {"name": 3}, {"name": "npz", "data_dir": {}}])
def test_a_record_of_something_else_is_one_sentence(run: RunFolder, dataset: Any) -> None:
    run.write_json(SEARCH, {"dataset": dataset})
    with pytest.raises(RunError, match=r"search.json' must have a name and a folder"):
        data_choice(parsed(), run)


def test_it_is_loaded_in_the_size_that_is_asked_for(tmp_path: Path) -> None:
    choice = DataChoice("npz", write_tiny_data(tmp_path, images=60))
    assert choice.load(image_side=6, channels=3).image_shape == (6, 6, 3)


def test_what_a_search_did_about_bad_images_goes_on(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    recorded = {"name": "directory", "data_dir": "photos", "on_bad_image": "skip"}
    run.write_json(SEARCH, {"dataset": recorded})
    assert data_choice(parsed(), run).on_bad_image == "skip"
    assert data_choice(parsed("--on_bad_image=fail"), run).on_bad_image == "fail"


def test_a_folder_is_recorded_so_that_it_is_found_from_anywhere() -> None:
    recorded = DataChoice("directory", Path("photos")).as_json()
    assert recorded["data_dir"] == Path("photos").absolute()
    assert DataChoice("fashion_mnist_10k").as_json()["data_dir"] is None
