"""`fbnetv2-search`: from a data set and a budget to an architecture."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.atomic_files import replacing
from fbnetv2_tf.errors import BudgetError, InputError
from fbnetv2_tf.run_folder import ARCHITECTURE, FLAGS, SEARCH, RunFolder, versions
from fbnetv2_tf.space import Space, parse_space
from fbnetv2_tf.units import format_quantity

from .common import define_dataset, define_path, define_quantity
from .driver import Driver, flagfile_text
from .quiet import import_tensorflow

if TYPE_CHECKING:
    from fbnetv2_tf.builders.supernet import Supernet
    from fbnetv2_tf.datasets import DataSplits

INHERITED = "inherited.keras"


@dataclass(frozen=True)
class SearchOptions:
    """What `fbnetv2-search` was asked for; the flags of the same names say what each is."""

    output: Path
    space: str
    dataset: str
    data_dir: Path | None
    on_bad_image: str
    max_macs: float | None
    max_weights: float | None
    objective: str
    penalty: float
    alpha: float
    beta: float
    sampling: str
    sharing: str
    derive: str
    candidates: int
    settings: dict[str, Any]
    flagfile: str


def define(values: Any) -> None:
    """Registers the flags."""
    define_path(values, "output", "The run folder that the search writes.")
    flags.DEFINE_string(
        "space", "fashion28", "A preset, a file, or the text of a space.", flag_values=values
    )
    define_dataset(values)
    flags.DEFINE_enum(
        "on_bad_image",
        "fail",
        ["fail", "skip"],
        "What to do about an image that cannot be read.",
        flag_values=values,
    )
    define_quantity(values, "max_macs", "The most multiply-adds for one image.")
    define_quantity(values, "max_weights", "The most weights.")
    _define_settings(values)
    _define_method(values)


def _define_settings(values: Any) -> None:
    """A flag for each of `SearchSettings`; its defaults stay there, where the library has them."""
    integer = {"epochs": 16, "warmup_epochs": 1, "batch_size": 64, "seed": 0}
    number = {
        "learning_rate": (0.15, "Of the weights, at the start."),
        "weight_decay": (1e-4, "Of the weights."),
        "gradient_norm": (5.0, "To which the gradient of the weights is clipped."),
        "architecture_learning_rate": (0.05, "Of the architecture logits."),
        "temperature": (5.0, "Of the sampling, at the start."),
        "final_temperature": (0.5, "Of the sampling, at the end."),
    }
    texts = {
        "epochs": "Passes over the data, warm-up included.",
        "warmup_epochs": "Epochs at the start in which only the weights learn.",
        "batch_size": "Images in a step.",
        "seed": "Of everything random.",
    }
    for name, default in integer.items():
        flags.DEFINE_integer(name, default, texts[name], flag_values=values)
    for name, (default, text) in number.items():
        flags.DEFINE_float(name, default, text, flag_values=values)
    flags.DEFINE_string(
        "augment", "light", "Augmentation: none, light or strong.", flag_values=values
    )


def _define_method(values: Any) -> None:
    flags.DEFINE_enum(
        "objective",
        "budget",
        ["budget", "paper"],
        "Hold the budget, or the paper's CE * alpha * log(MACs)^beta.",
        flag_values=values,
    )
    flags.DEFINE_float("penalty", 1.0, "Weight of the budget's penalty.", flag_values=values)
    flags.DEFINE_float("alpha", 0.2, "Of the paper's objective.", flag_values=values)
    flags.DEFINE_float("beta", 0.6, "Of the paper's objective.", flag_values=values)
    flags.DEFINE_enum(
        "sampling",
        "soft",
        ["soft", "hard", "mixed"],
        "Weights of the choices: soft (Gumbel-softmax), hard (one-hot), or mixed.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "sharing",
        "path",
        ["path", "none"],
        "One path for all kinds of a block, or the paper's instantiated candidates.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "derive",
        "sampled",
        ["argmax", "sampled"],
        "The most probable architecture, or the best of --candidates by validation loss.",
        flag_values=values,
    )
    flags.DEFINE_integer("candidates", 16, "Compared by --derive=sampled.", flag_values=values)


def options(values: Any) -> SearchOptions:
    """Reads the flags."""
    if values.output is None:
        raise InputError("--output must name the run folder to write, such as --output=runs/first.")
    names = [field.name for field in fields(SearchOptions)]
    given = {name: values[name].value for name in names if name in values}
    settings = ("epochs", "warmup_epochs", "batch_size", "learning_rate", "weight_decay")
    settings += ("gradient_norm", "architecture_learning_rate", "temperature")
    settings += ("final_temperature", "augment", "seed")
    given["dataset"] = values.dataset or "fashion_mnist_10k"
    given["settings"] = {name: values[name].value for name in settings}
    given["flagfile"] = flagfile_text("fbnetv2-search", values)
    return SearchOptions(**given)


def main(options: SearchOptions) -> None:
    """Searches, and writes the run folder."""
    space = parse_space(options.space)
    run = RunFolder(options.output)
    # Nothing slow is imported before what can be refused without it has been refused.
    _check_budget(space, options)
    with contextlib.ExitStack() as stack:
        stack.enter_context(run.lock())
        data = _load(options, space)
        space = space.for_data(data.classes, data.image_shape[2])
        run.claim_space(str(space))
        if run.has(SEARCH):
            print(f"The search in '{run.path}' is finished: {run.read_text(ARCHITECTURE).strip()}")
            return
        run.write_text(FLAGS, options.flagfile)
        _describe(space, data, options)
        _search(run, space, data, options)


def _check_budget(space: Space, options: SearchOptions) -> None:
    """Refuses a budget that no architecture keeps, before anything is trained."""
    from fbnetv2_tf.derivation import Landscape

    limits = _limits(options)
    if len(limits) > 1:
        raise BudgetError("One limit at a time: --max_macs or --max_weights. Received: both.")
    if options.objective == "budget" and not limits:
        raise BudgetError(
            f"A search needs a budget: give --max_macs between "
            f"{format_quantity(Landscape(space).cost(space.smallest))} and "
            f"{format_quantity(Landscape(space).cost(space.largest))} (or --objective=paper)."
        )
    for resource, limit in limits.items():
        Landscape(space, resource=resource).windows(limit)


def _limits(options: SearchOptions) -> dict[str, float]:
    limits = {"macs": options.max_macs, "weights": options.max_weights}
    return {resource: limit for resource, limit in limits.items() if limit is not None}


def _load(options: SearchOptions, space: Space) -> DataSplits:
    import_tensorflow()
    from fbnetv2_tf.datasets import load_dataset

    return load_dataset(
        options.dataset,
        options.data_dir,
        image_side=max(space.sides),
        seed=0,
        **({} if options.on_bad_image == "fail" else {"on_bad_image": options.on_bad_image}),
    )


def _describe(space: Space, data: DataSplits, options: SearchOptions) -> None:
    from fbnetv2_tf.derivation import Landscape

    macs = Landscape(space)
    print(data.describe())
    print(
        f"Space: {space.size:.2e} architectures of {format_quantity(macs.cost(space.smallest))} "
        f"to {format_quantity(macs.cost(space.largest))} multiply-adds"
    )
    for resource, limit in _limits(options).items():
        landscape = Landscape(space, resource=resource)
        binds = landscape.cost(landscape.extreme(largest=True)) > limit
        note = "" if binds else ", which does not bind: the largest architecture keeps it"
        print(f"Budget: at most {format_quantity(limit)} {resource.upper()}{note}", flush=True)


def _search(run: RunFolder, space: Space, data: DataSplits, options: SearchOptions) -> None:
    import keras

    from fbnetv2_tf.builders.supernet import build_supernet
    from fbnetv2_tf.interruption import stop_request
    from fbnetv2_tf.search import LossGuard, SearchSettings, compile_search, run_search, steps_of
    from fbnetv2_tf.search_log import SearchLog
    from fbnetv2_tf.search_state import SearchState

    settings = SearchSettings(**options.settings)
    steps = steps_of(data, settings.batch_size)
    keras.utils.set_random_seed(settings.seed)
    net = build_supernet(
        space,
        sampling=options.sampling,
        sharing=options.sharing,
        temperature=settings.temperature,
        seed=settings.seed,
    )
    compile_search(net, _objective(options), settings, steps)
    with stop_request() as stop:
        state = SearchState(run, net, stop)
        first = state.restore()
        if first:
            print(f"Going on after epoch {first} of {settings.epochs}.")
        batches = steps.weights + steps.architecture
        log = SearchLog(settings.epochs, batches, _limits(options), first_epoch=first)
        run_search(net, data, settings, [LossGuard(), state, log], first_epoch=first)
    _finish(run, net, data, options, state.epochs)


def _objective(options: SearchOptions) -> Any:
    from fbnetv2_tf.objectives import Budget, PaperObjective

    if options.objective == "paper":
        return PaperObjective(options.alpha, options.beta)
    limits = {f"max_{resource}": limit for resource, limit in _limits(options).items()}
    return Budget(**limits, weight=options.penalty)


def _finish(
    run: RunFolder,
    net: Supernet,
    data: DataSplits,
    options: SearchOptions,
    epochs: list[dict[str, Any]],
) -> None:
    """Derives the architecture and writes what the search has found."""
    from fbnetv2_tf.counting import RESOURCES, count
    from fbnetv2_tf.scoring import Recalibration

    calibration = list(data.weights.dataset(256, shuffle_seed=0).take(4))
    architecture = net.derive(
        **{f"max_{resource}": limit for resource, limit in _limits(options).items()},
        candidates=options.candidates if options.derive == "sampled" else 1,
        validation=data.validation.dataset(256),
        calibration=calibration,
        seed=options.settings["seed"],
    )
    net.select(architecture)
    Recalibration(net).run(calibration)
    net.unselect()
    child = net.child(architecture)
    with replacing(run / INHERITED) as path:
        child.save(path)
    cost = count(architecture)
    run.write_text(ARCHITECTURE, f"{architecture}\n")
    run.write_json(
        SEARCH,
        {
            "architecture": str(architecture),
            "space": str(net.space),
            "space_size": str(net.space.size),
            "cost": {resource: getattr(cost, resource) for resource in RESOURCES},
            "limits": _limits(options),
            "expected_cost": net.expected_cost(),
            "dataset": {"name": options.dataset, "data_dir": options.data_dir},
            "options": {k: v for k, v in asdict(options).items() if k not in ("flagfile",)},
            "versions": versions(),
            "units": {"macs": "multiply-adds for one image", "weights": "elements"},
            "probabilities": {name: p.tolist() for name, p in net.probabilities().items()},
            "history": epochs,
        },
    )
    print(f"Architecture: {architecture}")
    used = "".join(
        f", {100 * getattr(cost, r) / limit:.1f} % of the budget on {r}"
        for r, limit in _limits(options).items()
    )
    print(f"{format_quantity(cost.macs)} multiply-adds, {cost.weights:,} weights{used}")


DRIVER = Driver(
    name="fbnetv2-search",
    summary="Searches the best network of a space for a data set and a budget.",
    usage=(
        "fbnetv2-search --max_macs=600K --output=runs/first",
        "fbnetv2-search --dataset=directory --data_dir=photos --space=my_space.txt "
        "--max_macs=60M --output=runs/photos",
    ),
    first=(
        "output",
        "max_macs",
        "dataset",
        "data_dir",
        "space",
        "epochs",
        "batch_size",
        "seed",
        "derive",
        "candidates",
    ),
    define=define,
    options=options,
    main=main,
)


def console() -> None:
    """The console script."""
    DRIVER.console()


if __name__ == "__main__":
    console()
