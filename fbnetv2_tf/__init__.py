"""FBNetV2 in TensorFlow: a differentiable search for networks that keep a budget.

A search space is an architecture with slashes in it; the search resolves the slashes; the builder
turns what is left into a plain Keras model that ends up as a .tflite on a phone.

Every public name is loaded when it is first used, so `import fbnetv2_tf` costs milliseconds and
imports neither Keras nor TensorFlow:

    >>> import fbnetv2_tf as fb
    >>> cost = fb.count(fb.zoo["fbnetv2_f1"].architecture)
    >>> cost.macs
    56231936
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from .version import __version__ as __version__

if TYPE_CHECKING:
    from .architecture import Architecture as Architecture
    from .architecture import Block as Block
    from .builders.equivalence import verify_equivalence as verify_equivalence
    from .builders.lookup import parse_architecture as parse_architecture
    from .builders.model import build_model as build_model
    from .builders.supernet import Supernet as Supernet
    from .builders.supernet import build_supernet as build_supernet
    from .builders.tflite import export_tflite as export_tflite
    from .builders.zoo import zoo as zoo
    from .choices import Choice as Choice
    from .counting import Cost as Cost
    from .counting import count as count
    from .datasets import load_dataset as load_dataset
    from .errors import ArchitectureError as ArchitectureError
    from .errors import BudgetError as BudgetError
    from .errors import CheckpointError as CheckpointError
    from .errors import DataError as DataError
    from .errors import ExportError as ExportError
    from .errors import InputError as InputError
    from .errors import RunError as RunError
    from .errors import SpaceError as SpaceError
    from .features import FeatureMap as FeatureMap
    from .features import feature_maps as feature_maps
    from .latency_table import LatencyTable as LatencyTable
    from .latency_table import load_latency_table as load_latency_table
    from .objectives import Budget as Budget
    from .objectives import PaperObjective as PaperObjective
    from .resolution import ResolutionChoice as ResolutionChoice
    from .search_data import two_phase as two_phase
    from .space import Space as Space
    from .space import SpaceBlock as SpaceBlock
    from .space import parse_space as parse_space

# The same table for the interpreter: public name -> the module that it is loaded from.
_MODULE_OF = {
    "Architecture": "architecture",
    "ArchitectureError": "errors",
    "Block": "architecture",
    "Budget": "objectives",
    "BudgetError": "errors",
    "CheckpointError": "errors",
    "Choice": "choices",
    "Cost": "counting",
    "DataError": "errors",
    "ExportError": "errors",
    "FeatureMap": "features",
    "InputError": "errors",
    "LatencyTable": "latency_table",
    "PaperObjective": "objectives",
    "ResolutionChoice": "resolution",
    "RunError": "errors",
    "Space": "space",
    "SpaceBlock": "space",
    "SpaceError": "errors",
    "Supernet": "builders.supernet",
    "build_model": "builders.model",
    "build_supernet": "builders.supernet",
    "count": "counting",
    "export_tflite": "builders.tflite",
    "feature_maps": "features",
    "load_dataset": "datasets",
    "load_latency_table": "latency_table",
    "parse_architecture": "builders.lookup",
    "parse_space": "space",
    "two_phase": "search_data",
    "verify_equivalence": "builders.equivalence",
    "zoo": "builders.zoo",
}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604  (the table is the one list of names)

# A checkout and Bazel keep `builders/` and `flags/` beside this folder; an installed copy inside.
if not (Path(__file__).parent / "builders").is_dir():
    __path__.append(str(Path(__file__).parent.parent))


def __getattr__(name: str) -> object:
    """Loads a public name from its module, once (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.")
    module_name = f"{__name__}.{_MODULE_OF[name]}"
    try:
        value: object = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        # Only a module of this package that is missing is a missing name; a missing library is
        # the caller's to hear of as it is.
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise AttributeError(f"{name!r} is to be loaded from {module_name!r}, missing.") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not, and what has been loaded so far."""
    return sorted({*globals(), *__all__})
