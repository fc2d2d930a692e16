"""What pip installs: names, versions, scripts and every file, in the installed layout."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import fbnetv2_tf

from .sources import INSTALLED_NAMES, ROOT

DRIVERS = (
    "search",
    "train",
    "evaluate",
    "export",
    "count",
    "latency",
    "benchmark",
    "report",
    "import",
)


def shipped_files() -> dict[str, Path]:
    """Every file of the three folders by its path in an installation."""
    return {
        f"{name.replace('.', '/')}/{path.relative_to(ROOT / folder).as_posix()}": path
        for folder, name in INSTALLED_NAMES.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


SOURCE_FILES = (
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "Makefile",
    "constraints.txt",
    "mkdocs.yml",
)
"""What a source distribution has at its top, beside the folders."""


@pytest.fixture(scope="module")
def source_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the source as it stands."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in (*INSTALLED_NAMES, "docs", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in SOURCE_FILES:
        shutil.copy(ROOT / name, source)
    code = "import setuptools.build_meta as b; b.build_sdist('..')"
    subprocess.run([sys.executable, "-c", code], cwd=source, stdout=subprocess.DEVNULL, check=True)
    [built] = folder.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(source_distribution: Path) -> Path:
    """The unpacked wheel that the source distribution makes."""
    folder = source_distribution.parent
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--no-build-isolation", "--no-cache-dir"]
    command += ["--wheel-dir", str(folder), str(source_distribution)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel as pip installs it, with its commands, where no source is."""
    folder = wheel.parent / "site"
    [built] = wheel.parent.glob("*.whl")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(folder), str(built)]
    subprocess.run(command, check=True)
    return folder


@pytest.mark.parametrize("name", fbnetv2_tf.__all__)
def test_every_public_name_loads(name: str) -> None:
    loaded = getattr(fbnetv2_tf, name)
    assert vars(fbnetv2_tf)[name] is loaded
    assert name in dir(fbnetv2_tf)


def test_type_checkers_are_told_the_same_names() -> None:
    tree = ast.parse((ROOT / "fbnetv2_tf" / "__init__.py").read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and "TYPE" in ast.dump(node)]
    told = {
        alias.asname: statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert told == fbnetv2_tf._MODULE_OF


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'fbnetv2_tf' has no attribute 'build_modle'"):
        _ = fbnetv2_tf.build_modle


def test_a_name_whose_module_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fbnetv2_tf._MODULE_OF, "ghost", "builders.ghost")
    with pytest.raises(AttributeError, match=r"'fbnetv2_tf\.builders\.ghost'") as raised:
        _ = fbnetv2_tf.ghost
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_a_missing_library_is_not_taken_for_a_missing_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needy.py").write_text("import a_library_that_is_not_installed\nthing = 1\n")
    monkeypatch.setattr(fbnetv2_tf, "__path__", [*fbnetv2_tf.__path__, str(tmp_path)])
    monkeypatch.setitem(fbnetv2_tf._MODULE_OF, "thing", "needy")
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_installed"):
        _ = fbnetv2_tf.thing


@pytest.mark.parametrize("folder", ["builders", "flags"])
def test_a_folder_has_its_installed_name_alone(
    monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    assert importlib.import_module(f"fbnetv2_tf.{folder}").__name__ == f"fbnetv2_tf.{folder}"
    expected = f"must be imported as 'fbnetv2_tf.{folder}'. Received: '{folder}'"
    with pytest.raises(ImportError, match=expected):
        importlib.import_module(folder)


def test_the_installed_version_is_the_one_of_the_source() -> None:
    assert importlib.metadata.version("fbnetv2-tf") == fbnetv2_tf.__version__


@pytest.mark.parametrize("driver", DRIVERS)
def test_each_driver_is_a_command_without_arguments(driver: str) -> None:
    scripts = importlib.metadata.distribution("fbnetv2-tf").entry_points
    console = scripts[f"fbnetv2-{driver}"].load()
    assert not inspect.signature(console).parameters


def test_the_source_distribution_has_what_tests_and_pages_need(source_distribution: Path) -> None:
    with tarfile.open(source_distribution) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    folders = [ROOT / name for name in (*INSTALLED_NAMES, "docs", "tests")]
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - found == set()
    assert set(SOURCE_FILES) - found == set()


def test_the_wheel_has_every_file_and_no_other(wheel: Path) -> None:
    built = {
        path.relative_to(wheel).as_posix(): path.read_bytes()
        for path in wheel.rglob("*")
        if path.is_file() and not path.relative_to(wheel).parts[0].endswith(".dist-info")
    }
    assert built.keys() == shipped_files().keys()
    assert built == {name: path.read_bytes() for name, path in shipped_files().items()}


def test_the_wheel_works_where_the_source_is_not(wheel: Path) -> None:
    code = (
        "import fbnetv2_tf as fb; "
        "print(len(fb.__path__), fb.__file__, fb.count(fb.zoo['fbnetv2_f1'].architecture).macs)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=wheel,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    assert output.split() == ["1", str(wheel / "fbnetv2_tf" / "__init__.py"), "56231936"]


def test_the_installed_command_searches_the_shipped_data(installed: Path, tmp_path: Path) -> None:
    command = [
        str(installed / "bin" / "fbnetv2-search"),
        "--space=in_hw28_c1 cn_k3_s2_c8/16_nre fc_c10",
        "--max_macs=30K",
        "--epochs=2",
        "--batch_size=1024",
        "--candidates=2",
        "--output=run",
    ]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    output = subprocess.run(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True, text=True
    ).stdout
    assert "Architecture: in_hw28_c1 cn_k3_s2_c" in output
    assert "Report: run/report.html" in output
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "A network for fashion_mnist_10k in" in report
    found = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"search.json", "architecture.txt", "inherited.keras", "tensorboard"} <= found
