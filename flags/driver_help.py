"""What `--help` prints: the flags that one needs first, in the order in which one needs them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from absl import flags

if TYPE_CHECKING:
    from .driver import Driver

WIDTH = 96


def short_help(driver: Driver[Any], flag_values: Any) -> str:
    """The summary, the usage and the first flags."""
    lines = [_head(driver), *_rows(driver.first, flag_values)]
    lines += ["", f"{driver.name} --helpfull lists every flag; --flagfile=FILE reads them."]
    return "\n".join(lines)


def full_help(driver: Driver[Any], flag_values: Any) -> str:
    """The summary, the usage and every flag: the first ones first, the others by name."""
    rest = [name for name in sorted(flag_values) if name not in driver.first]
    return "\n".join(
        [_head(driver), *_rows(driver.first, flag_values), "", *_rows(rest, flag_values)]
    )


def _head(driver: Driver[Any]) -> str:
    usage = "\n".join(f"  {_broken(line)}" for line in driver.usage)
    return f"{driver.name}: {driver.summary}\n\n{usage}\n"


def _broken(line: str) -> str:
    """A command line that is too long, in lines that a shell takes together."""
    parts = textwrap.wrap(line, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    return " \\\n      ".join(parts)


def _rows(names: Iterable[str], flag_values: Any) -> list[str]:
    indent = " " * 24
    rows = []
    for name in names:
        flag = flag_values[name]
        is_told = flag.default is not False and flag.default not in (None, "", [])
        default = f" Default: {_shown(flag)}." if is_told else ""
        left = f"  {_form(flag)}"
        # A form too long for its column stands on a line of its own.
        opening = left + "\n" + indent if len(left) > 22 else left.ljust(24)
        text = textwrap.wrap(_sentence(flag) + default, WIDTH - len(indent))
        rows.append(opening + ("\n" + indent).join(text))
    return rows


def _sentence(flag: Any) -> str:
    """A flag's help without the values that absl writes before it, which its form shows."""
    return str(flag.help).strip().partition(">: ")[2] if _values(flag) else str(flag.help).strip()


def _values(flag: Any) -> list[str]:
    return getattr(flag.parser, "enum_values", None) or []


def _form(flag: Any) -> str:
    if flag.boolean:
        return f"--[no]{flag.name}" if flag.default else f"--{flag.name}"
    if _values(flag):
        return f"--{flag.name}=" + "|".join(_values(flag))
    return f"--{flag.name}={_placeholder(flag.parser)}"


def _placeholder(parser: Any) -> str:
    if isinstance(parser, flags.IntegerParser):
        return "INTEGER"
    if isinstance(parser, flags.FloatParser):
        return "NUMBER"
    return str(getattr(parser, "placeholder", "TEXT"))


def _shown(flag: Any) -> str:
    return str(flag.default_as_str).strip("'")
