"""Who takes part in a contest, and the file that remembers whom each way of choosing has chosen.

Choosing may take a search of minutes, so a choice is made once and kept as a line of JSON; the
judge's verdicts are kept apart from it, by network alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.trials import ROOT

CHOSEN = ROOT / "benchmarks" / "results" / "chosen.jsonl"
CHANCE = "random"


@dataclass(frozen=True)
class Contestant:
    """A network in the contest.

    Attributes:
        contest: name of the data and the space.
        budget: multiply-adds that it may cost.
        name: how it was chosen; several seeds of one way have the same name.
        seed: of the choice.
        network: its text.
        seconds: that choosing it took, without what other choices had made before.
    """

    contest: str
    budget: int
    name: str
    seed: int
    network: str
    seconds: float


class Contest:
    """The choices of one contest so far.

    Args:
        name: of the data and the space.
        path: of the file of JSON lines; it may not exist yet.
    """

    def __init__(self, name: str, path: Path = CHOSEN) -> None:
        self.name, self._path = name, path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        known = (Contestant(**json.loads(line)) for line in text.splitlines())
        self._known = {(c.contest, c.budget, c.name, c.seed): c for c in known}

    def choose(self, budget: int, name: str, seed: int, make: Callable[[], str]) -> Contestant:
        """The contestant of a way of choosing, chosen now where it was not before."""
        key = (self.name, budget, name, seed)
        if key not in self._known:
            began = time.monotonic()
            network = make()
            seconds = round(time.monotonic() - began, 1)
            self._known[key] = Contestant(self.name, budget, name, seed, network, seconds)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self._known[key])) + "\n")
        return self._known[key]

    def known(self, budget: int, name: str, seed: int) -> Contestant | None:
        """The contestant of a way of choosing; None where it has not chosen yet."""
        return self._known.get((self.name, budget, name, seed))

    def members(self, budget: int) -> list[Contestant]:
        """All that were chosen for a budget."""
        return [c for c in self._known.values() if (c.contest, c.budget) == (self.name, budget)]

    def budgets(self) -> list[int]:
        """All budgets, the smallest first."""
        return sorted({c.budget for c in self._known.values() if c.contest == self.name})


def names_of(members: Iterable[Contestant]) -> list[str]:
    """The ways of choosing, in their order."""
    return list(dict.fromkeys(c.name for c in members))
