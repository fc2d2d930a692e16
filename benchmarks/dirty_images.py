"""What broken images do to a search and a training, and what a large folder does to the memory.

    python benchmarks/dirty_images.py

1,000 images of which 50 are broken in ten ways: the search and the training run with
`--on_bad_image=skip`, and every broken file must be named. Then 20,000 images are read three times,
and the peak of the memory in each epoch is printed.
"""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
from absl import app, flags
from PIL import Image

IMAGES = flags.DEFINE_integer("images", 1000, "Of which a twentieth is broken.")
MANY = flags.DEFINE_integer("many", 20_000, "Images of the folder that is read three times.")
EPOCHS = 3
SPACE = "in_hw16_c3 cn_k3_s2_c8/16_nre ir/sk_k3_s1_e1/2_c16_nre fc_c2"
KINDS = ("JPEG", "PNG", "GIF", "WEBP")


def image(random: np.random.Generator, label: int, side: int) -> Image.Image:
    """Noise, of a colour that tells its class."""
    pixels = random.integers(0, 120, (side, side, 3))
    pixels[..., label] += 100
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def huge_png() -> bytes:
    """A PNG whose header promises 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(99))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def broken(way: int, good: dict[str, bytes]) -> tuple[str, bytes | None]:
    """Suffix and content of a file that is broken in one of ten ways; None for a dangling link."""
    jpeg, png, gif, webp = (good[kind] for kind in KINDS)
    middle = len(png) // 2
    return (
        (".jpg", b""),
        (".jpg", b"<!DOCTYPE html><html>404</html>"),
        (".png", bytes(500)),
        (".jpg", jpeg[: len(jpeg) // 2]),
        (".gif", gif[: len(gif) // 2]),
        (".webp", webp[: len(webp) // 2]),
        (".png", png[:middle] + bytes([png[middle] ^ 0xFF]) + png[middle + 1 :]),
        (".jpg", jpeg[:20]),
        (".png", huge_png()),
        (".png", None),
    )[way]


def write_dirty(root: Path) -> set[str]:
    """Fills two class folders; returns the paths of the broken files."""
    random = np.random.default_rng(0)
    bad = set()
    for number in range(IMAGES.value):
        label = number % 2
        folder = root / f"class{label}"
        folder.mkdir(parents=True, exist_ok=True)
        picture = image(random, label, 24)
        if number % 20 == 7:
            good = {kind: encoded(picture, kind) for kind in KINDS}
            suffix, content = broken(number // 20 % 10, good)
            path = folder / f"{number:05d}{suffix}"
            if content is None:
                path.symlink_to(folder / "nowhere.png")
            else:
                path.write_bytes(content)
            bad.add(str(path))
        else:
            kind = KINDS[number // 2 % 4]
            path = folder / f"{number:05d}.{kind.lower()}"
            path.write_bytes(encoded(picture, kind))
    return bad


def skip_dirty(folder: Path) -> None:
    """Searches and trains on the dirty folder."""
    bad = write_dirty(folder / "images")
    named: set[str] = set()
    data = ["--dataset=directory", f"--data_dir={folder / 'images'}", "--on_bad_image=skip"]
    search = [f"--space={SPACE}", "--max_macs=60K", "--batch_size=32", f"--output={folder / 'run'}"]
    for name, arguments in (
        ("search", [*search, "--epochs=3", "--candidates=2"]),
        ("train", [f"--run={folder / 'run'}", "--epochs=2"]),
    ):
        command = [sys.executable, "-m", f"fbnetv2_tf.flags.{name}", *arguments, *data]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        found = set(re.findall(r"Skipped '([^']+)'", ran.stderr))
        named |= found
        if ran.returncode:
            raise SystemExit(f"{name} failed by itself: {ran.stderr[-2000:]}")
        last = ran.stdout.strip().splitlines()[-1]
        print(f"{name}: exit code {ran.returncode}, {len(found)} files named; {last[:100]}")
    print(
        f"{len(bad)} of {IMAGES.value} files broken in ten ways; {len(named & bad)} of them named, "
        f"and {len(named - bad)} that are good"
    )


def resident_mib() -> float:
    """Memory of this process, MiB."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


def measure_memory(folder: Path) -> None:
    """Reads a large folder three times."""
    from fbnetv2_tf.datasets import load_dataset

    random = np.random.default_rng(0)
    for label in range(2):
        (folder / f"class{label}").mkdir(parents=True)
    for number in range(MANY.value):
        path = folder / f"class{number % 2}" / f"{number:06d}.jpg"
        path.write_bytes(encoded(image(random, number % 2, 32), "JPEG"))
    began = time.monotonic()
    splits = load_dataset("directory", folder, image_side=32)
    dataset = splits.train.dataset(64, shuffle_seed=0, augment="light")
    peaks = []
    for epoch in range(EPOCHS):
        peak = 0.0
        for step, _ in enumerate(dataset):
            if epoch == step == 0:
                seconds = time.monotonic() - began
                print(f"{MANY.value:,} files: the first batch after {seconds:.1f} s")
            if step % 10 == 0:
                peak = max(peak, resident_mib())
        peaks.append(peak)
        print(f"epoch {epoch + 1}: peak {peak:.0f} MiB", flush=True)
    print(f"the peak moves by {100 * (max(peaks) / min(peaks) - 1):.1f} % over {EPOCHS} epochs")


def main(_: list[str]) -> None:
    """Prints both."""
    with tempfile.TemporaryDirectory() as folder:
        skip_dirty(Path(folder))
        measure_memory(Path(folder) / "many")


if __name__ == "__main__":
    app.run(main)
