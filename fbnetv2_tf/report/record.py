"""What the files of a run folder say, as typed records; what is not there yet is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..architecture import Architecture, parse_architecture
from ..counting import Cost, count
from ..errors import RunError
from ..json_forms import Form
from ..limits import LIMITS
from ..run_folder import ARCHITECTURE, EXPORT, FLAGS, SEARCH, TRAIN, RunFolder
from ..space import Space, parse_space
from .forms import EXPORT_FORM, SEARCH_FORM, require_fit, train_form


@dataclass(frozen=True)
class Search:
    """What search.json says.

    Attributes:
        space: the search space.
        limits: resource -> limit, in the resources' own units; empty for the paper's objective.
        held: resource -> the limit that the expected cost was held at during the search.
        history: the metrics of each epoch, with `probabilities` by choice.
        probabilities: choice -> probabilities at the end.
        candidates: the networks that were compared before one was taken, best first.
        children: the records of several budgets' children; empty for one budget.
        options: flag -> value.
        versions, machine: what it ran with, and on.
        images: part of the data set -> number of images.
        seconds: that it took; 0 where it was stopped in between, or not timed.
    """

    space: Space
    limits: Mapping[str, float]
    held: Mapping[str, float]
    history: Sequence[Mapping[str, Any]]
    probabilities: Mapping[str, Sequence[float]]
    candidates: Sequence[Mapping[str, Any]]
    children: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    machine: str = ""
    images: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @cached_property
    def largest(self) -> Architecture:
        """The network of the most multiply-adds."""
        return self.space.largest


@dataclass(frozen=True)
class Training:
    """What train.json says.

    Attributes:
        history: the metrics of each epoch.
        accuracy: `validation` and `test` -> share of right images, 0 to 1.
        images: part -> number of images.
        settings: of the recipe.
        seconds: of the training.
        versions: of the libraries.
    """

    history: Sequence[Mapping[str, float]]
    accuracy: Mapping[str, float]
    images: Mapping[str, int]
    settings: Mapping[str, Any]
    seconds: float
    versions: Mapping[str, str]


@dataclass(frozen=True)
class RunRecord:
    """A run folder as the report sees it.

    Attributes:
        path: the folder.
        architecture: what was found or trained; None while a search for several budgets is all
            that there is.
        search, training: None where there was none.
        exports: file name -> its entry in export.json.
        dataset: the name of the data set, "" where it is not known.
        flagfile: the text of flags.txt, or "".
    """

    path: Path
    architecture: Architecture | None
    search: Search | None
    training: Training | None
    exports: Mapping[str, Mapping[str, Any]]
    dataset: str
    flagfile: str

    @property
    def name(self) -> str:
        """The folder's name, with its parent's where it is the child of a search."""
        path = self.path.resolve()
        is_child = (path.parent / SEARCH).exists()
        return f"{path.parent.name}/{path.name}" if is_child else path.name

    @cached_property
    def cost(self) -> Cost | None:
        """The exact cost of the architecture."""
        return count(self.architecture) if self.architecture else None

    @property
    def limits(self) -> Mapping[str, float]:
        """Resource -> limit."""
        return self.search.limits if self.search else {}

    def size(self, name: str) -> int | None:
        """Bytes of a file of the run; None where it is missing."""
        path = self.path / name
        return path.stat().st_size if path.is_file() else None


def read_run(path: Path | str) -> RunRecord:
    """Reads a run folder.

    Raises:
        RunError: where it is no run folder, or one of its files is damaged.
    """
    run = RunFolder(path)
    known = [name for name in (SEARCH, TRAIN, ARCHITECTURE) if run.has(name)]
    if not known:
        raise RunError(
            f"The run folder '{run.path}' must hold one of {SEARCH}, {TRAIN}, {ARCHITECTURE}. "
            "Received: none of them. fbnetv2-search and fbnetv2-train write such folders."
        )
    forms = {SEARCH: SEARCH_FORM, TRAIN: train_form, EXPORT: EXPORT_FORM}
    searched, trained, exported = (_of_form(run, *item) for item in forms.items())
    text = trained.get("architecture") or searched.get("architecture")
    if text is None and run.has(ARCHITECTURE):
        text = run.read_text(ARCHITECTURE)
    return RunRecord(
        path=run.path,
        architecture=parse_architecture(text) if text else None,
        search=_search(searched, run / SEARCH) if searched else None,
        training=_training(trained) if "history" in trained else None,
        exports=exported,
        dataset=_data_name((trained or searched).get("dataset", {})),
        flagfile=run.read_text(FLAGS) if run.has(FLAGS) else "",
    )


def _data_name(dataset: dict[str, Any]) -> str:
    """What the data set is called: data of one's own by their folder or file."""
    name, place = dataset.get("name") or "", dataset.get("data_dir")
    return Path(place).name if name in ("directory", "npz") and place else name


def _of_form(run: RunFolder, name: str, form: Form) -> dict[str, Any]:
    """The contents of a file of the folder, {} where it is not there."""
    if not run.has(name):
        return {}
    found = run.read_record(name)
    form(found, str(run / name), "")
    return found


def _search(found: dict[str, Any], path: Path) -> Search:
    space = parse_space(found["space"])
    require_fit(found, space, str(path))
    limits = _own_units(found.get("limits", {}))
    options = found["options"]
    return Search(
        space=space,
        limits=limits,
        held=_own_units(found.get("held", {})) or limits,
        history=found["history"],
        probabilities=found["probabilities"],
        candidates=found.get("candidates", ()),
        children=found.get("children", ()),
        options={k: v for k, v in options.items() if k not in ("settings", "running")}
        | options.get("settings", {})
        | options.get("running", {}),
        versions=found["versions"],
        machine=found.get("machine", ""),
        images=found.get("images", {}),
        seconds=float(found.get("seconds") or 0.0),
    )


def _training(found: Mapping[str, Any]) -> Training:
    training = found.get("training", {})
    return Training(
        history=found["history"],
        accuracy={part: found[part]["accuracy"] for part in ("validation", "test")},
        images=found["images"],
        settings={
            **training.get("recipe", {}),
            "inherited weights": "yes" if training.get("inherited") else "no",
        },
        seconds=float(found.get("seconds", 0.0)),
        versions=found.get("versions", {}),
    )


def _own_units(limits: Mapping[str, float]) -> dict[str, float]:
    """Limits as search.json has them, a latency in milliseconds, in the resources' own units."""
    names = {"latency_ms": "latency_ns"}
    scales = {"latency_ms": LIMITS["latency_ns"].scale}
    return {names.get(r, r): limit * scales.get(r, 1) for r, limit in limits.items()}
