"""The frame of the drivers: help, one-line errors, exit codes, flagfiles."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from absl import flags

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.flags import common
from fbnetv2_tf.flags.driver import Driver, flagfile_text
from fbnetv2_tf.interruption import RunInterruptedError, stop_request
from fbnetv2_tf.units import KIB


@dataclass(frozen=True)
class Greeting:
    """What the driver of these tests is told."""

    who: str
    times: int
    limit: tuple[int, ...] | None
    flagfile: str


def define(flag_values: Any) -> None:
    flags.DEFINE_string("who", "world", "Whom to greet.", flag_values=flag_values)
    flags.DEFINE_integer(
        "times", 1, "How often.", lower_bound=1, upper_bound=9, flag_values=flag_values
    )
    flags.DEFINE_enum("tone", "warm", ["warm", "cold"], "How.", flag_values=flag_values)
    flags.DEFINE_boolean("loud", True, "Whether loudly.", flag_values=flag_values)
    common.define_quantity(flag_values, "max_macs", "At most.", many=True)
    common.define_path(flag_values, "output", "Where.")


def options(flag_values: Any) -> Greeting:
    return Greeting(
        flag_values.who,
        flag_values.times,
        flag_values.max_macs,
        flagfile_text("fbnetv2-greet", flag_values),
    )


def greet(greeting: Greeting) -> None:
    sys.stdout.write(f"Hello {greeting.who}\n" * greeting.times)


def driver(main: Any = greet) -> Driver[Greeting]:
    return Driver(
        name="fbnetv2-greet",
        summary="greets.",
        usage=("fbnetv2-greet --who=you",),
        first=("who", "times", "tone", "loud"),
        define=define,
        options=options,
        main=main,
    )


def test_a_good_command_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert driver().run(["--who=you", "--times=2"]) == 0
    assert capsys.readouterr().out == "Hello you\nHello you\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--whom=you"], "Unknown command line flag 'whom'"),
        (["--times=0"], "flag --times=0"),
        (["--times=many"], "flag --times=many"),
        (["--tone=loud"], "value should be one of <warm|cold>"),
        (["--max_macs=60Q"], "--max_macs=60Q: A count must be a number"),
        (["--output="], "a path must not be empty"),
        (["you"], "must be given as a flag, such as --who=.... Received: 'you'"),
        (["--flagfile=nowhere.txt"], "Unable to open flagfile"),
    ],
)
def test_bad_flags_are_one_line_and_code_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert driver().run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fbnetv2-greet: error: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_bad_input_found_later_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(greeting: Greeting) -> None:
        raise InputError("The budget is\nbelow the smallest network.")

    assert driver(refuse).run([]) == 2
    expected = "fbnetv2-greet: error: The budget is below the smallest network.\n"
    assert capsys.readouterr().err == expected


def test_names_from_strangers_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(greeting: Greeting) -> None:
        raise InputError("'a\x1b[2J\nb' is no file.")

    assert driver(refuse).run([]) == 2
    assert capsys.readouterr().err == "fbnetv2-greet: error: 'a\\x1b[2J b' is no file.\n"
    assert driver().run([f"--times={'9' * 100_000}"]) == 2
    err = capsys.readouterr().err
    assert len(err) < 2100
    assert err.count("\n") == 1


def test_what_the_system_refuses_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def missing(greeting: Greeting) -> None:
        (tmp_path / "data.npz").read_bytes()

    def full(greeting: Greeting) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert driver(missing).run([]) == 2
    assert "data.npz' cannot be used: No such file or directory" in capsys.readouterr().err
    assert driver(full).run([]) == 2
    assert "The system refused: No space left on device" in capsys.readouterr().err


def test_a_fault_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(greeting: Greeting) -> None:
        raise RuntimeError("a defect")

    assert driver(fail).run([]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "RuntimeError: a defect" in err


def test_an_interruption_is_75_and_sigterm_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(greeting: Greeting) -> None:
        raise RunInterruptedError("Saved after epoch 3.")

    def terminated(greeting: Greeting) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    assert driver(stopped).run([]) == 75
    assert capsys.readouterr().err == "fbnetv2-greet: interrupted. Saved after epoch 3.\n"
    assert driver(terminated).run([]) == 75
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_first_signal_asks_and_a_second_one_interrupts() -> None:
    with stop_request() as request:
        signal.raise_signal(signal.SIGTERM)
        assert request.received
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_flagfile_repeats_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Greeting] = []
    first = ["--who=a # first\nb", "--times=3", "--max_macs=0.1M,2Ki", "--noloud"]
    assert driver(seen.append).run(first) == 0
    path = tmp_path / "flags.txt"
    path.write_text(seen[0].flagfile)
    assert "--noloud\n" in seen[0].flagfile
    assert driver(seen.append).run([f"--flagfile={path}"]) == 0
    assert seen[1].limit == seen[0].limit == (100_000, 2048)
    assert seen[1].who == "a b"
    assert seen[1].flagfile == seen[0].flagfile
    assert capsys.readouterr().err == ""


def test_help_is_short_and_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    for argument in ("--help", "--helpshort"):
        assert driver().run([argument]) == 0
        out = capsys.readouterr().out
        assert [
            out.index(f"  --{name}") for name in ("who", "times", "tone", "[no]loud")
        ] == sorted(out.index(f"  --{name}") for name in ("who", "times", "tone", "[no]loud"))
        assert "--max_macs" not in out
        assert "How. Default: warm." in out
        assert ">: How" not in out  # absl's list of the values, which stand in the flag's form
    assert driver().run(["--helpfull"]) == 0
    assert "--max_macs=60M,..." in capsys.readouterr().out
    assert driver().run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fbnetv2-greet 0.")


def test_exactly_one_of_two_flags() -> None:
    flag_values = flags.FlagValues()
    common.define_run(flag_values)
    common.define_architecture(flag_values)
    common.define_dataset(flag_values)
    common.define_quantity(flag_values, "max_activation_kib", "At most.", unit=KIB)
    flag_values(["x", "--run=~/r", "--max_activation_kib=1MiB"])
    assert common.one_of(flag_values, "run", "architecture") == "run"
    assert flag_values.run == Path("~/r").expanduser()
    assert flag_values.max_activation_kib == 1024.0
    assert flag_values.dataset is None
    with pytest.raises(InputError, match=r"--architecture or --data_dir .* none of them"):
        common.one_of(flag_values, "architecture", "data_dir")


def test_the_frame_loads_no_tensorflow() -> None:
    code = (
        "import sys, fbnetv2_tf.flags.driver, fbnetv2_tf.flags.common\n"
        "sys.exit(any(m.split('.')[0] in ('tensorflow', 'keras', 'numpy') for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)


def test_a_reader_that_leaves_is_no_error() -> None:
    code = (
        "from tests.test_driver import driver\n"
        "def main(o):\n"
        "    for _ in range(100_000): print('line')\n"
        "import sys; sys.exit(driver(main).run([]))"
    )
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0
    assert err == b""
