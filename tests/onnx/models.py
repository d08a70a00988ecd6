"""Small models that the tests of this folder build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node
Shape = Sequence[Any] | None


def tensor(name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """Build a model; constants are arrays or ready TensorProtos."""
    tensors = [
        value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), name)
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(nodes, "test", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def relu(shape: Shape = (1, 3, "height", None)) -> onnx.ModelProto:
    return model([helper.make_node("Relu", ["x"], ["y"])], [tensor("x", shape)], [tensor("y", shape)])


def convolution(seed: int = 0) -> onnx.ModelProto:
    """A convolution with bias, then ReLU, on any height and width."""
    random = np.random.default_rng(seed)
    weights = random.standard_normal((4, 3, 3, 3), np.float32)
    return model(
        [helper.make_node("Conv", ["x", "w", "b"], ["h"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["h"], ["y"])],
        [tensor("x", ("n", 3, "h", "w"))],
        [tensor("y", ("n", 4, "h", "w"))],
        {"w": weights, "b": random.standard_normal(4, np.float32)},
    )
