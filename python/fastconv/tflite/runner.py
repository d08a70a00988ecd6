"""What a session needs of a TensorFlow Lite model: its description, and its network to run.

The counterpart of `fastconv.onnx.runner` for models that are always one network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastconv import _core
from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.errors import InvalidArgument, InvalidGraph
from fastconv._ort.profile import Trace
from fastconv._ort.values import type_of
from fastconv.tflite.graph import names, to_graph
from fastconv.tflite.loader import Model


class Runner:
    """A model's network.

    Parameters
    ----------
    model : Model
    options : mapping
        Keyword arguments of ``_core.Network``.
    free_dimensions : mapping of str to int
        No use here: these files have no names for extents.
    """

    def __init__(self, model: Model, options: Mapping[str, Any], free_dimensions: Mapping[str, int]):
        self.output_names = names(model, model.outputs)
        self.fallbacks: dict[str, int] = {}
        self.reasons: dict[str, str] = {}
        self._options = options
        graph = _core.Graph()
        try:
            to_graph(model).replay(graph)
        except (ValueError, TypeError) as error:
            raise InvalidGraph.of(f"tflite: {error}") from error
        self._graph = graph

    def prepare(self) -> None:
        """Make the network, and its plan where the extents of all inputs are known: the first run only computes."""
        try:
            self._network = _core.Network(self._graph, **self._options)
            del self._graph  # the network has packed its weights
            self._network.plan_ahead()
        except (ValueError, TypeError) as error:
            raise InvalidGraph.of(f"tflite: {error}") from error

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


def describe(model: Model) -> tuple[list[NodeArg], list[NodeArg], ModelMetadata]:
    """Return a model's inputs, outputs and metadata in ONNX Runtime's terms."""
    metadata = ModelMetadata(graph_name=model.name, description=model.description)
    return _arguments(model, model.inputs), _arguments(model, model.outputs), metadata


def _arguments(model: Model, indices: Sequence[int]) -> list[NodeArg]:
    tensors = [model.tensors[index] for index in indices]
    return [
        NodeArg(name, [None if n < 0 else n for n in tensor.shape], type_of(np.empty(0, tensor.dtype)))
        for name, tensor in zip(names(model, indices), tensors, strict=True)
    ]
