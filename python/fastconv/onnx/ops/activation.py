"""Activations: functions of one float32 element, and softmax."""

from __future__ import annotations

from fastconv.onnx.registry import NUMBER, Names, Node, translates

_PLAIN = {
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "HardSwish": "hard_swish",
    "Mish": "mish",
}

# ONNX name -> vocabulary name, and the attributes with ONNX's defaults
_WITH_ATTRIBUTES = {
    "LeakyRelu": ("leaky_relu", {"alpha": 0.01}),
    "Elu": ("elu", {"alpha": 1.0}),
    "Celu": ("celu", {"alpha": 1.0}),
    "Selu": ("selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    "ThresholdedRelu": ("thresholded_relu", {"alpha": 1.0}),
    "HardSigmoid": ("hard_sigmoid", {"alpha": 0.2, "beta": 0.5}),
}


@translates(*_PLAIN)
def activation(node: Node) -> str:
    """Translate an activation without parameters."""
    return node.add(_PLAIN[node.op_type], node.input(0))


@translates("Relu", types=NUMBER)
def relu(node: Node) -> str:
    """Translate max(x, 0), which integers have since opset 14."""
    if node.dtype(0) == "float32":
        return node.add("relu", node.input(0))
    return node.add("max", node.input(0), node.constant(0, node.dtype(0)))


@translates(*_WITH_ATTRIBUTES)
def parametric_activation(node: Node) -> str:
    """Translate an activation whose parameters are attributes."""
    op, defaults = _WITH_ATTRIBUTES[node.op_type]
    attributes = {name: float(node.attribute(name, default)) for name, default in defaults.items()}
    return node.add(op, node.input(0), **attributes)


@translates("Gelu")
def gelu(node: Node) -> str:
    """Translate GELU, exact or by tanh."""
    return node.add("gelu", node.input(0), approximate=node.attribute("approximate", "none"))


@translates("Swish")
def swish(node: Node) -> str:
    """Translate x * sigmoid(alpha x)."""
    alpha = node.attribute("alpha", 1.0)
    if alpha == 1.0:
        return node.add("silu", node.input(0))
    scaled = node.add("mul", node.input(0), node.constant(alpha, "float32"))
    return node.add("mul", node.input(0), node.add("sigmoid", scaled))


@translates("PRelu")
def prelu(node: Node) -> str:
    """Translate a leaky ReLU whose slope is a tensor."""
    return node.add("prelu", node.input(0), node.input(1))


@translates("Clip", types=NUMBER)
def clip(node: Node) -> str:
    """Translate limits: attributes before opset 11, inputs since."""
    if node.opset >= 11:
        return node.add("clip", node.input(0), node.optional(1), node.optional(2))
    limits = [node.attribute("min"), node.attribute("max")]
    low, high = (None if limit is None else node.constant(limit, "float32") for limit in limits)
    return node.add("clip", node.input(0), low, high)


@translates("Softmax", "LogSoftmax")
def softmax(node: Node) -> Names:
    """Translate softmax over one axis; before opset 13 it is over all axes from `axis` on, as if flattened."""
    op = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}[node.op_type]
    if node.opset >= 13:
        return node.add(op, node.input(0), axis=node.attribute("axis", -1))
    axis, rank = node.attribute("axis", 1), node.rank(0)
    if axis == -1 or (rank is not None and axis % max(rank, 1) == rank - 1):
        return node.add(op, node.input(0), axis=-1)
    flat = node.add("flatten", node.input(0), axis=axis)
    return node.add("reshape", node.add(op, flat, axis=-1), node.add("shape", node.input(0)), allowzero=1)
