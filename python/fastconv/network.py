"""`Network`: a whole model, planned and run in C++ with one call. Made by `fastconv.compile` and `fastconv.load`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core, _wisdom
from ._arrays import from_dlpack, like
from ._precision import check, get_precision
from .graph_builder import GraphBuilder


class Signature(NamedTuple):
    """Name, type and extents of an input or output; -1 stands for an extent that may differ from run to run."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Network:
    """A compiled network.

    Parameters
    ----------
    graph : GraphBuilder
    precision : {"highest", "high", "medium"}, optional
        The error budget (see `fastconv.set_precision`); the default is the one set when the network is made.
    returns : {"one", "tuple", "dict"}
        What a call gives: the only output, all of them in order, or by name.
    max_plans : int
        How many input shapes keep their plan; the least recently used is dropped. Packed weights are shared.
    algorithms : mapping of str to str, optional
        The algorithm to take for a convolution, by its key (see `profile`), where it applies within the error budget.
        The default is what `fastconv.tuning` measured on this machine; an empty mapping leaves all to the cost model.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        precision: str | None = None,
        *,
        returns: str = "tuple",
        max_plans: int = 8,
        algorithms: Mapping[str, str] | None = None,
    ) -> None:
        if returns not in ("one", "tuple", "dict"):
            raise ValueError(f"Network: returns must be one of 'one', 'tuple', 'dict', got {returns!r}")
        self._graph = graph
        self._precision = check(precision or get_precision(), "Network: precision")
        self._returns = returns
        self._max_plans = max_plans
        self._algorithms = dict(_wisdom.known(self._precision) if algorithms is None else algorithms)
        core = _core.Graph()
        graph.replay(core)
        self._core = _core.Network(core, self._precision, max_plans, self._algorithms)
        self._core.plan_ahead()

    @property
    def graph(self) -> GraphBuilder:
        """The record the network was made from."""
        return self._graph

    @property
    def precision(self) -> str:
        """The error budget the network keeps."""
        return self._precision

    @property
    def inputs(self) -> list[Signature]:
        """Name, type and shape of each input."""
        return [Signature(name, dtype, tuple(shape)) for name, dtype, shape in self._core.inputs]

    @property
    def outputs(self) -> list[Signature]:
        """Name, type and shape of each output."""
        return [Signature(name, dtype, tuple(shape)) for name, dtype, shape in self._core.outputs]

    def __call__(self, *arrays: Any) -> Any:
        """Run on arrays in the order of the inputs.

        Parameters
        ----------
        *arrays : array
            NumPy arrays, or anything with ``__dlpack__``, of the inputs' types and shapes.

        Returns
        -------
        array, tuple of arrays, or dict of arrays
            As the model it was made from returns them; torch tensors where the first input is one.
        """
        feed = self._feed(arrays)
        results = self.run(feed)
        if arrays and not isinstance(arrays[0], np.ndarray):
            results = [like(arrays[0])(result) for result in results]
        if self._returns == "one":
            return results[0]
        if self._returns == "dict":
            return dict(zip([output.name for output in self._graph.outputs], results, strict=True))
        return tuple(results)

    def run(self, feed: Mapping[str, Any]) -> list[NDArray[Any]]:
        """Run on arrays by input name, from any number of threads; returns the outputs in order."""
        results: list[NDArray[Any]] = self._core.run({name: as_array(array) for name, array in feed.items()})
        return results

    def profile(self, *arrays: Any, runs: int = 10) -> list[dict[str, Any]]:
        """Time each step.

        Returns
        -------
        list of dict
            name, op, epilogue, algorithm, ms (median of `runs`), flops, bytes, shape; of a convolution also
            "convolution", its key, and "alternatives", the algorithms that apply. All are of the whole batch; "turns"
            tells in how many parts a run takes it.
        """
        feed = {name: as_array(array) for name, array in self._feed(arrays).items()}
        steps: list[dict[str, Any]] = self._core.profile(feed, runs=runs)
        return steps

    def _feed(self, arrays: Sequence[Any]) -> dict[str, Any]:
        names = [entry.name for entry in self._graph.inputs]
        if len(arrays) != len(names):
            raise TypeError(f"network: it takes {len(names)} inputs {names}, got {len(arrays)}")
        return dict(zip(names, arrays, strict=True))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file for `fastconv.load`: an .npz archive of a JSON header and plain arrays."""
        with open(path, "wb") as file:
            self._graph.save(file, self._settings())

    def _settings(self) -> dict[str, Any]:
        return {"precision": self._precision, "returns": self._returns, "max_plans": self._max_plans}

    def __reduce__(self) -> Any:
        # A copy in another process gives the same bits, whatever that process knows; a saved file does not tell.
        return _restore, (self._graph, {**self._settings(), "algorithms": self._algorithms})

    def __repr__(self) -> str:
        sides = (", ".join(f"{s.name}: {s.dtype}{list(s.shape)}" for s in side) for side in (self.inputs, self.outputs))
        return f"Network({' -> '.join(sides)}, precision={self._precision!r})"


def as_array(x: Any) -> NDArray[Any]:
    """Return x as a NumPy array, in place where its memory can be shared; raises as `from_dlpack`."""
    if isinstance(x, np.ndarray) or not hasattr(x, "__dlpack__"):
        return np.asarray(x)
    return from_dlpack("network", "input", x)


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network that `Network.save` wrote. Nothing in the file is executed or unpickled.

    Raises
    ------
    ValueError
        Where the file is not a whole network file.
    """
    with open(path, "rb") as file:
        graph, settings = GraphBuilder.load(file)
    try:
        return _restore(graph, settings)
    except TypeError as error:
        raise ValueError(f"load: not a fastconv network file: {error}") from error


def _restore(graph: GraphBuilder, settings: dict[str, Any]) -> Network:
    return Network(graph, **settings)
