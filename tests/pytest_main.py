"""Runs test files by pytest for Bazel, whose tests are programs: `pytest_main.py FILE...`."""

from __future__ import annotations

import os
import sys

import pytest


class SkippedFiles:
    """Counts the files that need a package that is not installed, and are skipped whole."""

    def __init__(self) -> None:
        self.count = 0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Pytest calls it for everything it collects."""
        self.count += report.skipped


def main(files: list[str]) -> int:
    """Runs the files in Bazel's folders and with its filter, where Bazel gives them.

    Args:
        files: Paths of test files, from the root of the workspace.

    Returns:
        The exit code of pytest: 0 when tests ran and every one of them passed, or when all of them
        need a package that is not installed.
    """
    options = ["-p", "no:cacheprovider"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={report}")
    if folder := os.environ.get("TEST_TMPDIR"):
        options.append(f"--basetemp={os.path.join(folder, 'pytest')}")
    if expression := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options += ["-k", expression]
    skipped = SkippedFiles()
    code = pytest.main([*options, *files], plugins=[skipped])
    is_skipped = code == pytest.ExitCode.NO_TESTS_COLLECTED and skipped.count > 0
    return 0 if is_skipped else int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
