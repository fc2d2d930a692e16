"""The scores of a search's candidates on disk, so that one that was killed goes on among them.

They lie with the checkpoints of the weights that they were computed with.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fbnetv2_tf import json_forms as forms
from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.run_folder import CANDIDATES, CHECKPOINTS, RunFolder

if TYPE_CHECKING:
    from fbnetv2_tf.architecture import Architecture
    from fbnetv2_tf.scoring import Score

EVERY = 10.0
"""Seconds between writing."""

FILE = f"{CHECKPOINTS}/{CANDIDATES}"
SCORES_FORM = forms.mapping(
    forms.record({"loss": forms.number(), "accuracy": forms.number(0, 1)}, rest=forms.nothing)
)
FORM = forms.record({}, {"scores": SCORES_FORM})


class KeptScores:
    """What is known of the candidates of a search, in its run folder.

    Args:
        run: the folder.
        identity: of the search; scores of another one count for nothing.

    Attributes:
        known: architecture -> score.
    """

    def __init__(self, run: RunFolder, identity: dict[str, Any]) -> None:
        from fbnetv2_tf.scoring import Score

        self._run = run
        self._identity = json.loads(json.dumps(identity))
        found = run.read_record(FILE) if run.has(FILE) else {}
        FORM(found, str(run / FILE), "")
        scores = found.get("scores", {}) if found.get("identity") == self._identity else {}
        self.known = {parse_architecture(text): Score(**score) for text, score in scores.items()}
        self._written = time.monotonic()

    def keep(self, architecture: Architecture, score: Score) -> None:
        """Adds a score; all of them are written when it is time to."""
        self.known[architecture] = score
        if time.monotonic() - self._written >= EVERY:
            self.write()

    def write(self) -> None:
        """Writes what is known."""
        scores = {str(architecture): asdict(score) for architecture, score in self.known.items()}
        self._run.write_json(FILE, {"identity": self._identity, "scores": scores})
        self._written = time.monotonic()
