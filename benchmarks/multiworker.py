"""A search and a training by one process, by two on loopback, and by two of which one is killed.

    python benchmarks/multiworker.py

Two processes, each with its `TF_CONFIG`, share every batch (MultiWorkerMirroredStrategy). One of
them is killed with SIGKILL, both are started again by the same command, one is sent a SIGTERM, and
both are started again. Printed: the largest difference between the runs, of the probabilities of
all choices or of the weights.
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
TRAINING = ["--architecture=in_hw8_c1 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.5_nhs fc_c3"]
TRAINING += ["--dropout=0.2", "--stochastic_depth=0.2"]
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


def start(part: str, folder: Path, output: Path, workers: int) -> list[subprocess.Popen[bytes]]:
    """The processes of a search or a training, the first one the writer."""
    what = {"search": [f"--space={SPACE}", "--max_macs=6000", "--finalists=2"], "train": TRAINING}[
        part
    ]
    command = [sys.executable, "-m", f"fbnetv2_tf.flags.{part}", *what]
    command += ["--dataset=npz", f"--data_dir={folder / 'data.npz'}", f"--output={output}"]
    command += [f"--epochs={EPOCHS}", "--batch_size=16"]
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


def numbers(part: str, output: Path) -> np.ndarray:
    """What a run ended with: the probabilities of a search's choices, or the trained weights."""
    if part == "search":
        record = json.loads((output / "search.json").read_text())
        return np.concatenate([np.ravel(p) for p in record["probabilities"].values()])
    from fbnetv2_tf.builders.keras_file import load_model

    return np.concatenate([np.ravel(w) for w in load_model(output / "child.keras").get_weights()])


def stop_one(part: str, folder: Path, output: Path, number: signal.Signals) -> None:
    """Starts a job, and sends its second worker a signal once an epoch more is saved."""
    before = saved(output)
    processes = start(part, folder, output, WORKERS)
    while saved(output) == before:
        time.sleep(0.05)
        if any(process.poll() is not None for process in processes):
            raise SystemExit("A worker ended too early.")
    processes[1].send_signal(number)
    began = time.monotonic()
    codes = finish(processes)
    seconds = time.monotonic() - began
    said = (folder / f"{output.name}_0.log").read_text().strip().splitlines()[-1]
    print(f"  {number.name} to worker 2: exit codes {codes} after {seconds:.0f} s; worker 1 said:")
    print(f"    {said[:200].replace(str(folder), '...')}", flush=True)


def saved(output: Path) -> list[str]:
    """The checkpoints of a run."""
    return sorted(path.name for path in output.rglob("step_*.npz"))


def measure(part: str, folder: Path) -> None:
    """Prints what the runs of a search or a training have in common."""
    print(f"{part}:")
    found = {}
    for label, workers in (("one process", 1), ("two processes", WORKERS)):
        output = folder / f"{part}_{workers}"
        codes = finish(start(part, folder, output, workers))
        if any(codes):
            print((folder / f"{output.name}_0.log").read_text()[-3000:])
            raise SystemExit(f"{label}: exit codes {codes}")
        found[label] = numbers(part, output), (output / "architecture.txt").read_text()
    output = folder / f"{part}_killed"
    stop_one(part, folder, output, signal.SIGKILL)
    stop_one(part, folder, output, signal.SIGTERM)
    codes = finish(start(part, folder, output, WORKERS))
    lines = (folder / f"{output.name}_0.log").read_text().splitlines()
    again = [line for line in lines if line.startswith("Going on")]
    print(f"  started again: exit codes {codes}; {' '.join(again)}", flush=True)
    found["restarted"] = numbers(part, output), (output / "architecture.txt").read_text()
    one = found["one process"]
    for label, (values, architecture) in found.items():
        apart = float(np.abs(values - one[0]).max())
        same = "the same network" if architecture == one[1] else "another network"
        print(f"  {label}: {len(values)} numbers differ by at most {apart:.1e}, {same}", flush=True)


def main() -> None:
    """Prints it of both."""
    with tempfile.TemporaryDirectory() as name:
        write_data(Path(name) / "data.npz")
        for part in ("search", "train"):
            measure(part, Path(name))


if __name__ == "__main__":
    main()
