"""The words of the architecture text: which kinds there are, and which tokens each of them takes.

A block is a kind and tokens joined by `_`; a token is a short name and a value, `k3` or `nhs`.
This table is the whole vocabulary; `architecture.py` and `space.py` only put it together.
"""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass
from decimal import Decimal

ACTIVATIONS = ("re", "r6", "hs", "sw")
"""relu, relu6, hard-swish, swish."""

MAXIMUM_BLOCKS = 512
MAXIMUM_ALTERNATIVES = 1024
"""Alternatives of one token."""

MAXIMUM_ALL_ALTERNATIVES = 16_384
"""Alternatives of all tokens of a space; 9 characters each at most, so that its text fits too."""

MAXIMUM_TEXT = 250_000
"""Characters."""

NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)

Value = int | float | str


@dataclass(frozen=True)
class Token:
    """One token of the grammar: its name in the text, its field in a block, and its values.

    Attributes:
        name: the letters before the value.
        field: the attribute of a `Block` that holds it.
        low, high: the inclusive range of a number; None for the activation.
        whole: whether the number must be an integer.
        odd: whether it must be odd.
        default: the value where the token may be left out, else None.
    """

    name: str
    field: str
    low: float | None = None
    high: float | None = None
    whole: bool = True
    odd: bool = False
    default: Value | None = None

    @property
    def expected(self) -> str:
        """What a value may be, in words for an error message."""
        if self.low is None:
            return "one of " + ", ".join(ACTIVATIONS)
        noun = "an odd integer" if self.odd else "an integer" if self.whole else "a number"
        decimals = "" if self.whole else " with at most 6 decimals"
        return f"{noun} from {self.low:g} to {self.high:g}{decimals}"

    def value(self, text: str) -> Value | None:
        """The value of `text`, or None where it is not one that this token may have."""
        if self.low is None or self.high is None:
            return text if text in ACTIVATIONS else None
        if not NUMBER.fullmatch(text):
            return None
        number = float(text)
        if not self.low <= number <= self.high or (self.whole and number % 1):
            return None
        if self.odd and number % 2 == 0:
            return None
        return int(number) if self.whole else number

    def canonical(self, value: object) -> Value | None:
        """The value of any object, a NumPy number too; None where the text cannot have it."""
        if isinstance(value, str):
            return self.value(value) if self.low is None else None
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return None
        return self.value(format_number(float(value)))


SIDE = Token("hw", "side", 1, 4096)
CHANNELS = Token("c", "channels", 1, 16384)
CLASSES = Token("c", "channels", 1, 1_000_000)
KERNEL = Token("k", "kernel", 1, 31, odd=True)
STRIDE = Token("s", "stride", 1, 2)
EXPANSION = Token("e", "expansion", 0.05, 64, whole=False)
SE = Token("se", "se", 0, 1, whole=False, default=0.0)
ACTIVATION = Token("n", "activation")
REPEATS = Token("r", "repeats", 1, MAXIMUM_BLOCKS, default=1)

GRAMMAR: dict[str, tuple[Token, ...]] = {
    "in": (SIDE, CHANNELS),
    "cn": (KERNEL, STRIDE, CHANNELS, ACTIVATION),
    "ds": (KERNEL, STRIDE, CHANNELS, SE, ACTIVATION),
    "ir": (KERNEL, STRIDE, EXPANSION, CHANNELS, SE, ACTIVATION),
    "sk": (STRIDE, CHANNELS, ACTIVATION),
    "ip": (EXPANSION, CHANNELS, ACTIVATION),
    "pl": (),
    "fc": (CLASSES,),
}
"""Which tokens a block of each kind takes, in the order in which they are printed."""

REPEATABLE = ("cn", "ds", "ir", "sk")

SEARCHABLE = ("hw", "k", "e", "c", "se", "n")
"""Tokens that may be alternatives in a space (channels of `in` and `fc` may not)."""


def split_token(text: str) -> tuple[str, str]:
    """`"k3/5"` -> `("k", "3/5")`, `"nhs"` -> `("n", "hs")`; a value may be empty."""
    if text.startswith("n"):  # the one token whose value has letters
        return "n", text[1:]
    name = re.match(r"[a-z]*", text)
    letters = name.group() if name else ""
    return letters, text[len(letters) :]


def format_number(value: float) -> str:
    """A number as the text writes it: no trailing zeros, no exponent.

    Example:
        >>> format_number(6.0), format_number(5.4566), format_number(0.000001)
        ('6', '5.4566', '0.000001')
    """
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_value(value: Value) -> str:
    """A token's value as the text writes it."""
    return value if isinstance(value, str) else format_number(value)
