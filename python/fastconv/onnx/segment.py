"""A native step as networks of the C++ core: replays the calls on a graph, once for each set of input ranks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from fastconv import _core
from fastconv._ort.errors import InvalidArgument, InvalidGraph
from fastconv._ort.profile import Trace
from fastconv.graph_builder import GraphBuilder, GraphLike
from fastconv.onnx.loader import Model
from fastconv.onnx.partition import NativeStep, Plan, make_plan

Dims = Sequence[int]
_UNKNOWN = -1


class Segment:
    """Runs a native step.

    Where the rank of every input is known there is one network, which `prepare` makes; otherwise there is one for each
    set of ranks that arrives.
    """

    def __init__(self, step: NativeStep, plan: Plan, dims: Mapping[str, Dims], options: Mapping[str, Any]):
        self.inputs, self.outputs = step.inputs, step.outputs
        self._step, self._plan, self._dims, self._options = step, plan, dims, options
        self._networks: dict[tuple[int, ...], _core.Network] = {}
        self._lock = threading.Lock()
        ranks = [len(dims[name]) if name in dims else plan.kinds[name][1] for name in self.inputs]
        self._graph = None if None in ranks else self._recorded([rank for rank in ranks if rank is not None])
        self._fixed: _core.Network | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether the graph of the only network there will be is recorded: no constant is read any more."""
        return self._graph is not None

    def prepare(self) -> None:
        """Make that network, and its plan where the extents of all inputs are known: the first run only computes."""
        if self._graph is None:
            return
        with _checking():
            self._fixed = _core.Network(self._graph, **self._options)
            self._fixed.plan_ahead()

    def network(self, ranks: Sequence[int]) -> _core.Network:
        """Return the network for inputs of these ranks."""
        with self._lock:
            key = tuple(ranks)
            if key not in self._networks:
                graph = self._recorded(ranks)
                with _checking():
                    self._networks[key] = _core.Network(graph, **self._options)
            return self._networks[key]

    def _recorded(self, ranks: Sequence[int]) -> _core.Graph:
        """Return the step's graph for inputs of these ranks."""
        graph = _core.Graph()
        dims = {name: self._dims.get(name, [_UNKNOWN] * rank) for name, rank in zip(self.inputs, ranks)}
        with _checking():
            build_graph(graph, self._step, self._plan, dims, {name: name for name in self.outputs})
        return graph

    def network_for(self, values: Mapping[str, np.ndarray]) -> _core.Network:
        """Return the network that runs these inputs."""
        return self._fixed or self.network([np.ndim(values[name]) for name in self.inputs])

    def run(self, values: Mapping[str, np.ndarray], trace: Trace | None = None) -> dict[str, np.ndarray]:
        """Return the outputs by name; with a trace, time each operator in a second run."""
        feeds = {name: values[name] for name in self.inputs}
        try:
            network = self.network_for(feeds)
            results = network.run(feeds)
        except (ValueError, TypeError) as error:
            raise InvalidArgument.of(str(error)) from error
        if trace:
            trace.add_network(network, feeds)
        return dict(zip(self.outputs, results))

    def profile(self, values: Mapping[str, np.ndarray], runs: int) -> list[dict[str, Any]]:
        """Return the network's row for each operator."""
        feeds = {name: values[name] for name in self.inputs}
        return list(self.network_for(feeds).profile(feeds, runs=runs))


@contextlib.contextmanager
def _checking() -> Iterator[None]:
    """Raise what the core finds wrong while a session is made as an error of the model's."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise InvalidGraph.of(str(error)) from error


def build_graph(
    graph: GraphLike, step: NativeStep, plan: Plan, inputs: Mapping[str, Dims], outputs: Mapping[str, str]
) -> None:
    """Make a step's calls on a graph.

    Parameters
    ----------
    graph : _core.Graph or GraphBuilder
    inputs : mapping of str to sequence of int
        The graph's inputs and their extents, -1 where one is free.
    outputs : mapping of str to str
        The graph's outputs: names, and the plan's values that they are.
    """
    ids: dict[str, int] = {name: graph.input(name, plan.kinds[name][0], list(dims)) for name, dims in inputs.items()}

    def value(name: str) -> int:
        if name not in ids:
            ids[name] = graph.constant(plan.constants[name], name=name)
        return ids[name]

    for call in step.calls:
        sources = [value(name) if name else None for name in call.inputs]
        made = graph.add(call.op, sources, dict(call.attributes), len(call.outputs), call.name)
        ids.update(zip(call.outputs, made))
    for name, source in outputs.items():
        graph.output(value(source), name)


def input_dims(model: Model, free_dimensions: Mapping[str, int]) -> dict[str, Dims]:
    """Return the declared extents of the inputs that have a rank; -1 where one is free and not in `free_dimensions`."""
    return {
        value.name: [_extent(dim, free_dimensions) for dim in value.type.tensor_type.shape.dim]
        for value in model.inputs
        if value.type.tensor_type.HasField("shape")
    }


def _extent(dim: onnx.TensorShapeProto.Dimension, free_dimensions: Mapping[str, int]) -> int:
    if dim.WhichOneof("value") == "dim_value" and dim.dim_value >= 0:
        return dim.dim_value
    return free_dimensions.get(dim.dim_param, _UNKNOWN)


def to_graph(model: Model) -> GraphBuilder:
    """Return a whole model as one recorded graph, its outputs under their ONNX names: for `fastconv.compile`.

    Raises
    ------
    NotImplementedError
        Where a node would need a fallback; `fastconv.InferenceSession` runs such models.
    """
    plan = make_plan(model)
    if plan.fallbacks or len(plan.steps) != 1:
        found = ", ".join(sorted(plan.fallbacks)) or "shape arguments computed from data"
        raise NotImplementedError(f"model: every operator must be native, got {found}")
    dims = input_dims(model, {})
    for value in model.inputs:
        if value.name not in dims:
            raise NotImplementedError(f"input {value.name!r}: the model must declare its rank")
    (step,) = plan.steps
    assert isinstance(step, NativeStep)
    graph = GraphBuilder()
    build_graph(graph, step, plan, dims, plan.outputs)
    return graph
