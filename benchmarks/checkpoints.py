"""The largest relative difference of the logits between PyTorch networks and their imports.

`python -m benchmarks.checkpoints [name...]`, from the root of a checkout, with PyTorch installed:
every network of the zoo that has published weights, at its own input size, with random weights and
statistics under the published names.
"""

from __future__ import annotations

import sys

from fbnetv2_tf.builders.checkpoints import import_state
from fbnetv2_tf.builders.zoo import zoo
from tests.torch_network import (
    STAGES,
    WITH_BIASES,
    MobileVision,
    arrays,
    largest_difference,
    randomize,
)


def main() -> None:
    """Prints a row for each network."""
    print(f"{'network':<20}{'side':>6}{'tensors':>9}{'largest relative difference':>30}")
    for name in sys.argv[1:] or STAGES:
        architecture = zoo[name].architecture
        network = MobileVision(architecture, STAGES[name], bias=name in WITH_BIASES)
        randomize(network)
        state = arrays(network)
        difference = largest_difference(
            network, import_state(architecture, state), architecture.side
        )
        print(f"{name:<20}{architecture.side:>6}{len(state):>9}{difference:>30.1e}", flush=True)


if __name__ == "__main__":
    main()
