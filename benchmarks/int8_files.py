"""What the files for a phone are: whole in int8, in one piece, and the same everywhere.

`python -m benchmarks.int8_files [--networks=a,b] [--runs=FOLDER]` from the root of a checkout.
Of every network of the zoo and of Keras's own MobileNetV3 (`benchmarks.phone_files`): the
multiply-adds counted from the float32 and the int8 file against `fb.count`; the int8 file's
operators that touch a float tensor, its pieces for LiteRT's CPU delegate, and the largest step
between tflite-micro and LiteRT's reference kernels: of each operator by itself, fed with the same
maps, and of the logits, where random weights enlarge each step of a layer before. Ends with code 1
where anything is not as it must be. (`benchmarks.int8` compares the logits of trained networks.)
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.counting import count
from fbnetv2_tf.flags.quiet import quiet_start

from .micro import operator_steps_from_micro, steps_from_micro
from .phone_files import NETWORKS, files, images_for
from .searching import table

MOST_STEPS = 1
"""Between tflite-micro and LiteRT's reference kernels."""

IMAGES = 2


@dataclass(frozen=True)
class Row:
    """What one network's files are.

    Attributes:
        name: of the network.
        counted: multiply-adds by `fb.count`; None for a network that is none of the zoo's.
        float_file, int8_file: multiply-adds counted from the files.
        float_operators: of the int8 file.
        pieces: into which the delegate takes the int8 file.
        operator_steps: from tflite-micro to the reference kernels, of any operator by itself.
        logit_steps: the same of the whole network's logits.
    """

    name: str
    counted: int | None
    float_file: int
    int8_file: int
    float_operators: int
    pieces: int
    operator_steps: int
    logit_steps: int

    @property
    def is_right(self) -> bool:
        """Whether everything is as it must be."""
        counted = self.float_file if self.counted is None else self.counted
        return (
            {self.float_file, self.int8_file} == {counted}
            and self.float_operators == 0
            and self.pieces == 1
            and self.operator_steps <= MOST_STEPS
        )

    def cells(self) -> list[str]:
        """The row as texts."""
        counted = "" if self.counted is None else f"{self.counted:,}"
        numbers = (self.float_operators, self.pieces, self.operator_steps, self.logit_steps)
        macs = (counted, f"{self.float_file:,}", f"{self.int8_file:,}")
        return [self.name, *macs, *map(str, numbers), "yes" if self.is_right else "NO"]


HEADS = ["network", "fb.count", "float32 file", "int8 file", "float operators", "pieces"]
HEADS += ["steps from tflite-micro: an operator", "the logits", "right"]


def looked_at(name: str, folder: Path) -> Row:
    """Looks at one network's files, made now where they are missing."""
    found = files(name, folder)
    content = found["ours int8"]
    graph = read_graph(content)
    return Row(
        name=name,
        counted=count(zoo[name].architecture).macs if name in zoo else None,
        float_file=read_graph(found["ours float32"]).macs,
        int8_file=graph.macs,
        float_operators=len(graph.float_operators),
        pieces=LiteModel(content).pieces,
        operator_steps=operator_steps_from_micro(content),
        logit_steps=steps_from_micro(content, images_for(name)[:IMAGES]),
    )


def main() -> None:
    """Looks at every network and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--runs", type=Path, default=Path("runs/phone_files"))
    options = parser.parse_args()
    with quiet_start():  # the delegate introduces itself on file descriptor 2
        rows = [looked_at(name, options.runs) for name in options.networks.split(",")]
    print(table([HEADS, *(row.cells() for row in rows)]))
    sys.exit(0 if all(row.is_right for row in rows) else 1)


if __name__ == "__main__":
    main()
