"""SVG as text: elements, pictures with a description, and the ticks of an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup, escape


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. Text is escaped; an attribute's `_` is a hyphen, one at the end is dropped.

    Example:
        >>> print(tag("text", "a < b", x=1.50, class_="label"))
        <text x="1.5" class="label">a &lt; b</text>
    """
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
    )
    inner = "".join(str(escape(child)) for child in children)
    return Markup(f"<{name}{words}>{inner}</{name}>" if inner else f"<{name}{words}/>")


def picture(
    width: float, height: float, description: str, children: Iterable[Markup], class_: str = ""
) -> Markup:
    """An SVG picture that fills its place's width, with a description for who cannot see it."""
    return tag(
        "svg",
        tag("title", description),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_text(width)} {_text(height)}",
        width=width,
        height=height,
        role="img",
        class_=f"picture {class_}".strip(),
    )


def label(x: float, y: float, text: object, place: str = "start", class_: str = "") -> Markup:
    """Text whose `place` (`start`, `middle`, `end`) is at x."""
    extra = {"class_": class_} if class_ else {}
    return tag("text", text, x=x, y=y, text_anchor=place, **extra)


def ticks(low: float, high: float, number: int = 5) -> list[float]:
    """Round values, about so many, inside a range.

    Example:
        >>> ticks(0.13, 1.08), ticks(560_000, 680_000)
        ([0.2, 0.4, 0.6, 0.8, 1.0], [600000.0, 650000.0])
    """
    if not high > low:
        return [low]
    rough = (high - low) / number
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step)))
    return [round(step * place, decimals) for place in range(first, last + 1)]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
