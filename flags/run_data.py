"""Which data set a command uses: the one its flags name, or the one of its run folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from fbnetv2_tf.errors import RunError
from fbnetv2_tf.run_folder import SEARCH, TRAIN, RunFolder

from .common import define_dataset

if TYPE_CHECKING:
    from fbnetv2_tf.datasets import DataSplits

DEFAULT = "fashion_mnist_10k"


@dataclass(frozen=True)
class DataChoice:
    """A data set by name.

    Attributes:
        name, data_dir, on_bad_image: as `load_dataset` takes them.
    """

    name: str
    data_dir: Path | None = None
    on_bad_image: str = "fail"

    def load(self, *, image_side: int, channels: int) -> DataSplits:
        """Loads it in the size that a network takes; raises `DataError`."""
        from fbnetv2_tf.datasets import load_dataset

        return load_dataset(
            self.name,
            self.data_dir,
            image_side=image_side,
            channels=channels,
            on_bad_image="skip" if self.on_bad_image == "skip" else "fail",
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the JSON files of a run."""
        return {**asdict(self), "data_dir": self.data_dir and self.data_dir.absolute()}


def left_out(data: DataSplits) -> str:
    """How many files were named in the log and left out."""
    count = len(data.unreadable or ())
    what = "1 image" if count == 1 else f"{count:,} images"
    return f"{what} could not be read and {'was' if count == 1 else 'were'} left out."


def define_data(values: Any) -> None:
    """Defines `--dataset`, `--data_dir` and `--on_bad_image`."""
    define_dataset(values, "the run folder's, else fashion_mnist_10k")
    flags.DEFINE_enum(
        "on_bad_image",
        None,
        ["fail", "skip"],
        "What to do about an image that cannot be read. Without it: as the run folder's search or "
        "training did, else fail.",
        flag_values=values,
    )


def _require_texts(path: Path, recorded: Any) -> None:
    is_object = isinstance(recorded, dict)
    names = ("name", "data_dir", "on_bad_image")
    texts = [recorded.get(name) for name in names] if is_object else []
    if not is_object or not all(text is None or isinstance(text, str) for text in texts):
        raise RunError(
            f"The `dataset` of '{path}' must have a name and a folder. Received: {recorded!r:.80}."
        )


def data_choice(values: Any, run: RunFolder | None = None) -> DataChoice:
    """What the flags name; what they leave out is that of the run folder, where there is one.

    Args:
        values: parsed flags of `define_data`.
        run: the folder whose training or search is asked for its data set.

    Raises:
        RunError: where the folder's JSON cannot be read.
    """
    if values.dataset is not None or run is None:
        return DataChoice(values.dataset or DEFAULT, values.data_dir, values.on_bad_image or "fail")
    recorded: dict[str, Any] = {}
    for name in (TRAIN, SEARCH):
        if run.has(name):
            recorded = run.read_record(name).get("dataset", {})
            _require_texts(run / name, recorded)
            break
    folder = values.data_dir or recorded.get("data_dir")
    on_bad_image = values.on_bad_image or recorded.get("on_bad_image") or "fail"
    return DataChoice(recorded.get("name", DEFAULT), Path(folder) if folder else None, on_bad_image)
