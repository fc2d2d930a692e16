"""Choosing on a supernet without its logits: the best of many random networks, and evolution.

Both see what the search's own derivation sees: validation loss with inherited weights. They show
what the trained logits add. Evolution is the regularised one of Real et al. (2019): a population
as a queue, tournaments of `SAMPLE`, and the oldest dies.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

import fbnetv2_tf as fb
from benchmarks.contestants import BAND, random_networks

POPULATION, SAMPLE = 16, 4
TRIES = 200

Score = Callable[[str], float]


def best_random(space: fb.Space, budget: int, evaluations: int, seed: int, loss: Score) -> str:
    """The random network of the least loss."""
    return min(random_networks(space, budget, evaluations, seed), key=loss)


def evolved(space: fb.Space, budget: int, evaluations: int, seed: int, loss: Score) -> str:
    """The best network that evolution has seen within the budget."""
    generator = random.Random(seed)
    start = random_networks(space, budget, POPULATION, seed)
    seen = {network: loss(network) for network in start}
    alive = deque(start)
    while len(seen) < evaluations:
        parent = min(generator.sample(list(alive), SAMPLE), key=seen.__getitem__)
        child = _mutated(space, parent, budget, generator)
        if child is None:
            break
        seen[child] = seen.get(child, loss(child))
        alive.append(child)
        alive.popleft()
    return min(seen, key=seen.__getitem__)


def _mutated(space: fb.Space, parent: str, budget: int, generator: random.Random) -> str | None:
    """The parent with one or two blocks drawn anew, in the band; None where none was found."""
    blocks = parent.split()
    for _ in range(TRIES):
        other = str(space.sample(generator.getrandbits(32))).split()
        places = generator.sample(range(1, len(blocks) - 1), generator.choice((1, 2)))
        child = [other[i] if i in places else block for i, block in enumerate(blocks)]
        architecture = fb.parse_architecture(" ".join(child))
        cost = fb.count(architecture).macs
        if str(architecture) != parent and BAND * budget <= cost <= budget:
            return str(architecture)
    return None
