"""Random and mutated strings for the parsers: near misses of real texts, fragments, and noise."""

from __future__ import annotations

import random
from collections.abc import Iterator

FRAGMENTS = (
    *("in", "cn", "ds", "ir", "sk", "ip", "pl", "fc", "ir/sk", "ds/sk", "sk/ir", "IR", "xx", ""),
    *(
        "hw8",
        "hw28/32",
        "c3",
        "c8",
        "c16:40:8",
        "c8/16/24",
        "c1000000000",
        "c0",
        "c-8",
        "c08",
        "c8.0",
    ),
    *("k3", "k3/5", "k4", "k31", "s1", "s2", "s3", "e2", "e0.75:3.25:0.5", "e1e9", "enan", "e.5"),
    *("se0.25", "se0/0.25", "se2", "nre", "nre/hs", "nrelu", "n", "r3", "r512", "r1000000", "r0"),
    *(
        "c1:9999:1",
        "e1:64:0.000001",
        "c8:16:1e-999999",
        "c8:16:inf",
        "c16:8:8",
        "/",
        ":",
        "::",
        "#",
    ),
)
SEPARATORS = ("_", "_", "_", "_", " ", " ", "\n", "__", "", "\t", "\x0b", "\u2028", "\x00")
NOISE = "incdsrkpflhwe_0123456789./:# \n\t-+eEnaNx\x00\ud800\u0668é漢"
SOURCES = (
    "in_hw28_c1 cn_k3_s2_c8_nhs ds_k3_s1_c8_nre ir_k5_s2_e4_c24_se0.25_nre sk_s1_c24_nre "
    "ip_e6_c128_nhs fc_c10",
    "in_hw96/128/160_c3 cn_k3_s2_c16_nhs ir/sk_r3_k3/5_s1_e0.75:3.25:0.5_c16:40:8_se0/0.25_nre/hs "
    "ds/sk_k3/5_s2_c8/16:32:8_nre/r6/sw pl fc_c10",
    "in_hw8_c3 # a comment\ncn_k3_s1_c8_nre\nfc_c2",
)


def hostile_texts(seed: int, count: int) -> Iterator[str]:
    """Strings of which about a third are right or almost right.

    Args:
        seed: the same seed gives the same strings.
        count: how many.
    """
    generator = random.Random(seed)
    makers = (_mutated, _mutated, _assembled, _noise, _repeated)
    for _ in range(count):
        yield generator.choice(makers)(generator)


def _mutated(generator: random.Random) -> str:
    """A real text with a few characters, tokens or blocks changed."""
    text = generator.choice(SOURCES)
    for _ in range(generator.randrange(4)):
        separator = generator.choice(("", "_", " "))
        parts = list(text) if separator == "" else text.split(separator)
        place = generator.randrange(len(parts))
        what = generator.randrange(4)
        if what == 0:
            del parts[place]
        elif what == 1:
            parts.insert(place, generator.choice(parts))
        elif what == 2:
            parts[place] = generator.choice(FRAGMENTS if separator else NOISE)
        else:
            other = generator.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
        text = separator.join(parts) or " "
    return text


def _assembled(generator: random.Random) -> str:
    """Words of the vocabulary in any order."""
    pieces = [
        generator.choice(FRAGMENTS) + generator.choice(SEPARATORS)
        for _ in range(generator.randrange(30))
    ]
    return generator.choice(("", "in_hw8_c3 ")) + "".join(pieces) + generator.choice(("", " fc_c2"))


def _noise(generator: random.Random) -> str:
    return "".join(generator.choices(NOISE, k=generator.randrange(60)))


def _repeated(generator: random.Random) -> str:
    """One fragment very often, up to far beyond the longest text."""
    unit = generator.choice(FRAGMENTS) + generator.choice(SEPARATORS)
    times = generator.choice((10, 600, 600, 2000, 20_000, 300_000 // max(1, len(unit))))
    return generator.choice(("", "in_hw8_c3 ", "in_hw8_c3 cn_k3_s1_nre_c8/")) + unit * times
