"""What a search leaves for TensorBoard, read back from its files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from fbnetv2_tf.run_folder import TENSORBOARD, RunFolder
from fbnetv2_tf.search_board import SearchBoard, board_result
from fbnetv2_tf.supernet import Supernet

SPACE = "in_hw8_c1 cn_k3_s2_c24/8/16_nre/hs fc_c2"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> EventAccumulator:
    run, net = RunFolder(tmp_path_factory.mktemp("run")), Supernet(SPACE)
    net.choices.choices[0].assign(np.log([0.2, 0.3, 0.5]))
    board = SearchBoard(run, net, {"epochs": 2, "max_macs": [9], "none": None}, {"macs": 9000.0})
    board.on_train_begin()
    board.on_epoch_end(0, {"loss": 2.0, "temperature": 0.0, "entropy": 0.0})
    board.on_epoch_end(1, {"loss": 1.0, "temperature": 4.0, "entropy": 0.8})
    board.close()
    board_result(run, net, net.space.smallest, {"validation_accuracy": 0.75})
    found = EventAccumulator(str(run / TENSORBOARD), size_guidance={"tensors": 0})
    found.Reload()
    return found


def values(events: EventAccumulator, tag: str) -> list[tuple[int, Any]]:
    return [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]


def test_scalars_are_of_their_epochs(events: EventAccumulator) -> None:
    assert values(events, "search/loss") == [(1, 2.0), (2, 1.0)]
    assert values(events, "search/limit_macs") == [(1, 9000.0), (2, 9000.0)]


def test_a_warm_up_epoch_has_no_entropy(events: EventAccumulator) -> None:
    [(step, entropy)] = values(events, "search/entropy")
    assert step == 2
    assert entropy == np.float32(0.8)


def test_a_choice_is_a_histogram_over_its_values(events: EventAccumulator) -> None:
    (_, rows), _ = values(events, "choices/b01_channels")
    np.testing.assert_allclose(rows, [[4, 12, 0.3], [12, 20, 0.5], [20, 28, 0.2]], rtol=1e-6)
    (_, words), _ = values(events, "choices/b01_activation")
    np.testing.assert_allclose(words, [[-0.5, 0.5, 0.5], [0.5, 1.5, 0.5]])


def test_the_network_is_text_and_picture(events: EventAccumulator) -> None:
    (_, text), _ = values(events, "architecture/most probable")
    assert b"cn_k3_s2_c16_nre" in text.item()
    (_, (width, height, png)), _ = values(events, "network/most probable")
    assert (int(width), int(height)) == (228, 392)
    assert png.startswith(b"\x89PNG")


def test_the_result_is_there_for_hparams(events: EventAccumulator) -> None:
    [(_, accuracy)] = values(events, "result/validation_accuracy")
    assert accuracy == 0.75
    plugin = events.summary_metadata["_hparams_/session_start_info"].plugin_data
    assert plugin.plugin_name == "hparams"
    assert b"max_macs" in plugin.content
    assert b"none" not in plugin.content
