"""Convolutions, pools and matrix products."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import Call, UnsupportedError, Values, translates

aten = torch.ops.aten


def _per_axis(call: Call, numbers: Any, rank: int) -> list[int]:
    found = call.static(numbers)
    return found * rank if len(found) == 1 else found


def _check_rank(call: Call, x: Node, rank: int) -> None:
    if call.rank(x) != rank + 2:
        raise UnsupportedError(f"an input of rank {call.rank(x)}")


@translates(aten.convolution.default, worthwhile=True)
def convolution(
    call: Call,
    x: Node,
    weight: Node,
    bias: Node | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Values:
    """Translate a convolution, transposed or not, of one to three spatial axes."""
    rank = call.rank(weight) - 2
    if not 1 <= rank <= 3:
        raise UnsupportedError(f"a convolution over {rank} axes")
    _check_rank(call, x, rank)
    pads = _per_axis(call, padding, rank)
    attributes = {
        "strides": _per_axis(call, stride, rank),
        "pads_begin": pads,
        "pads_end": pads,
        "dilations": _per_axis(call, dilation, rank),
        "groups": groups,
    }
    inputs = call.value(x), call.value(weight), None if bias is None else call.value(bias)
    if transposed:
        more = _per_axis(call, output_padding, rank)
        return call.add("conv_transpose", *inputs, output_padding=more, **attributes)
    return call.add("conv", *inputs, **attributes)


def _window(call: Call, x: Node, rank: int, kernel: Any, stride: Any, padding: Any) -> dict[str, Any]:
    _check_rank(call, x, rank)
    sizes, pads = _per_axis(call, kernel, rank), _per_axis(call, padding, rank)
    strides = _per_axis(call, stride, rank) if call.static(stride or []) else sizes
    return {"kernel": sizes, "strides": strides, "pads_begin": pads, "pads_end": pads}


_MAX_POOLS = {aten.max_pool2d_with_indices.default: 2, aten.max_pool3d_with_indices.default: 3}
_AVG_POOLS = {aten.avg_pool1d.default: 1, aten.avg_pool2d.default: 2, aten.avg_pool3d.default: 3}


@translates(*_MAX_POOLS, worthwhile=True)
def max_pool(call: Call, x: Node, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Values:
    """Translate a maximum over windows, and where in the plane it lies."""
    rank = _MAX_POOLS[call.target]
    attributes = _window(call, x, rank, kernel, stride, padding)
    attributes |= {"dilations": _per_axis(call, dilation, rank), "ceil_mode": int(ceil_mode), "indices": "plane"}
    return _with_indices(call, "max_pool", x, attributes)


def _with_indices(call: Call, op: str, x: Node, attributes: dict[str, Any]) -> Values:
    """Ask for indices only where somebody reads them."""
    if call.wants(1):
        return call.add_several(op, call.value(x), outputs=2, **attributes)
    return call.add(op, call.value(x), **attributes), None


@translates(*_AVG_POOLS, worthwhile=True)
def avg_pool(
    call: Call,
    x: Node,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Values:
    """Translate a mean over windows."""
    return call.add(
        "avg_pool",
        call.value(x),
        ceil_mode=int(ceil_mode),
        count_include_pad=int(count_include_pad),
        divisor_override=divisor_override or 0,
        **_window(call, x, _AVG_POOLS[call.target], kernel, stride, padding),
    )


@translates(aten._adaptive_avg_pool2d.default, aten._adaptive_avg_pool3d.default, worthwhile=True)
def adaptive_avg_pool(call: Call, x: Node, size: Any) -> Values:
    """Translate means over torch's bins."""
    _check_rank(call, x, len(size))
    return call.add("adaptive_avg_pool", call.value(x), output_size=call.static(size))


@translates(aten.adaptive_max_pool2d.default, aten.adaptive_max_pool3d.default, worthwhile=True)
def adaptive_max_pool(call: Call, x: Node, size: Any) -> Values:
    """Translate maxima over torch's bins, and where in the plane they lie."""
    _check_rank(call, x, len(size))
    return _with_indices(call, "adaptive_max_pool", x, {"output_size": call.static(size)})


@translates(aten.addmm.default, worthwhile=True)
def addmm(call: Call, c: Node, a: Node, b: Node, beta: Any, alpha: Any) -> Values:
    """Translate alpha * a b + beta * c."""
    return call.add("gemm", call.value(a), call.value(b), call.value(c), alpha=float(alpha), beta=float(beta))


@translates(aten.mm.default, aten.bmm.default, worthwhile=True)
def matmul(call: Call, a: Node, b: Node) -> Values:
    """Translate a product, or a batch of products."""
    return call.add("matmul", call.value(a), call.value(b))
