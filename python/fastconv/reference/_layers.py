"""The layers around convolutions: batch normalisation, linear, and the activations of `fastconv.nn`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ._shapes import Array

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def batch_norm(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    *,
    eps: float = 1e-5,
    layout: str = "NCHW",
) -> Array:
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel: inference, so with the running statistics.

    Parameters
    ----------
    x : array
        (N, C, *spatial), spatial may be empty; (N, *spatial, C) for layout "NHWC".
    running_mean, running_var : array
        (C,).
    weight, bias : array, optional
        (C,); 1 and 0 by default.
    eps : float
    layout : "NCHW" or "NHWC"

    Returns
    -------
    array of float64
    """
    x = np.asarray(x, np.float64)
    channel_axis = x.ndim - 1 if layout == "NHWC" else 1

    def per_channel(values: ArrayLike) -> Array:
        shape = [1] * x.ndim
        shape[channel_axis] = -1
        return np.asarray(values, np.float64).reshape(shape)

    y = (x - per_channel(running_mean)) / np.sqrt(per_channel(running_var) + eps)
    y = y if weight is None else y * per_channel(weight)
    return y if bias is None else y + per_channel(bias)


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """Return x @ weight.T + bias: (..., in) with weight (out, in) and bias (out,) gives (..., out)."""
    y: Array = np.asarray(x, np.float64) @ np.asarray(weight, np.float64).T
    return y if bias is None else y + np.asarray(bias, np.float64)


def relu(x: ArrayLike) -> Array:
    """Return max(x, 0); NaN stays NaN."""
    return np.maximum(np.asarray(x, np.float64), 0)


def relu6(x: ArrayLike) -> Array:
    """Limit x to [0, 6]; NaN stays NaN."""
    return np.clip(np.asarray(x, np.float64), 0, 6)


def hardsigmoid(x: ArrayLike) -> Array:
    """Return relu6(x + 3) / 6."""
    return relu6(np.asarray(x, np.float64) + 3) / 6


def hardswish(x: ArrayLike) -> Array:
    """Return x * relu6(x + 3) / 6."""
    return np.asarray(x, np.float64) * hardsigmoid(x)


def sigmoid(x: ArrayLike) -> Array:
    """Return 1 / (1 + exp(-x)), written so that the exponential never overflows."""
    x = np.asarray(x, np.float64)
    e = np.exp(-np.abs(x))
    y: Array = np.where(x < 0, e, 1.0) / (1 + e)
    return y


def silu(x: ArrayLike) -> Array:
    """Return x * sigmoid(x)."""
    return np.asarray(x, np.float64) * sigmoid(x)


def gelu(x: ArrayLike, approximate: str = "none") -> Array:
    """Return x * Phi(x), Phi the normal distribution function; "tanh" takes the usual approximation of Phi."""
    x = np.asarray(x, np.float64)
    phi: Array
    if approximate == "tanh":
        phi = (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    else:
        phi = _erfc(-x / math.sqrt(2)) / 2
    y: Array = x * phi
    return y
