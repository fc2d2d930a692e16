"""Checkpoints on disk: the newest whole one counts, and bytes from strangers do nothing."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
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


def test_a_full_disk_leaves_the_checkpoints_as_they_were(series: CheckpointSeries) -> None:
    # A limit on the size of files stands for the end of the disk; a process cannot take it back.
    code = (
        "import resource, sys; from pathlib import Path; import numpy as np\n"
        "from fbnetv2_tf.checkpoint_series import CheckpointSeries\n"
        "from fbnetv2_tf.errors import RunError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        f"    series = CheckpointSeries(Path({str(series.folder)!r}))\n"
        "    series.save(11, {}, {'v': np.ones(9999)})\n"
        "except RunError as error:\n"
        "    sys.exit(str(error))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.strip().endswith(
        "step_000000011.npz' could not be written, and is as it was before: File too large."
    )
    assert steps(series) == [10, 9]
    assert len(list(series.folder.iterdir())) == KEPT


def test_a_disk_that_is_really_full_is_named(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        small = CheckpointSeries(disk / "checkpoints")
        small.save(1, {}, {"v": np.ones(2000)})
        with pytest.raises(RunError, match=r"as it was before: No space left on device\.$"):
            small.save(2, {}, {"v": np.ones(20_000)})
        assert steps(small) == [1]
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(RunError, match=r"as it was before: Read-only file system\.$"):
            small.save(2, {}, {"v": np.ones(2)})
        assert steps(small) == [1]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
