"""Every command and every call in the README and the pages is one that there is.

`test_documentation_runs.py` runs those of the first pages.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import fbnetv2_tf
from fbnetv2_tf.flags import quickstart

from .pages import PAGES, blocks, typed_commands
from .sources import ROOT

MODULES = {"import": "import_checkpoint"}
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def commands() -> list[Any]:
    """Every line that is typed, by its page."""
    return [
        pytest.param(words, id=f"{path.name}: {' '.join(words)}")
        for path in PAGES
        for words in typed_commands(path)
    ]


def python_blocks() -> list[Any]:
    return [
        pytest.param(block, id=f"{path.name} {place}")
        for path in PAGES
        for place, block in enumerate(blocks(path, "python"), start=1)
    ]


@pytest.mark.parametrize("words", commands())
def test_a_command_has_its_flags(words: list[str]) -> None:
    name = words[0]
    if name == "make":
        assert set(words[1:]) <= {*TARGETS, *(w for w in words if "=" in w)}
        return
    if not name.startswith("fbnetv2-"):
        assert name in ("apt-get", "pip", "tensorboard", "adb", "bazel", "cd", "git", "python")
        return
    short = name.removeprefix("fbnetv2-")
    driver = importlib.import_module(f"fbnetv2_tf.flags.{MODULES.get(short, short)}").DRIVER
    assert driver.name == name
    arguments = [word for word in words[1:] if not word.startswith("--flagfile=")]
    rest = driver.flag_values()([name, *arguments])[1:]
    assert not rest or driver.listed


@pytest.mark.parametrize("block", python_blocks())
def test_a_call_has_its_arguments(block: str) -> None:
    for node in ast.walk(ast.parse(block)):
        if not isinstance(node, ast.Attribute) or ast.unparse(node.value) != "fb":
            continue
        assert hasattr(fbnetv2_tf, node.attr)
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("fb."):
            called = getattr(fbnetv2_tf, ast.unparse(node.func).removeprefix("fb.").split(".")[0])
            if callable(called) and "." not in ast.unparse(node.func)[3:]:
                keywords = {word.arg: None for word in node.keywords if word.arg}
                inspect.signature(called).bind_partial(*node.args, **keywords)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    for link in links:
        if not link.startswith(("https://", "http://")):
            assert (path.parent / link).exists(), link


def test_every_page_is_in_the_table_of_contents_once() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"\S+\.md", settings.split("nav:")[1].split("hooks:")[0])
    docs = ROOT / "docs"
    pages = [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")]
    assert sorted(listed) == sorted(pages)


def test_the_readme_shows_the_commands_of_the_quickstart(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[list[str]] = []

    def remember(driver: Any, arguments: list[str]) -> None:
        run.append([driver.name, *arguments])

    monkeypatch.setattr(quickstart, "_command", remember)
    monkeypatch.setattr(quickstart, "_print_table", lambda *_: None)
    values = quickstart.DRIVER.flag_values()
    values(["quickstart"])
    quickstart.main(quickstart.options(values))
    shown = typed_commands(ROOT / "README.md")
    first = shown.index(run[0])
    assert shown[first : first + len(run)] == run


@pytest.mark.parametrize(
    "name",
    ["search", "train", "evaluate", "export", "count", "latency", "report", "benchmark"],
)
def test_help_is_short(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    driver = importlib.import_module(f"fbnetv2_tf.flags.{name}").DRIVER
    assert len(driver.first) <= 14
    assert driver.run(["--help"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) <= 40
    assert max(map(len, out.splitlines())) <= 100
