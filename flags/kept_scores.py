"""Scores of networks on disk: a search that is killed while it compares them goes on there."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fbnetv2_tf import json_forms as forms
from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.run_folder import RunFolder

if TYPE_CHECKING:
    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.scoring import Score

FORM = forms.record(
    {},
    {
        "scores": forms.mapping(
            forms.record(
                {"loss": forms.number(), "accuracy": forms.number(0, 1)}, rest=forms.nothing
            )
        )
    },
)


class KeptScores:
    """What is known of some networks, in a file of a run folder.

    Args:
        run: the folder.
        file: of its JSON.
        identity: what the scores depend on beside the network; a file of another one counts for
            nothing.
        every: seconds between writing.

    Attributes:
        known: architecture -> score.
    """

    def __init__(
        self, run: RunFolder, file: str, identity: dict[str, Any], every: float = 0.0
    ) -> None:
        from fbnetv2_tf.scoring import Score

        self._run, self._file, self._every = run, file, every
        self._identity = json.loads(json.dumps(identity))
        found = run.read_record(file) if run.has(file) else {}
        FORM(found, str(run / file), "")
        scores = found.get("scores", {}) if found.get("identity") == self._identity else {}
        self.known = {parse_architecture(text): Score(**score) for text, score in scores.items()}
        self._written = time.monotonic()

    def keep(self, architecture: Architecture, score: Score) -> None:
        """Adds a score; all of them are written when it is time to."""
        self.known[architecture] = score
        if time.monotonic() - self._written >= self._every:
            self.write()

    def write(self) -> None:
        """Writes what is known."""
        scores = {str(architecture): asdict(score) for architecture, score in self.known.items()}
        self._run.write_json(self._file, {"identity": self._identity, "scores": scores})
        self._written = time.monotonic()


def digest(variables: Any) -> str:
    """A text that two lists of variables share only where their values are the same."""
    bytes_of = hashlib.sha256()
    for variable in variables:
        bytes_of.update(variable.numpy().tobytes())
    return bytes_of.hexdigest()
