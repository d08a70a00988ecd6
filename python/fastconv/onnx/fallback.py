"""A node that is not native, run through onnx's own reference implementation: correct, and slow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from fastconv._ort.errors import InvalidArgument, NotImplemented, OrtError
from fastconv.onnx.checks import label, outer_names

if TYPE_CHECKING:
    from fastconv.onnx.loader import Model

_TRUE = "fastconv/true"


class FallbackNode:
    """One node as a model of its own. Stateless between runs, so threads may share it.

    Raises
    ------
    NotImplemented
        Where the reference implementation lacks the operator.
    """

    def __init__(self, node: onnx.NodeProto, model: Model):
        from onnx.reference import ReferenceEvaluator  # a tenth of a session's creation, where no node needs it

        self.label = label(node)
        self.outputs = [name for name in node.output if name]
        graph = onnx.GraphProto(name="fallback", node=[node])
        if node.op_type == "Loop" and not node.input[1]:
            # onnx.reference takes an absent condition for a false one: it must run on, so it is given as true.
            graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), _TRUE))
            graph.node[0].input[1] = _TRUE
        graph.input.extend(_value(name, model) for name in outer_names(node))
        graph.output.extend(_value(name, model) for name in self.outputs)
        proto = onnx.ModelProto(ir_version=model.proto.ir_version, graph=graph)
        proto.opset_import.extend(model.proto.opset_import)
        try:
            self._evaluator = ReferenceEvaluator(proto)
        except Exception as error:
            raise NotImplemented.of(f"{self.label}: no implementation, native or in onnx.reference: {error}") from error

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """Return the node's outputs by name."""
        try:
            results = self._evaluator.run(None, dict(feeds))
        except OrtError:
            raise
        except Exception as error:
            raise InvalidArgument.of(f"{self.label}: {error}") from error
        return {name: _as_value(result) for name, result in zip(self.outputs, results)}


def evaluate(node: onnx.NodeProto, model: Model, feeds: Mapping[str, Any]) -> dict[str, Any]:
    """Run a node once."""
    return FallbackNode(node, model).run(feeds)


def _value(name: str, model: Model) -> onnx.ValueInfoProto:
    return onnx.ValueInfoProto(name=name, type=model.types.get(name))


def _as_value(result: Any) -> Any:
    """NumPy's scalars become arrays; sequences and empty optionals stay what they are."""
    return result if result is None or isinstance(result, list) else np.asarray(result)
