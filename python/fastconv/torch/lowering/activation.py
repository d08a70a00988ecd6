"""Activations: functions of one float32 element, and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import Call, UnsupportedError, Values, translates

aten = torch.ops.aten

_PLAIN = {
    aten.relu.default: "relu",
    aten.sigmoid.default: "sigmoid",
    aten.tanh.default: "tanh",
    aten.silu.default: "silu",
    aten.mish.default: "mish",
    aten.hardswish.default: "hard_swish",
    aten.neg.default: "neg",
    aten.abs.default: "abs",
    aten.sqrt.default: "sqrt",
    aten.exp.default: "exp",
    aten.log.default: "log",
    aten.erf.default: "erf",
    aten.floor.default: "floor",
    aten.ceil.default: "ceil",
    aten.reciprocal.default: "reciprocal",
    aten.sin.default: "sin",
    aten.cos.default: "cos",
    aten.sign.default: "sign",
}


@translates(*_PLAIN)
def plain(call: Call, x: Node) -> Values:
    """Translate a function without parameters."""
    return call.add(_PLAIN[call.target], call.value(x))


@translates(aten.rsqrt.default)
def rsqrt(call: Call, x: Node) -> Values:
    """Translate 1 / sqrt(x)."""
    return call.add("reciprocal", call.add("sqrt", call.value(x)))


@translates(aten.hardsigmoid.default)
def hardsigmoid(call: Call, x: Node) -> Values:
    """Translate clip(x / 6 + 1/2, 0, 1)."""
    return call.add("hard_sigmoid", call.value(x), alpha=1 / 6, beta=0.5)


@translates(aten.leaky_relu.default)
def leaky_relu(call: Call, x: Node, slope: Any) -> Values:
    """Translate a ReLU with a slope below zero."""
    return call.add("leaky_relu", call.value(x), alpha=float(slope))


@translates(aten._prelu_kernel.default)
def prelu(call: Call, x: Node, slope: Node) -> Values:
    """Translate a ReLU whose slope below zero is a tensor."""
    return call.add("prelu", call.value(x), call.value(slope))


@translates(aten.elu.default)
def elu(call: Call, x: Node, alpha: Any, scale: Any, input_scale: Any) -> Values:
    """Translate ELU, and SELU, which torch writes as a scaled one."""
    if input_scale != 1:
        raise UnsupportedError(f"input_scale={input_scale}")
    if scale == 1:
        return call.add("elu", call.value(x), alpha=float(alpha))
    return call.add("selu", call.value(x), alpha=float(alpha), gamma=float(scale))


@translates(aten.celu.default)
def celu(call: Call, x: Node, alpha: Any) -> Values:
    """Translate max(0, x) + min(0, alpha (exp(x / alpha) - 1))."""
    return call.add("celu", call.value(x), alpha=float(alpha))


@translates(aten.gelu.default)
def gelu(call: Call, x: Node, approximate: str) -> Values:
    """Translate GELU, exact or by tanh."""
    return call.add("gelu", call.value(x), approximate=approximate)


@translates(aten.softplus.default)
def softplus(call: Call, x: Node, beta: Any, threshold: Any) -> Values:
    """Translate log(1 + exp(x)); above torch's threshold of 20 the two sides of it are the same float32."""
    if beta != 1 or threshold < 20:
        raise UnsupportedError(f"beta={beta}, threshold={threshold}")
    return call.add("softplus", call.value(x))


@translates(aten.hardtanh.default, aten.clamp.default)
def clamp(call: Call, x: Node, low: Any, high: Any) -> Values:
    """Translate limits."""
    return call.add("clip", call.value(x), *(None if limit is None else call.value(limit) for limit in (low, high)))


@translates(aten.clamp_min.default)
def clamp_min(call: Call, x: Node, low: Any) -> Values:
    """Translate a lower limit."""
    return call.add("clip", call.value(x), call.value(low), None)


@translates(aten.glu.default)
def glu(call: Call, x: Node, axis: int) -> Values:
    """Translate the first half of an axis, gated by the second."""
    axis = call.axis(axis)
    half = call.static([call.shape()[axis]])[0]
    sizes = call.constant(np.array([half, half], np.int64))
    first, second = call.add_several("split", call.value(x), sizes, outputs=2, axis=axis)
    return call.add("mul", first, call.add("sigmoid", second))


@translates(aten._softmax.default)
def softmax(call: Call, x: Node, axis: int, half_to_float: bool) -> Values:
    """Translate softmax over an axis."""
    return call.add("softmax", call.value(x), axis=axis)


@translates(aten._log_softmax.default)
def log_softmax(call: Call, x: Node, axis: int, half_to_float: bool) -> Values:
    """Translate the logarithm of softmax over an axis."""
    return call.add("log_softmax", call.value(x), axis=axis)
