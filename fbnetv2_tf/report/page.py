"""The HTML pages: of one run, of a search for several budgets, of several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..atomic_files import write_text
from ..budget_front import Child
from ..errors import InputError
from ..limits import LIMITS
from ..run_folder import REPORT
from ..units import format_quantity
from ..version import __version__
from .answer import accuracy, duration, figures, lead, model_files, per_cent
from .close_choices import choice_histories, close_choices
from .comparison import differing_flags, run_rows
from .costs import cost_charts
from .front_chart import Point, front_chart
from .heat_map import heat_maps
from .network_picture import legend_marks, network_picture
from .network_shape import KINDS, network_columns, scale_of
from .record import RunRecord, Search, read_run
from .story import search_charts, training_charts

TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Path | str) -> Path:
    """Writes report.html into a run folder, from what its files say now.

    Args:
        run: the folder of a finished search, or of a training.

    Returns:
        The file.

    Raises:
        RunError: where the folder is none, or the system refuses.
    """
    record = read_run(run)
    path = record.path / REPORT
    has_children = record.search is not None and record.search.children
    write_text(path, _children_page(record) if has_children else _run_page(record))
    return path


def compare(runs: Sequence[Path | str], output: Path) -> Path:
    """Writes a page that shows several runs side by side.

    Args:
        runs: at least two folders; a search for several budgets stands for its networks.
        output: the file.

    Raises:
        RunError: as `write_report`.
    """
    if len(runs) < 2:
        raise InputError(f"A comparison needs at least 2 run folders. Received: {len(runs)}.")
    records = [record for run in runs for record in _networks_of(read_run(run))]
    networks = [r for r in records if r.architecture is not None]
    scale = max([1, *(_scale(record) for record in networks)])
    points = [
        Point(record.name, record.cost.macs, right)
        for record in networks
        if record.cost is not None and (right := accuracy(record)) is not None
    ]
    page = _render(
        "comparison.html",
        title=f"{len(records)} runs side by side",
        rows=run_rows(records),
        flags=differing_flags(records),
        front=front_chart("Accuracy against multiply-adds", points, False) if points else "",
        networks=[
            (record.name, network_picture(record.architecture, _space(record), scale))
            for record in networks
            if record.architecture is not None
        ],
    )
    write_text(output, page)
    return output


def _networks_of(record: RunRecord) -> list[RunRecord]:
    """The run itself, or those of its children."""
    if record.search is None or not record.search.children:
        return [record]
    return [read_run(record.path / child["folder"]) for child in record.search.children]


def _run_page(record: RunRecord) -> str:
    architecture, search = record.architecture, record.search
    space = _space(record)
    context: dict[str, Any] = {"search": search, "training": record.training}
    if architecture is not None:
        context |= {
            "network": network_picture(architecture, space),
            "marks": legend_marks(architecture),
            "text": str(architecture),
            "blocks": network_columns(architecture, space),
            "kinds": KINDS,
            "costs": cost_charts(architecture, search.largest if search else None),
            "layers": record.cost.layers if record.cost else (),
        }
    if search is not None:
        context |= _search_context(record, search)
    if record.training is not None:
        context["training_charts"] = training_charts(record.training)
        context["training_time"] = duration(record.training.seconds)
    return _render(
        "run.html",
        title=_title(record),
        record=record,
        lead=lead(record),
        figures=figures(record),
        files=model_files(record),
        **context,
    )


def _search_context(record: RunRecord, search: Search) -> dict[str, Any]:
    architecture = record.architecture
    histories = choice_histories(search.space, architecture, search.history)
    close = []
    if architecture is not None and architecture in search.space:
        limit = search.limits.get("macs")
        close = close_choices(search.space, architecture, search.probabilities, limit)
    return {
        "size": _power(search.space.size),
        "search_time": duration(search.seconds) if search.seconds else "",
        "alarms": dict.fromkeys(a for epoch in search.history for a in epoch.get("alarms", ())),
        "search_charts": search_charts(search),
        "heat_maps": [
            (index, _block_name(search, index), heat_maps(f"block {index}", choices))
            for index, choices in histories.items()
        ],
        "close": close,
        "candidates": search.candidates,
        "limit_words": ", ".join(
            f"{LIMITS[r].text(limit)} {LIMITS[r].noun}" for r, limit in search.limits.items()
        ),
    }


def _children_page(record: RunRecord) -> str:
    search = record.search
    if search is None:
        raise InputError(f"'{record.path}' must hold the children of a search.")
    children = [Child(**child) for child in search.children]
    points = [
        Point(format_quantity(child.cost["macs"]), child.cost["macs"], child.accuracy, child.limit)
        for child in children
    ]
    parts = [read_run(record.path / child.folder) for child in children]
    scale = max(_scale(part) for part in parts)
    return _render(
        "children.html",
        title=f"{len(children)} networks for {len(children)} budgets: {record.dataset}",
        record=record,
        search=search,
        size=_power(search.space.size),
        search_time=duration(search.seconds) if search.seconds else "",
        search_charts=search_charts(search),
        heat_maps=[
            (index, _block_name(search, index), heat_maps(f"block {index}", choices))
            for index, choices in choice_histories(search.space, None, search.history).items()
        ],
        front=front_chart("Validation accuracy against multiply-adds", points, True),
        children=[
            (child, network_picture(part.architecture, search.space, scale), figures(part))
            for child, part in zip(children, parts, strict=True)
            if part.architecture is not None
        ],
        quantity=format_quantity,
    )


def _render(template: str, **context: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"quantity": format_quantity, "per_cent": per_cent, "epochs": _epochs}
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(style=style, version=__version__, **context)


def _title(record: RunRecord) -> str:
    data = f" for {record.dataset}" if record.dataset else ""
    if record.cost is None:
        return f"A search{data}"
    return f"A network{data} in {format_quantity(record.cost.macs)} multiply-adds"


def _space(record: RunRecord) -> Any:
    return record.search.space if record.search else None


def _scale(record: RunRecord) -> int:
    if record.architecture is None:
        return 1
    return scale_of(network_columns(record.architecture, _space(record)))


def _block_name(search: Search, index: int) -> str:
    return " or ".join(KINDS[kind] for kind in search.space.blocks[index].kinds)


def _epochs(history: Sequence[Any]) -> str:
    return "1 epoch" if len(history) == 1 else f"{len(history)} epochs"


def _power(number: int) -> Markup:
    """A large number as a mantissa and a power of ten."""
    if number < 1_000_000:
        return Markup(f"{number:,}")
    exponent = len(str(number)) - 1
    return Markup(f"{number / 10**exponent:.1f}&thinsp;·&thinsp;10<sup>{exponent}</sup>")
