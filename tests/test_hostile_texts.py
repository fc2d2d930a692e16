"""The parsers end in a spec or in their own error, soon, whatever they are given."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.errors import ArchitectureError, InputError, SpaceError
from fbnetv2_tf.space import parse_space
from tests.hostile_texts import hostile_texts

NAMES_ITS_PLACE = re.compile(
    r"^Block \d+ \('"
    r"|^The text (has no blocks|must be at most)"
    r"|^A network must have at most|^A space must (have at most|be text, a file)"
    r"|^'(in|fc)' must be the (first|last) block"
)


@pytest.mark.parametrize(
    ("parse", "error"),
    [(parse_architecture, ArchitectureError), (parse_space, SpaceError)],
    ids=["architecture", "space"],
)
def test_specs_or_errors_that_name_block_and_token(
    parse: Callable[[str], object], error: type[InputError]
) -> None:
    accepted, refusals = 0, []
    for text in hostile_texts(seed=1, count=2000):
        started = time.perf_counter()
        try:
            parsed = parse(text)
        except error as refusal:
            refusals.append(str(refusal))
        else:
            accepted += 1
            assert parse(str(parsed)) == parsed
        assert time.perf_counter() - started < 5, text[:200]
    assert [said for said in refusals if not NAMES_ITS_PLACE.search(said)] == []
    assert max(map(len, refusals)) < 600
    # Both must happen often, or the strings test nothing.
    assert min(accepted, len(refusals)) > 100
