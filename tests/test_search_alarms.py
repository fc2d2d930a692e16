"""A collapsed search is told from a good one."""

from __future__ import annotations

import numpy as np
import pytest

from fbnetv2_tf.choices_layout import searched
from fbnetv2_tf.search_alarms import search_alarms
from fbnetv2_tf.space import parse_space

SPACE = parse_space(
    "in_hw8_c1 cn_k3_s2_c8/16_nre/hs ir/sk_k3/5_s1_e1/2/3_c8/16_nre ir/sk_k3_s1_e3/1_c16/8_nre "
    "fc_c2"
)
SKIPPED, WIDEST, NARROWEST, EARLY = "may be skipped is skipped", "widest", "narrowest", "early"


def uniform() -> dict[str, list[float]]:
    return {name: [1 / len(values)] * len(values) for name, values in searched(SPACE).items()}


def decided(field: str, value: object, sure: float = 0.95) -> dict[str, list[float]]:
    """Probabilities of which those of a field have decided for a value, or for max or min."""
    found = uniform()
    for name, values in searched(SPACE).items():
        if name.endswith(field):
            at = values.index(value(values) if callable(value) else value)
            rest = (1 - sure) / (len(values) - 1)
            found[name] = [sure if place == at else rest for place in range(len(values))]
    return found


def test_nothing_is_said_of_a_search_that_goes_well() -> None:
    assert search_alarms(SPACE, uniform(), 0.1) == []
    assert search_alarms(SPACE, decided("_kind", "ir"), 0.9) == []
    assert search_alarms(SPACE, decided("_kind", "sk", sure=0.8), 0.9) == []
    one_skip = {**uniform(), "b02_kind": decided("_kind", "sk")["b02_kind"]}
    assert search_alarms(SPACE, one_skip, 0.9) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("_kind", "sk", SKIPPED), ("", max, WIDEST), ("", min, NARROWEST)],
)
def test_a_collapse_is_named(field: str, value: object, words: str) -> None:
    if field:
        probabilities = decided(field, value)
    else:
        probabilities = {
            **uniform(),
            **{n: p for n, p in decided("_channels", value).items() if n.endswith("_channels")},
            **{n: p for n, p in decided("_expansion", value).items() if n.endswith("_expansion")},
        }
    (alarm,) = search_alarms(SPACE, probabilities, 0.9)
    assert words in alarm


def test_deciding_early_is_named_and_late_is_not() -> None:
    p = {name: np.eye(len(v))[0].tolist() for name, v in searched(SPACE).items()}
    assert any(EARLY in alarm for alarm in search_alarms(SPACE, p, 0.2))
    assert not any(EARLY in alarm for alarm in search_alarms(SPACE, p, 0.6))
    assert "entropy 0.00 after 20 %" in " ".join(search_alarms(SPACE, p, 0.2))


def test_a_space_without_choices_has_no_alarms() -> None:
    assert search_alarms(parse_space("in_hw8_c1 cn_k3_s2_c8_nre fc_c2"), {}, 0.0) == []


def test_a_search_that_ends_undecided_is_named() -> None:
    [alarm] = search_alarms(SPACE, uniform(), share_done=1.0)
    assert alarm.startswith("The choices are still undecided (entropy 1.00")
    assert search_alarms(SPACE, uniform(), share_done=0.9) == []
