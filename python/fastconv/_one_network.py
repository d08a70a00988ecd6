"""A model that is one network, ready to run: what a session needs of TensorFlow Lite and torch.export files.

The counterpart of `fastconv.onnx.runner`, whose models may be several networks with other nodes in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastconv import _core
from fastconv._ort.errors import InvalidArgument, InvalidGraph
from fastconv._ort.profile import Trace
from fastconv.graph_builder import GraphBuilder


class OneNetwork:
    """A graph's network.

    Parameters
    ----------
    format : str
        What the model was read from, for errors.
    graph : GraphBuilder
    options : mapping
        Keyword arguments of ``_core.Network``.
    """

    def __init__(self, format: str, graph: GraphBuilder, options: Mapping[str, Any]):
        self.output_names = [output.name for output in graph.outputs]
        self.fallbacks: dict[str, int] = {}
        self.reasons: dict[str, str] = {}
        self._format, self._options = format, options
        core = _core.Graph()
        try:
            graph.replay(core)
        except (ValueError, TypeError) as error:
            raise InvalidGraph.of(f"{format}: {error}") from error
        self._graph = core

    def prepare(self) -> None:
        """Make the network, and its plan where the extents of all inputs are known: the first run only computes."""
        try:
            self._network = _core.Network(self._graph, **self._options)
            del self._graph  # the network has packed its weights
            self._network.plan_ahead()
        except (ValueError, TypeError) as error:
            raise InvalidGraph.of(f"{self._format}: {error}") from error

    def run(
        self,
        names: Sequence[str],
        feed: Mapping[str, Any],
        trace: Trace | None = None,
        before_step: Callable[[], None] = lambda: None,
    ) -> list[Any]:
        """Return the outputs called `names`. `before_step` may raise to stop the run."""
        before_step()
        try:
            results = dict(zip(self.output_names, self._network.run(feed)))
        except (ValueError, TypeError) as error:
            raise InvalidArgument.of(str(error)) from error
        if trace:
            trace.add_network(self._network, feed)
        return [results[name] for name in names]

    def profile(self, feed: Mapping[str, Any], runs: int) -> list[dict[str, Any]]:
        """Return a row for each operator, in running order; see `InferenceSession.profile`."""
        return list(self._network.profile(feed, runs=runs))
