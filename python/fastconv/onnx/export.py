"""The way out to ONNX: a model of `fastconv.nn` as a ModelProto, so that other engines can run it beside us.

`to_onnx` traces the model; `export_graph` translates the recorded calls with one table, `_OPERATORS`. It covers the
operators that `fastconv.nn` emits; the way in is `loader.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, TypeProto, ValueInfoProto, helper, numpy_helper, shape_inference

from fastconv import __version__
from fastconv.graph_builder import GraphBuilder, Node

if TYPE_CHECKING:
    from fastconv.nn import Module

OPSET = 21
_LARGE = 1024  # shape inference needs the values of small constants only


def to_onnx(model: Module, shape: Sequence[int | None]) -> ModelProto:
    """Translate a model of `fastconv.nn`.

    Parameters
    ----------
    model : Module
    shape : sequence of int or None
        Of its float32 input; None where an extent is to stay free. Adaptive pools need known extents.

    Returns
    -------
    onnx.ModelProto
        Opset 21; the values have the names of the model's parameters and layers.

    Raises
    ------
    ValueError
        Where a layer has no counterpart.
    """
    from fastconv.nn.tracing import record

    graph, _ = record(model, [("float32", [-1 if extent is None else extent for extent in shape])])
    return export_graph(graph)


def export_graph(graph: GraphBuilder) -> ModelProto:
    """Translate recorded builder calls; see `to_onnx`."""
    export = _Export(graph)
    for node in graph.nodes:
        translation = _OPERATORS.get(node.op)
        if translation is None:
            raise ValueError(f"to_onnx: operator {node.op!r} (layer {node.name!r}) has no ONNX counterpart here")
        if isinstance(translation, _Same):
            attributes = {translation.renamed.get(key, key): value for key, value in node.attributes.items()}
            export.add(translation.op_type, node, **attributes)
        else:
            translation(export, node)
    return export.model()


class _Export:
    """The ONNX graph in the making."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph
        self.nodes: list[NodeProto] = []
        self.names: dict[int | None, str] = {None: ""}
        self.names.update({entry.id: entry.name for entry in graph.inputs})
        self.initializers: dict[str, TensorProto] = {}
        for value, array in graph.constants.items():
            self.names[value] = self.constant(array, graph.constant_names[value] or f"constant_{value}")
        for node in graph.nodes:
            self.names.update({value: f"{node.name}/{value}" for value in node.outputs})
        for output in reversed(graph.outputs):
            if any(output.id in node.outputs for node in graph.nodes):
                self.names[output.id] = output.name

    def constant(self, array: np.ndarray[Any, Any], name: str) -> str:
        """Add an initializer and return its name."""
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def add(self, op_type: str, node: Node, inputs: Sequence[str] | None = None, **attributes: Any) -> None:
        """Add the ONNX node that makes `node`'s outputs, by default from its inputs."""
        sources = [self.names[value] for value in node.inputs] if inputs is None else list(inputs)
        while sources and not sources[-1]:
            sources.pop()
        outputs = [self.names[value] for value in node.outputs]
        self.append(op_type, node.name, sources, outputs, **attributes)

    def append(self, op_type: str, layer: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        """Add an ONNX node; its name holds the layer's and a number, for ONNX Runtime wants every name once."""
        name = f"{layer}/{op_type}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name, **attributes))

    def types(self, names: Sequence[str]) -> list[TypeProto]:
        """Return the types of values by ONNX's shape inference, which reads small constants only."""
        small: list[TensorProto] = []
        large: list[ValueInfoProto] = []
        for entry in self.initializers.values():
            if math.prod(entry.dims) <= _LARGE:
                small.append(entry)
            else:
                large.append(helper.make_tensor_value_info(entry.name, entry.data_type, list(entry.dims)))
        results = [helper.make_empty_tensor_value_info(name) for name in names]
        graph = helper.make_graph(self.nodes, "shapes", self._inputs() + large, results, small)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        inferred = shape_inference.infer_shapes(model, data_prop=True).graph
        return [entry.type for entry in inferred.output]

    def extents(self, value: int | None) -> list[int]:
        """Return the extents of a value, -1 where unknown."""
        (kind,) = self.types([self.names[value]])
        return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.tensor_type.shape.dim]

    def model(self) -> ModelProto:
        """Return the finished model."""
        for output in self.graph.outputs:
            if self.names[output.id] != output.name:  # an input, a constant, or an output under a second name
                self.append("Identity", output.name, [self.names[output.id]], [output.name])
        names = [output.name for output in self.graph.outputs]
        outputs = [helper.make_value_info(name, kind) for name, kind in zip(names, self.types(names))]
        graph = helper.make_graph(self.nodes, "fastconv", self._inputs(), outputs, list(self.initializers.values()))
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=10, producer_name="fastconv", producer_version=__version__
        )

    def _inputs(self) -> list[ValueInfoProto]:
        return [
            helper.make_tensor_value_info(
                entry.name,
                helper.np_dtype_to_tensor_dtype(np.dtype(entry.dtype)),
                [f"{entry.name}_{axis}" if extent < 0 else extent for axis, extent in enumerate(entry.shape)],
            )
            for entry in self.graph.inputs
        ]


class _Same(NamedTuple):
    """An operator ONNX has with the same inputs, its attributes perhaps under other names."""

    op_type: str
    renamed: dict[str, str] = {}  # noqa: RUF012 (a NamedTuple's default, never changed)


