"""Weights by the sandwich rule: every step moves the largest network's, whatever was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import fbnetv2_tf as fb
from benchmarks.sandwich import SandwichSupernet, loaded
from benchmarks.tasks import Task
from fbnetv2_tf.search import SearchSettings

SPACE = fb.parse_space("in_hw28_c1 cn_k3_s2_c8/16_nre/hs ir/sk_k3/5_s2_e1/2_c8/16_nre fc_c10")


def test_an_epoch_trains_the_largest_network_and_is_found_again(tmp_path: Path) -> None:
    settings = SearchSettings(epochs=2, warmup_epochs=0, batch_size=256)
    supernet = SandwichSupernet(SPACE, "fashion_mnist_10k", None, settings)
    before = [variable.numpy() for variable in supernet.net.weight_variables]
    losses = list(supernet.train())
    assert losses[1] < losses[0] < np.log(10)
    after = supernet.net.weight_variables
    moved = [not np.array_equal(old, new.numpy()) for old, new in zip(before, after, strict=True)]
    paths = [v.path for v, has_moved in zip(after, moved, strict=True) if not has_moved]
    assert all("skip" in path for path in paths), paths
    path = tmp_path / "sandwich.weights.h5"
    supernet.net.save_weights(path)
    again = loaded(path, Task("small", "fashion_mnist_10k", None, str(SPACE), ()))
    largest = str(SPACE.largest)
    assert again.score(largest) == supernet.score(largest)
    assert supernet.score(largest)[1] > 0.5
