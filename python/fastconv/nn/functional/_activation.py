"""Activations as nodes of a graph; names, arguments and defaults as torch.nn.functional."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastconv._arguments import LAYOUTS, one_of

from ..tensor import elementwise, emit


def _limit(value: float) -> Any:
    return np.asarray(value, np.float32)


def relu(x: Any, inplace: bool = False) -> Any:
    """max(x, 0). `inplace` is accepted and means nothing: the plan reuses memory by itself."""
    return elementwise("relu", [x])


def relu6(x: Any, inplace: bool = False) -> Any:
    """min(max(x, 0), 6)."""
    return elementwise("clip", [x, _limit(0), _limit(6)])


def leaky_relu(x: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """Return x where x > 0, else negative_slope * x."""
    return elementwise("leaky_relu", [x], {"alpha": float(negative_slope)})


def elu(x: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Return x where x > 0, else alpha * (exp(x) - 1)."""
    return elementwise("elu", [x], {"alpha": float(alpha)})


def hardswish(x: Any, inplace: bool = False) -> Any:
    """X * relu6(x + 3) / 6 (Howard et al., arXiv:1905.02244)."""
    return elementwise("hard_swish", [x])


def hardsigmoid(x: Any, inplace: bool = False) -> Any:
    """relu6(x + 3) / 6."""
    return elementwise("hard_sigmoid", [x], {"alpha": 1 / 6, "beta": 0.5})


def silu(x: Any, inplace: bool = False) -> Any:
    """X * sigmoid(x) (Elfwing et al., arXiv:1702.03118)."""
    return elementwise("silu", [x])


def mish(x: Any, inplace: bool = False) -> Any:
    """X * tanh(log(1 + exp(x))) (Misra, arXiv:1908.08681)."""
    return elementwise("mish", [x])


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return elementwise("sigmoid", [x])


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return elementwise("tanh", [x])


def gelu(x: Any, approximate: str = "none") -> Any:
    """X * Phi(x), Phi the normal distribution (Hendrycks & Gimpel, arXiv:1606.08415), or its "tanh" approximation."""
    one_of(approximate, ("none", "tanh"), "gelu: approximate")
    return elementwise("gelu", [x], {"approximate": approximate})


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta x)) / beta.

    torch returns x itself where beta x > threshold. At the default threshold float32 cannot tell the two apart, so
    only other thresholds cost a comparison.
    """
    scaled = x if beta == 1 else x * beta
    y = elementwise("softplus", [scaled])
    y = y if beta == 1 else y / beta
    if threshold == 20:
        return y
    return emit("where", [emit("greater", [scaled, _limit(threshold)], dtype="bool"), x, y], dtype="float32")


def prelu(x: Any, weight: Any, *, layout: str = "NCHW") -> Any:
    """Return x where x > 0, else weight * x; weight holds one slope, or one per channel (axis 1, or the last)."""
    one_of(layout, LAYOUTS, "prelu: layout")
    trailing = (1,) * (x.ndim - 2 if layout == "NCHW" else 0)
    return elementwise("prelu", [x, weight if weight.size == 1 else weight.reshape(-1, *trailing)])


def softmax(x: Any, dim: int = -1) -> Any:
    """exp(x - max) / sum of the same along axis `dim`."""
    return emit("softmax", [x], {"axis": dim})


def log_softmax(x: Any, dim: int = -1) -> Any:
    """log(softmax(x)) along axis `dim`."""
    return emit("log_softmax", [x], {"axis": dim})
