"""What the first pages tell a newcomer to type works, from a clean checkout, at a reduced size.

The package is installed by the page's own `pip install .` from the files that a clone has, and
every command of the README and of docs/start.md runs where nothing else is, in their order, with
flags behind it that make it small. Their Python blocks run too. What `make quickstart` types is in
the README (`test_documented_commands.py`); `.ci/run` has `make` type it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .pages import blocks, typed_commands
from .sources import ROOT

FIRST_PAGES = ("README.md", "docs/start.md")
PYTHON_PAGES = (*FIRST_PAGES, "docs/spaces.md", "docs/architectures.md")

SHORTER = {
    "fbnetv2-search": ["--epochs=3", "--batch_size=16", "--candidates=2"],
    "fbnetv2-train": ["--epochs=2", "--batch_size=16"],
}
"""The flags behind a command; of a flag that is given twice the last one holds."""

SMALL_ARRAYS = ["--dataset=npz", "--data_dir=small.npz"]
SMALL_SPACE = [
    "--space=in_hw32_c3 cn_k3_s2_c8/16_nhs ir/sk_k3_s2_e1/2_c16_nre fc_c2",
    "--max_macs=300K",
]
"""In place of the data in the package, and of a space for photos of 224 pixels."""

RUNNER = """
import importlib, json, sys
modules = {"import": "import_checkpoint"}
for name, *arguments in json.load(sys.stdin):
    print("$", name, *arguments, flush=True)
    if name == "python":
        exec(compile(arguments[0], "the page", "exec"), {"__name__": "__main__"})
        continue
    short = name.removeprefix("fbnetv2-")
    driver = importlib.import_module(f"fbnetv2_tf.flags.{modules.get(short, short)}").DRIVER
    code = driver.run(arguments)
    if code:
        sys.exit(f"{name} must end with 0. Received: {code}.")
"""
"""Runs commands in one process: TensorFlow takes longer to start than they take at this size."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a clone has, with those that are new and not ignored."""
    folder = tmp_path_factory.mktemp("checkout")
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing += ["--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("git does not know the files here")
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `pip install .` in the checkout puts the package, away from the installed one."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", ".", "--quiet", "--target", str(folder)]
    command += ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with `photos`, two classes of images, and small.npz, ten classes of arrays."""
    shipped = np.load(ROOT / "fbnetv2_tf/datasets/data/fashion_mnist_10k.npz")
    images, labels = shipped["images"], shipped["labels"]
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number, image in enumerate(images[labels == label][:80]):
            photo = Image.fromarray(image).convert("RGB").resize((44, 36))
            photo.save(tmp_path / "photos" / name / f"{number}.jpg")
    np.savez(tmp_path / "small.npz", x_train=images[:600], y_train=labels[:600])
    return tmp_path


def run(installed: Path, place: Path, commands: list[list[str]]) -> str:
    """What the commands print; all must end well."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(installed)},
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)  # shown where a test fails
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def shortened(words: list[str]) -> list[str]:
    """A command with the flags that make it small."""
    more = SHORTER.get(words[0], [])
    if words[0] == "fbnetv2-search":
        is_own = "--dataset=directory" in words
        more = [*more, *(SMALL_SPACE if is_own else SMALL_ARRAYS)]
    return [*words, *more]


@pytest.mark.slow
def test_every_command_of_the_first_pages_works(installed: Path, place: Path) -> None:
    typed = [words for page in FIRST_PAGES for words in typed_commands(ROOT / page)]
    others = {" ".join(words) for words in typed if not words[0].startswith("fbnetv2-")}
    assert others == {"make quickstart", "make test", "pip install ."}
    commands = [words for words in typed if words[0].startswith("fbnetv2-")]
    # What stands on both pages is typed once.
    once = [json.loads(text) for text in dict.fromkeys(map(json.dumps, commands))]
    printed = run(installed, place, [shortened(words) for words in once])
    assert printed.count("\n$ ") == len(once) - 1
    for written in (
        "quickstart/model.tflite",
        "quickstart/model_int8.tflite",
        "first/model_int8.tflite",
        "photos/model_int8.tflite",
    ):
        assert (place / "runs" / written).is_file()
        assert (place / "runs" / written).with_name("report.html").is_file()
        assert (place / "runs" / written).with_name("child.keras").is_file()


def test_what_runs_is_what_the_checkout_installed(installed: Path, place: Path) -> None:
    code = "import fbnetv2_tf.flags; print(fbnetv2_tf.flags.__file__)"
    assert run(installed, place, [["python", code]]).split()[-1].startswith(f"{installed}/")


def test_a_command_that_fails_is_seen(installed: Path, place: Path) -> None:
    commands = [["fbnetv2-count", "--architecture=fbnet_c"], ["fbnetv2-count", "--space=none"]]
    with pytest.raises(AssertionError, match=r"fbnetv2-count must end with 0\. Received: 2"):
        run(installed, place, commands)


def test_the_budget_for_photos_is_one_of_their_space() -> None:
    from fbnetv2_tf.flags.search import DRIVER, plan_budgets
    from fbnetv2_tf.flags.search_flags import options
    from fbnetv2_tf.space import parse_space

    [words] = [w for w in typed_commands(ROOT / "README.md") if "--data_dir=photos" in w]
    values = DRIVER.flag_values()
    values(words)
    asked = options(values)
    budgets = plan_budgets(parse_space(asked.space), asked)
    assert budgets.held == {"macs": 60e6}


@pytest.mark.slow
def test_every_python_block_runs(installed: Path, place: Path) -> None:
    pages = []
    for page in PYTHON_PAGES:
        code = "\n".join(blocks(ROOT / page, "python"))
        batches = ".dataset(64, shuffle_seed=0)"
        shorter = code.replace(batches, f"{batches}.take(2)")
        assert ("net.fit(" in code) == (shorter != code)
        pages.append(["python", re.sub(r"epochs, steps = \d+", "epochs, steps = 2", shorter)])
    printed = run(installed, place, pages)
    assert "56231936\n" in printed  # README: "as published"


@pytest.mark.parametrize(
    ("target", "typed"),
    [("quickstart", "-m fbnetv2_tf.flags.quickstart"), ("test", "-m pytest")],
)
def test_make_would_install_and_run(target: str, typed: str, checkout: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "--dry-run", target]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    assert "pip --disable-pip-version-check install" in done.stdout
    assert f".venv/bin/python {typed}" in done.stdout
