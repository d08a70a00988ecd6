"""Default initial values of parameters: torch's distributions, from one generator.

The draws are not torch's numbers; `manual_seed` makes them repeatable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_generator: np.random.Generator | None = None  # made when it is needed: importing numpy.random takes time


def manual_seed(seed: int) -> None:
    """Make the parameters of the modules built from here on repeatable."""
    global _generator
    _generator = np.random.default_rng(seed)


def uniform(shape: Sequence[int], fan_in: int) -> NDArray[np.float32]:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)): torch's default for the weights and biases of convolutions and Linear.

    (torch writes it as Kaiming's uniform distribution with a = sqrt(5); He et al., arXiv:1502.01852.)
    """
    global _generator
    _generator = _generator or np.random.default_rng()
    values = _generator.random(tuple(shape), dtype=np.float32)
    values -= 0.5
    values *= 2 / math.sqrt(fan_in) if fan_in else 0
    values.setflags(write=False)  # so that a module keeps this array, not a copy
    return values
