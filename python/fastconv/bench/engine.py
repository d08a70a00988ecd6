"""What an engine is to the benchmarks: an adapter that prepares a case once and hands back what is timed.

The adapters are in `engines` and `torch_engines`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastconv.bench.cases import ConvCase, ModelCase

Array = np.ndarray[Any, np.dtype[Any]]


class Runner(NamedTuple):
    """A prepared case: `run` computes, `result` gives an outcome with channels first, `how` says by what means."""

    run: Callable[[], object]
    result: Callable[[], Array]
    how: str = ""


class Engine:
    """What the adapters share. `layout` is that of the arrays at the engine's border."""

    name: str
    package: str
    layout = "NCHW"
    on_request = False  # measured only where it is named, or "all" are

    def available(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.package) is not None

    def version(self) -> str:
        """Version of the package."""
        return importlib.metadata.version(self.package)

    def precision(self, case: ConvCase | ModelCase) -> str:
        """Return what it computes a case in: float32, bfloat16, or one of fastconv's budgets."""
        return "float32"

    def concerns(self, case: ConvCase | ModelCase) -> bool:
        """Whether it is measured on a case where no engine is named."""
        return True

    def conv(self, case: ConvCase) -> Runner:
        """Prepare a convolution."""
        raise NotImplementedError

    def model(self, case: ModelCase) -> Runner:
        """Prepare a whole network."""
        raise NotImplementedError
