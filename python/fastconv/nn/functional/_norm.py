"""Normalisation as nodes of a graph: inference formulas; arguments as torch.nn.functional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastconv._arguments import at_least

from ..tensor import emit


def batch_norm(
    x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias per channel (Ioffe & Szegedy, arXiv:1502.03167).

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial).
    running_mean, running_var : array or None
        (C,); where both are None, the statistics of the batch itself (its biased variance).
    weight, bias : array, optional
        (C,); 1 and 0 by default.
    eps : float
    """
    if running_mean is not None:
        scale = np.ones_like(running_mean) if weight is None else weight
        shift = np.zeros_like(running_mean) if bias is None else bias
        return emit("batch_norm", [x, scale, shift, running_mean, running_var], {"epsilon": float(eps)})
    axes = np.array([0, *range(2, x.ndim)])
    centred = emit("sub", [x, emit("reduce_mean", [x, axes])])
    variance = emit("reduce_mean", [emit("mul", [centred, centred]), axes])
    y = emit("div", [centred, emit("sqrt", [emit("add", [variance, np.asarray(eps, np.float32)])])])
    per_channel = (-1,) + (1,) * (x.ndim - 2)
    y = y if weight is None else emit("mul", [y, weight.reshape(per_channel)])
    return y if bias is None else emit("add", [y, bias.reshape(per_channel)])


def layer_norm(x: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalise over the last len(normalized_shape) axes (Ba et al., arXiv:1607.06450); weight, bias of that shape."""
    weight = np.ones(tuple(normalized_shape), np.float32) if weight is None else weight
    return emit("layer_norm", [x, weight, bias], {"axis": -len(normalized_shape), "epsilon": float(eps)})


def group_norm(x: Any, num_groups: int, weight: Any, bias: Any, eps: float = 1e-5) -> Any:
    """Normalise each of num_groups groups of channels of (N, C, *spatial) (Wu & He, arXiv:1803.08494)."""
    groups = at_least(num_groups, 1, "group_norm: num_groups")
    return emit("group_norm", [x, weight, bias], {"groups": groups, "epsilon": float(eps)})


def instance_norm(x: Any, weight: Any, bias: Any, eps: float = 1e-5) -> Any:
    """Normalise each plane of (N, C, *spatial) (Ulyanov et al., arXiv:1607.08022); weight and bias of C elements."""
    return emit("instance_norm", [x, weight, bias], {"epsilon": float(eps)})


def local_response_norm(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """X / (k + alpha / size * sum of squares over `size` channels) ** beta (Krizhevsky et al., 2012).

    The window of an even size has its odd channel before the centre, as in torch; the graph's operator has it after,
    so the channels are reversed around it.
    """
    size = at_least(size, 1, "local_response_norm: size")
    attributes = {"size": size, "alpha": float(alpha), "beta": float(beta), "bias": float(k)}

    def reverse(value: Any) -> Any:
        last, before_first = np.array([-1]), np.array([np.iinfo(np.int64).min + 1])
        return emit("slice", [value, last, before_first, np.array([1]), np.array([-1])])

    if size % 2:
        return emit("lrn", [x], attributes)
    return reverse(emit("lrn", [reverse(x)], attributes))
