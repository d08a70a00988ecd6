"""Reductions over axes."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import Call, UnsupportedError, Values, translates

aten = torch.ops.aten

_OVER_ALL = {aten.mean.default: "reduce_mean", aten.sum.default: "reduce_sum"}
_OVER_AXES = {
    aten.mean.dim: "reduce_mean",
    aten.sum.dim_IntList: "reduce_sum",
    aten.amax.default: "reduce_max",
    aten.amin.default: "reduce_min",
}
_NORMS = {1: "reduce_l1", 2: "reduce_l2"}


def _reduce(call: Call, op: str, x: Node, axes: Any, keep: bool, dtype: Any) -> Values:
    if dtype not in (None, torch.float32):
        raise UnsupportedError(f"a result of type {dtype}")
    if call.rank(x) == 0:
        raise UnsupportedError("an input without axes")
    inputs = [call.value(x)] + ([call.ints(axes)] if axes else [])
    return call.add(op, *inputs, keepdims=int(keep))


@translates(*_OVER_ALL)
def over_all(call: Call, x: Node, dtype: Any) -> Values:
    """Translate a reduction of all elements to one."""
    return _reduce(call, _OVER_ALL[call.target], x, (), False, dtype)


@translates(*_OVER_AXES)
def over_axes(call: Call, x: Node, axes: Any, keep: bool, dtype: Any = None) -> Values:
    """Translate a reduction over axes; no axes stand for all."""
    return _reduce(call, _OVER_AXES[call.target], x, axes, keep, dtype)


@translates(aten.linalg_vector_norm.default)
def vector_norm(call: Call, x: Node, order: Any, axes: Any, keep: bool, dtype: Any) -> Values:
    """Translate the norms that sum absolute values or squares."""
    if order not in _NORMS:
        raise UnsupportedError(f"ord={order}")
    return _reduce(call, _NORMS[order], x, axes, keep, dtype)
