"""One search by one process, by two on loopback, and by two of which one is killed.

    python benchmarks/multiworker.py

Two processes, each with its `TF_CONFIG`, share every batch (MultiWorkerMirroredStrategy). One of
them is killed with SIGKILL in the middle; both are started again with the same command. Printed:
the largest difference of the logits and of the children between the runs.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SPACE = "in_hw8_c1 cn_k3_s2_c8:16:8_nre ir/sk_k3/5_s1_e1/2_c8/16_se0/0.5_nre/hs fc_c3"
WORKERS, EPOCHS = 2, 4
ENOUGH = 300.0
"""Seconds after which a job counts as hanging."""


def write_data(path: Path) -> None:
    """Three classes of 8x8 patterns with noise."""
    generator = np.random.default_rng(0)
    patterns = generator.random((3, 8, 8)) > 0.5
    labels = np.arange(240) % 3
    pixels = 160 * patterns[labels] + generator.integers(0, 95, (240, 8, 8))
    np.savez(path, x_train=pixels.astype(np.uint8), y_train=labels.astype(np.int32))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return int(server.getsockname()[1])


def start(folder: Path, output: Path, workers: int) -> list[subprocess.Popen[bytes]]:
    """The processes of a search, the first one the writer."""
    command = [sys.executable, "-m", "fbnetv2_tf.flags.search", f"--space={SPACE}"]
    command += ["--dataset=npz", f"--data_dir={folder / 'data.npz'}", f"--output={output}"]
    command += ["--max_macs=6000", f"--epochs={EPOCHS}", "--batch_size=16"]
    cluster = {"worker": [f"localhost:{free_port()}" for _ in range(workers)]}
    processes = []
    for index in range(workers):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        environment, more = dict(os.environ), []
        if workers > 1:
            environment["TF_CONFIG"], more = json.dumps(task), ["--distribution=multiworker"]
        log = (folder / f"{output.name}_{index}.log").open("a")
        processes.append(
            subprocess.Popen([*command, *more], env=environment, stdout=log, stderr=log)
        )
    return processes


def finish(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """Exit codes."""
    return [process.wait(timeout=ENOUGH) for process in processes]


def logits(output: Path) -> np.ndarray:
    """The probabilities of all choices that a search ended with."""
    record = json.loads((output / "search.json").read_text())
    return np.concatenate([np.ravel(p) for p in record["probabilities"].values()])


def kill_one(folder: Path, output: Path) -> None:
    """Starts a job, and kills its second worker once an epoch is saved."""
    processes = start(folder, output, WORKERS)
    while not list(output.rglob("step_*.npz")):
        time.sleep(0.05)
        if any(process.poll() is not None for process in processes):
            raise SystemExit("A worker ended too early.")
    processes[1].send_signal(signal.SIGKILL)
    began = time.monotonic()
    codes = finish(processes)
    said = (folder / f"{output.name}_0.log").read_text().strip().splitlines()[-1]
    print(f"killed worker 2: exit codes {codes}, worker 1 after {time.monotonic() - began:.0f} s:")
    print(f"  {said[:160]}")


def main() -> None:
    """Prints what the runs have in common."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder / "data.npz")
        found = {}
        for label, workers in (("one process", 1), ("two processes", WORKERS)):
            output = folder / label.replace(" ", "_")
            codes = finish(start(folder, output, workers))
            if any(codes):
                print((folder / f"{output.name}_0.log").read_text()[-3000:])
                raise SystemExit(f"{label}: exit codes {codes}")
            found[label] = logits(output), (output / "architecture.txt").read_text()
            print(f"{label}: {found[label][1].strip()}", flush=True)
        output = folder / "killed"
        kill_one(folder, output)
        codes = finish(start(folder, output, WORKERS))
        said = (folder / "killed_0.log").read_text()
        again = next(line for line in said.splitlines() if line.startswith("Going on"))
        print(f"started again: exit codes {codes}; {again}", flush=True)
        found["restarted"] = logits(output), (output / "architecture.txt").read_text()
        one = found["one process"]
        for label, (probabilities, architecture) in found.items():
            apart = float(np.abs(probabilities - one[0]).max())
            same = "the same child" if architecture == one[1] else "another child"
            print(f"{label}: probabilities differ by at most {apart:.1e}, {same}")


if __name__ == "__main__":
    main()
