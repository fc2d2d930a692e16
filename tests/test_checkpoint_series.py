"""Checkpoints on disk: the newest whole one counts, and bytes from strangers do nothing."""

from __future__ import annotations

import io
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fbnetv2_tf.checkpoint_series import KEPT, CheckpointSeries, read_arrays, require_same
from fbnetv2_tf.errors import RunError

LARGEST = 1 << 20
ARRAYS = {"v00000": np.arange(6.0).reshape(2, 3), "v00001": np.int64(7)}


@pytest.fixture
def series(tmp_path: Path) -> CheckpointSeries:
    found = CheckpointSeries(tmp_path)
    for step in (8, 9, 10):
        found.save(step, {"epochs": [step]}, ARRAYS)
    return found


def steps(series: CheckpointSeries) -> list[int]:
    return [checkpoint.step for checkpoint in series.newest(LARGEST)]


def test_the_newest_come_first_and_old_ones_go(series: CheckpointSeries) -> None:
    assert steps(series) == [10, 9]
    assert len(series.paths()) == KEPT
    newest = next(series.newest(LARGEST))
    assert newest.header == {"epochs": [10]}
    np.testing.assert_array_equal(newest.arrays["v00000"], ARRAYS["v00000"])
    assert newest.arrays["v00001"].dtype == np.int64


def test_what_is_larger_than_the_run_is_passed_over(series: CheckpointSeries) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v00000.npy", bytes(LARGEST + 1))
    assert len(bomb.getvalue()) < LARGEST / 100
    series.paths()[-1].write_bytes(bomb.getvalue())
    assert steps(series) == [9]
    with pytest.raises(ValueError, match="it unpacks to 1,048,577 bytes"):
        read_arrays(series.paths()[-1], LARGEST)


class Harmful:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_nothing_is_unpickled(series: CheckpointSeries, tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    content = io.BytesIO()
    np.savez(content, header=np.array([Harmful(proof)], object), allow_pickle=True)  # type: ignore[arg-type]
    for bad in (content.getvalue(), pickle.dumps(Harmful(proof))):
        series.paths()[-1].write_bytes(bad)
        assert steps(series) == [9]
    assert not proof.exists()


def test_any_damage_falls_back_to_the_one_before(series: CheckpointSeries) -> None:
    path = series.paths()[-1]
    whole = path.read_bytes()
    chance = random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole[: chance.randint(0, len(whole))])
        for _ in range(chance.randint(0, 3)):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged))
        found = steps(series)
        if bytes(damaged) != whole:
            assert found in ([9], [10, 9])  # some bytes of a zip file mean nothing
    path.write_bytes(whole)
    assert steps(series) == [10, 9]


def test_files_of_other_names_are_passed_over(series: CheckpointSeries, tmp_path: Path) -> None:
    for name in ("step_x.npz", "step_.npz", ".step_000000011.1.new.npz", "step_12.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "step_000000099.npz").mkdir()
    assert steps(series) == [10, 9]


def test_another_run_is_refused_with_both_values(tmp_path: Path) -> None:
    require_same(tmp_path, {"seed": 1, "more": 2}, {"seed": 1}, "search")
    with pytest.raises(RunError, match=r"another search. Expected: seed 1. Received: 2. Give"):
        require_same(tmp_path, {"seed": 1}, {"seed": 2}, "search")
    with pytest.raises(RunError, match=r"Expected: seed None. Received: 2"):
        require_same(tmp_path, "not a dict", {"seed": 2}, "search")
