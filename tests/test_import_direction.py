"""Imports point down: flags -> builders -> fbnetv2_tf; text and costs need no Keras."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import fbnetv2_tf

from .sources import INSTALLED_NAMES, ROOT, SOURCES

# A folder imports itself and what stands before it.
RANKS = {name: rank for rank, name in enumerate(INSTALLED_NAMES.values())}
FRAMEWORKS = {"keras", "tensorflow", "tf_keras"}


def folder_of(module: str) -> str:
    """The installed name of the folder that a module of the package lies in."""
    return max((name for name in RANKS if f"{module}.".startswith(f"{name}.")), key=len)


@dataclass(frozen=True)
class Imported:
    """One name that an import statement asks for: `module`, or `module` or its attribute `name`."""

    where: str
    module: str
    name: str
    is_relative: bool

    @property
    def target(self) -> str:
        """The module of this package that it loads, or the library's name as it stands."""
        if self.module == "fbnetv2_tf" and self.name in fbnetv2_tf._MODULE_OF:
            return f"fbnetv2_tf.{fbnetv2_tf._MODULE_OF[self.name]}"
        inner = f"{self.module}.{self.name}".rstrip(".")
        return inner if inner in SOURCES or inner in RANKS else self.module


def statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that runs, at any depth: all but those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        yield from statements(node)


def imports(source: str, module: str) -> Iterator[Imported]:
    """What the text of a module imports."""
    is_package = module in SOURCES and SOURCES[module].name == "__init__.py"
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in statements(ast.parse(source)):
        where = f"{module}:{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Import):
            yield from (Imported(where, alias.name, "", False) for alias in node.names)
            continue
        base = package[: len(package) - node.level + 1] if node.level else []
        full = ".".join([*base, *filter(None, [node.module])])
        yield from (Imported(where, full, alias.name, node.level > 0) for alias in node.names)


def wrong_imports(source: str, module: str) -> list[str]:
    """What a module imports against the rules, each with the reason."""
    own, wrong = folder_of(module), []
    for each in imports(source, module):
        if not f"{each.target}.".startswith("fbnetv2_tf."):
            continue
        folder = folder_of(each.target)
        if RANKS[folder] > RANKS[own]:
            wrong.append(f"{each.where}: {own} must not import {folder}")
        elif folder == own and not each.is_relative:
            wrong.append(f"{each.where}: inside a folder imports are relative")
        elif folder != own and each.is_relative:
            wrong.append(f"{each.where}: across folders imports are absolute")
    return wrong


def all_that_loads_with(module: str) -> dict[str, set[str]]:
    """Each module of the package that a module needs, itself included, with what it imports."""
    found: dict[str, set[str]] = {}
    open_modules = [module]
    while open_modules:
        current = open_modules.pop()
        if current in SOURCES and current not in found:
            text = SOURCES[current].read_text(encoding="utf-8")
            found[current] = {each.target for each in imports(text, current)}
            open_modules += found[current]
    return found


def loaded_after(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after a statement."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    code = f"import sys\n{statement}\nprint('loaded:', *sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    return set(output.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module: str) -> None:
    assert wrong_imports(SOURCES[module].read_text(encoding="utf-8"), module) == []


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("fbnetv2_tf.masks", "import fbnetv2_tf.flags.search", "must not import fbnetv2_tf.flags"),
        ("fbnetv2_tf.masks", "from fbnetv2_tf import builders", "not import fbnetv2_tf.builders"),
        ("fbnetv2_tf.masks", "from fbnetv2_tf import zoo", "not import fbnetv2_tf.builders"),
        ("fbnetv2_tf.masks", "def f():\n from . import builders", "not import fbnetv2_tf.builders"),
        ("fbnetv2_tf.builders.model", "from ..flags import driver", "not import fbnetv2_tf.flags"),
        ("fbnetv2_tf.masks", "from fbnetv2_tf.choices import x", "imports are relative"),
        ("fbnetv2_tf.builders.model", "from ..counting import x", "imports are absolute"),
    ],
)
def test_a_wrong_import_is_seen(module: str, source: str, reason: str) -> None:
    [found] = wrong_imports(source, module)
    assert reason in found


def test_right_imports_pass() -> None:
    source = "import keras\nfrom .blocks import x\nfrom fbnetv2_tf.counting import count"
    assert wrong_imports(source, "fbnetv2_tf.builders.model") == []


@pytest.mark.parametrize(
    "names",
    ["__version__", "parse_architecture, parse_space", "count", "zoo", "InputError"],
)
def test_text_costs_and_zoo_load_neither_keras_nor_tensorflow(names: str) -> None:
    assert loaded_after(f"from fbnetv2_tf import {names}").isdisjoint(FRAMEWORKS)


def test_the_builder_needs_keras_and_no_tensorflow_of_its_own() -> None:
    needed = all_that_loads_with("fbnetv2_tf.builders.model")
    libraries = {name.split(".")[0] for names in needed.values() for name in names}
    assert {"fbnetv2_tf.builders.blocks", "fbnetv2_tf.counting"} <= needed.keys()
    assert libraries & FRAMEWORKS == {"keras"}
