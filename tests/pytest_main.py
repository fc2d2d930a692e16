"""Runs test files by pytest for Bazel, whose tests are programs: `pytest_main.py FILE...`."""

from __future__ import annotations

import os
import sys

import pytest


def main(files: list[str]) -> int:
    """Runs the files in Bazel's folders and with its filter, where Bazel gives them.

    Args:
        files: Paths of test files, from the root of the workspace.

    Returns:
        The exit code of pytest: 0 when tests ran and every one of them passed.
    """
    options = ["-p", "no:cacheprovider"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={report}")
    if folder := os.environ.get("TEST_TMPDIR"):
        options.append(f"--basetemp={os.path.join(folder, 'pytest')}")
    if expression := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options += ["-k", expression]
    return int(pytest.main([*options, *files]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
