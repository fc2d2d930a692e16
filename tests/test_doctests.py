"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib

import pytest

from .sources import SOURCES

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WITH_EXAMPLES = [name for name, path in SOURCES.items() if ">>>" in path.read_text("utf-8")]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples(module: str) -> None:
    results = doctest.testmod(importlib.import_module(module), optionflags=OPTIONS)
    assert results.attempted > 0
    assert results.failed == 0
