"""The frame of every driver: parsing, help, one-line errors and exit codes.

A driver is three functions: `define(flag_values)` registers its flags, `options(flag_values)` reads
them into a frozen dataclass, `main(options)` does the work. Only the frame touches `sys.argv`, the
environment and the exit code:

| code | means |
|---|---|
| 0 | done |
| 1 | a fault of the program (with its traceback) |
| 2 | bad input, one line on stderr that says what to change |
| 75 | interrupted; the state is saved and the same command continues |
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Generic, TypeVar

from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.interruption import RunInterruptedError
from fbnetv2_tf.printable import printable
from fbnetv2_tf.version import __version__

from .driver_help import full_help, short_help
from .heaps import limit_heaps
from .threads import limit_threads

DONE, FAULT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 75

FRAME_FLAGS = ("help", "helpshort", "helpfull", "version")

LONGEST = 2000
"""Characters of a sentence that are shown; somebody's 100 kB of text are not."""

Options = TypeVar("Options")


@dataclass(frozen=True)
class Driver(Generic[Options]):
    """A command.

    Attributes:
        name: as it is typed, `fbnetv2-train`.
        summary: one sentence for the first line of `--help`.
        usage: example command lines.
        first: the flags that `--help` lists, in this order; `--helpfull` lists all.
        define: registers the flags.
        options: reads them; raises `InputError` for what cannot be.
        main: the work.
        listed: the flag (of several values) that words without `--` belong to; "" refuses them.

    Example:
        >>> from absl import flags
        >>> def define(flag_values):
        ...     flags.DEFINE_string("who", "world", "Whom to greet.", flag_values=flag_values)
        >>> hello = Driver(
        ...     name="hello", summary="Greets.", usage=("hello --who=you",), first=("who",),
        ...     define=define, options=lambda values: values.who, main=lambda who: print("Hi", who),
        ... )
        >>> hello.run(["--who=you"])
        Hi you
        0
    """

    name: str
    summary: str
    usage: tuple[str, ...]
    first: tuple[str, ...]
    define: Callable[[Any], None]
    options: Callable[[Any], Options]
    main: Callable[[Options], None]
    listed: str = ""

    def console(self) -> None:
        """The console script's entry point; does not return."""
        sys.exit(self.run(sys.argv[1:]))

    def run(self, arguments: Sequence[str]) -> int:
        """Parses the arguments and does the work.

        Args:
            arguments: the command line after the program's name.

        Returns:
            The exit code.
        """
        # TensorFlow's C++ log is for its developers; whoever wants it sets the variable.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        # Off by default on AMD's processors, where it makes a training step 1.4 times as fast too.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        limit_heaps()
        limit_threads()
        try:
            flag_values = self.flag_values()
            self._parse(flag_values, arguments)
            if not self._explained(flag_values):
                with _termination_interrupts():
                    self.main(self.options(flag_values))
                sys.stdout.flush()
            return DONE
        except (InputError, flags.Error) as error:
            return self._complain(str(error))
        except BrokenPipeError:
            # The reader of our output (`| head`) has gone; nothing is left to say to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except OSError as error:
            return self._complain(what_the_system_said(error))
        except (KeyboardInterrupt, RunInterruptedError) as error:
            said = str(error) or "The same command continues from the last state that was saved."
            print(f"{self.name}: interrupted. {said}", file=sys.stderr)
            return INTERRUPTED
        except Exception:  # the one place that turns a fault into an exit code
            traceback.print_exc()
            return FAULT

    def flag_values(self) -> Any:
        """Fresh flags of this driver, shared with nobody."""
        flag_values = flags.FlagValues()
        self.define(flag_values)
        for name, text in (
            ("help", "Show the flags that one needs first."),
            ("helpshort", "The same as --help."),
            ("helpfull", "Show every flag."),
            ("version", "Show the version."),
        ):
            flags.DEFINE_boolean(name, False, text, flag_values=flag_values)
        return flag_values

    def _parse(self, flag_values: Any, arguments: Sequence[str]) -> None:
        rest = flag_values([self.name, *arguments])[1:]
        if rest and self.listed:
            flag_values[self.listed].parse([*(flag_values[self.listed].value or ()), *rest])
        elif rest:
            raise InputError(
                f"Everything must be given as a flag, such as --{self.first[0]}=.... "
                f"Received: {rest[0]!r}."
            )

    def _explained(self, flag_values: Any) -> bool:
        """Whether help or the version was asked for, and printed."""
        if flag_values.version:
            print(f"{self.name} {__version__}")
        elif flag_values.helpfull:
            print(full_help(self, flag_values))
        elif flag_values.help or flag_values.helpshort:
            print(short_help(self, flag_values))
        else:
            return False
        return True

    def _complain(self, sentence: str) -> int:
        words = sentence.replace("ERROR:: ", "").replace("FATAL Flags ", "").split()
        line = printable(" ".join(words))
        if len(line) > LONGEST:
            line = f"{line[: LONGEST // 2]} [...] {line[-LONGEST // 2 :]}"
        print(f"{self.name}: error: {line}", file=sys.stderr)
        return BAD_INPUT


def flagfile_text(name: str, flag_values: Any) -> str:
    """The text of a flagfile that repeats a command: every flag that has a value.

    Args:
        name: the command, for the comment in the first line.
        flag_values: parsed flags.

    Returns:
        Lines `--name=value`, in alphabetical order.
    """
    lines = [f"# {name} --flagfile=<this file> repeats this command."]
    for flag in sorted(flag_values):
        holder = flag_values[flag]
        if flag not in FRAME_FLAGS and holder.value is not None:
            lines.append(_one_line(holder.serialize()))
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """A flag's text without line breaks, and without the comments that those would have ended."""
    parts = text.splitlines()
    return text if len(parts) == 1 else " ".join(part.split("#")[0].strip() for part in parts)


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread, where signals do not arrive
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def what_the_system_said(error: OSError) -> str:
    """What a file could not be used for, in a sentence."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return f"The system refused: {reason}."
    return f"{os.fsdecode(error.filename)!r} cannot be used: {reason}."
