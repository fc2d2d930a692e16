"""How a benchmark is run: what a person has given wrongly is one sentence, as with the drivers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from absl import app

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags.driver import BAD_INPUT, what_the_system_said


def run(main: Callable[[list[str]], Any]) -> None:
    """Runs a program of `absl`; a mistake in what it was given is a line, and `BAD_INPUT`.

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
            sentence = what_the_system_said(error)
        print(sentence, file=sys.stderr)
        sys.exit(BAD_INPUT)

    app.run(guarded)
