"""How a benchmark is run: what a person has given wrongly is one sentence, as with the drivers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from absl import app

from fbnetv2_tf.errors import InputError

BAD_INPUT = 2
"""The exit code, as the drivers have it."""


def run(main: Callable[[list[str]], Any]) -> None:
    """Runs a program of `absl`; a mistake in what it was given is a line, and the exit code 2.

    Args:
        main: takes the words of the command line that are no flags.
    """

    def guarded(words: list[str]) -> Any:
        try:
            return main(words)
        except InputError as error:
            sentence = str(error)
        except ModuleNotFoundError as error:
            sentence = f"{error}: `pip install {error.name}`."
        except OSError as error:
            if error.filename is None:
                raise
            sentence = f"{error.filename}: {error.strerror}."
        print(sentence, file=sys.stderr)
        sys.exit(BAD_INPUT)

    app.run(guarded)
