"""Runs a plan: segments and fallback nodes in order, each value dropped after its last use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.profile import Trace
from fastconv._verbose import is_verbose, tell
from fastconv.onnx.fallback import FallbackNode
from fastconv.onnx.loader import Model
from fastconv.onnx.partition import FallbackStep, make_plan
from fastconv.onnx.segment import Segment, input_dims
from fastconv.onnx.tensors import type_name

_NO_VERSION = 2**63 - 1  # what ONNX Runtime says of a model without one


class Runner:
    """A model's plan with everything that its steps need.

    Parameters
    ----------
    model : Model
    options : mapping
        Keyword arguments of ``_core.Network``.
    free_dimensions : mapping of str to int
        Extents for symbolic dimensions of the inputs.
    """

    def __init__(self, model: Model, options: Mapping[str, Any], free_dimensions: Mapping[str, int]):
        self.plan = make_plan(model)
        self.output_names = list(self.plan.outputs)
        self.fallbacks = dict(self.plan.fallbacks)
        self.reasons = {s.node.op_type: s.reason for s in self.plan.steps if isinstance(s, FallbackStep)}
        dims = input_dims(model, free_dimensions)
        self.steps: list[Segment | _Fallback] = [
            _Fallback(step, model) if isinstance(step, FallbackStep) else Segment(step, self.plan, dims, options)
            for step in self.plan.steps
        ]
        if all(segment.is_recorded for segment in self.segments):
            self._forget_weights()
        self._dead_after = self._last_uses()
        self._made = {name for step in self.steps for name in step.outputs}  # an output may be an input or a constant

    def _forget_weights(self) -> None:
        """Keep the constants that a run hands on alone: networks hold their own, most of them in another form."""
        kept = {*self.plan.outputs.values()}.union(*(s.inputs for s in self.steps))
        self.plan.constants = {name: array for name, array in self.plan.constants.items() if name in kept}

    @property
    def segments(self) -> list[Segment]:
        """The native steps."""
        return [step for step in self.steps if isinstance(step, Segment)]

    def prepare(self) -> None:
        """Make the networks, and the plans that can be made, for as many threads as the caller may use.

        Weights that nobody else holds any more are folded and packed with the least memory.
        """
        for segment in self.segments:
            segment.prepare()

    def _last_uses(self) -> list[list[str]]:
        """Return, for each step, the values that nobody reads after it."""
        seen = {*self.plan.outputs.values(), *self.plan.constants}
        dead: list[list[str]] = []
        for step in reversed(self.steps):
            dead.append([name for name in dict.fromkeys(step.inputs) if name not in seen])
            seen.update(step.inputs)
        return dead[::-1]

    def run(
        self,
        names: Sequence[str],
        feed: Mapping[str, Any],
        trace: Trace | None = None,
        before_step: Callable[[], None] = lambda: None,
    ) -> list[Any]:
        """Return the outputs called `names`. `before_step` may raise to stop the run."""
        values: dict[str, Any] = {**self.plan.constants, **feed}
        for step, dead in zip(self.steps, self._dead_after):
            before_step()
            values.update(step.run(values, trace))
            for name in dead:
                del values[name]
        sources = [self.plan.outputs[name] for name in names]
        return [values[source] if source in self._made else np.array(values[source]) for source in sources]

    def profile(self, feed: Mapping[str, Any], runs: int) -> list[dict[str, Any]]:
        """Return a row for each operator, in running order; see `InferenceSession.profile`."""
        values: dict[str, Any] = {**self.plan.constants, **feed}
        rows: list[dict[str, Any]] = []
        for step in self.steps:
            rows += step.profile(values, runs)
            values.update(step.run(values))
        return rows


class _Fallback:
    """A fallback node in terms of the plan's values."""

    def __init__(self, step: FallbackStep, model: Model):
        self._node = FallbackNode(step.node, model)
        self._feeds = step.feeds
        self._op_type = step.node.op_type
        self._told = is_verbose()
        if self._told:
            tell(f"plan for {self._node.label}: onnx.reference: {step.reason}")
        self.inputs, self.outputs = list(step.feeds.values()), self._node.outputs

    def profile(self, values: Mapping[str, Any], runs: int) -> list[dict[str, Any]]:
        """Return one row: the node's median time."""
        times = []
        for _ in range(runs):
            began = time.perf_counter_ns()
            self.run(values)
            times.append((time.perf_counter_ns() - began) / 1e6)
        row = {
            "name": self._node.label,
            "op": self._op_type,
            "algorithm": "onnx.reference",
            "ms": float(np.median(times)),
        }
        return [{**row, "flops": 0.0, "bytes": 0, "shape": []}]

    def run(self, values: Mapping[str, Any], trace: Trace | None = None) -> dict[str, Any]:
        """Return the outputs by name."""
        began = time.perf_counter_ns()
        results = self._node.run({name: values[value] for name, value in self._feeds.items()})
        took = time.perf_counter_ns() - began
        if self._told:
            tell(f"run of {self._node.label}: {took / 1e6:.3f} ms")
        if trace:
            trace.add("Node", self._node.label, began, took, op_name=self._op_type, algorithm="onnx.reference")
        return results


def describe(model: Model) -> tuple[list[NodeArg], list[NodeArg], ModelMetadata]:
    """Return a model's inputs, outputs and metadata in ONNX Runtime's terms."""
    proto = model.proto
    metadata = ModelMetadata(
        producer_name=proto.producer_name,
        graph_name=proto.graph.name,
        graph_description=proto.graph.doc_string,
        domain=proto.domain,
        description=proto.doc_string,
        version=proto.model_version if proto.HasField("model_version") else _NO_VERSION,
        custom_metadata_map={entry.key: entry.value for entry in proto.metadata_props},
    )
    return [_argument(v, model) for v in model.inputs], [_argument(v, model) for v in model.outputs], metadata


def _argument(value: onnx.ValueInfoProto, model: Model) -> NodeArg:
    kind = model.types.get(value.name, value.type)
    ranked = kind.tensor_type.HasField("shape")
    shape = [_extent(dim) for dim in kind.tensor_type.shape.dim]
    return NodeArg(value.name, shape, type_name(kind), ranked)


def _extent(dim: onnx.TensorShapeProto.Dimension) -> int | str | None:
    """A negative extent, which some exporters write, is an unknown one."""
    if dim.WhichOneof("value") == "dim_param":
        return dim.dim_param or None
    return dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None