def _window(node: Node, renamed: dict[str, str]) -> dict[str, Any]:
    """Attributes of a convolution or pool: ONNX joins the paddings."""
    attributes = {renamed.get(key, key): value for key, value in node.attributes.items()}
    attributes["pads"] = [*attributes.pop("pads_begin"), *attributes.pop("pads_end")]
    return attributes


def _conv(op_type: str) -> Callable[[_Export, Node], None]:
    return lambda export, node: export.add(op_type, node, **_window(node, {"groups": "group"}))


def _max_pool(export: _Export, node: Node) -> None:
    if len(node.outputs) > 1:
        raise ValueError(f"to_onnx: layer {node.name!r} returns indices within planes, ONNX's count the whole tensor")
    attributes = _window(node, {"kernel": "kernel_shape"})
    export.add("MaxPool", node, **attributes)


def _avg_pool(export: _Export, node: Node) -> None:
    attributes = _window(node, {"kernel": "kernel_shape"})
    divisor = attributes.pop("divisor_override", 0)
    if divisor:
        raise ValueError(f"to_onnx: layer {node.name!r} has divisor_override {divisor}, which ONNX lacks")
    export.add("AveragePool", node, **attributes)


def _adaptive(everything: str, window: str) -> Callable[[_Export, Node], None]:
    """An adaptive pool: the global one, or one whose bins are all alike; ONNX has no other."""

    def translate(export: _Export, node: Node) -> None:
        if len(node.outputs) > 1:
            raise ValueError(f"to_onnx: layer {node.name!r} returns indices within planes, which ONNX lacks")
        wanted = node.attributes["output_size"]
        if all(extent == 1 for extent in wanted):
            export.add(everything, node)
            return
        given = export.extents(node.inputs[0])[2:]
        wanted = [have if extent < 0 else extent for have, extent in zip(given, wanted, strict=True)]
        if any(have < 1 or have % extent for have, extent in zip(given, wanted, strict=True)):
            raise ValueError(
                f"to_onnx: layer {node.name!r} pools {given} to {wanted}; the input's extents must be known multiples"
            )
        kernel = [have // extent for have, extent in zip(given, wanted, strict=True)]
        export.add(window, node, kernel_shape=kernel, strides=kernel)

    return translate


def _silu(export: _Export, node: Node) -> None:
    x = export.names[node.inputs[0]]
    gate = f"{x}/sigmoid"
    export.append("Sigmoid", node.name, [x], [gate])
    export.add("Mul", node, [x, gate])


def _resize(export: _Export, node: Node) -> None:
    renamed = {"coordinate_mode": "coordinate_transformation_mode"}
    attributes = {renamed.get(key, key): value for key, value in node.attributes.items()}
    if attributes["mode"] != "cubic":
        del attributes["cubic_coeff_a"]
    export.add("Resize", node, **attributes)


_OPERATORS: dict[str, _Same | Callable[[_Export, Node], None]] = {
    "adaptive_avg_pool": _adaptive("GlobalAveragePool", "AveragePool"),
    "adaptive_max_pool": _adaptive("GlobalMaxPool", "MaxPool"),
    "add": _Same("Add"),
    "avg_pool": _avg_pool,
    "batch_norm": _Same("BatchNormalization"),
    "clip": _Same("Clip"),
    "concat": _Same("Concat"),
    "conv": _conv("Conv"),
    "conv_transpose": _conv("ConvTranspose"),
    "depth_to_space": _Same("DepthToSpace"),
    "div": _Same("Div"),
    "elu": _Same("Elu"),
    "equal": _Same("Equal"),
    "flatten": _Same("Flatten"),
    "gelu": _Same("Gelu"),
    "gemm": _Same("Gemm", {"trans_a": "transA", "trans_b": "transB"}),
    "greater": _Same("Greater"),
    "group_norm": _Same("GroupNormalization", {"groups": "num_groups"}),
    "hard_sigmoid": _Same("HardSigmoid"),
    "hard_swish": _Same("HardSwish"),
    "instance_norm": _Same("InstanceNormalization"),
    "layer_norm": _Same("LayerNormalization"),
    "leaky_relu": _Same("LeakyRelu"),
    "log_softmax": _Same("LogSoftmax"),
    "lrn": _Same("LRN"),
    "matmul": _Same("MatMul"),
    "max_pool": _max_pool,
    "mish": _Same("Mish"),
    "mul": _Same("Mul"),
    "neg": _Same("Neg"),
    "pad": _Same("Pad"),
    "pow": _Same("Pow"),
    "prelu": _Same("PRelu"),
    "reduce_mean": _Same("ReduceMean"),
    "relu": _Same("Relu"),
    "reshape": _Same("Reshape"),
    "resize": _resize,
    "shape": _Same("Shape"),
    "sigmoid": _Same("Sigmoid"),
    "silu": _silu,
    "slice": _Same("Slice"),
    "softmax": _Same("Softmax"),
    "softplus": _Same("Softplus"),
    "sqrt": _Same("Sqrt"),
    "squeeze": _Same("Squeeze"),
    "sub": _Same("Sub"),
    "tanh": _Same("Tanh"),
    "transpose": _Same("Transpose"),
    "unsqueeze": _Same("Unsqueeze"),
    "where": _Same("Where"),
}
