"""A recorded graph (docs/graph_ops.md) run by PyTorch: how torch gets the same network as its peers.

One small function an operator, in torch's own terms; in float64 it is also what errors are counted from. It covers what
image networks use; `UnsupportedError` names what it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from fastconv.bench.cases import UnsupportedError
from fastconv.graph_builder import GraphBuilder, Node

Tensor = torch.Tensor
Attributes = Mapping[str, Any]


class TorchGraph:
    """A graph ready to run.

    Parameters
    ----------
    graph : GraphBuilder
    convert : function
        Makes tensors of constants; it chooses precision and memory format.
    """

    def __init__(self, graph: GraphBuilder, convert: Callable[[Any], Tensor]):
        for node in graph.nodes:
            if node.op not in _OPERATORS:
                raise UnsupportedError(f"torch: operator {node.op!r} is not translated")
        self._graph = graph
        self._constants = {value: convert(np.asarray(array)) for value, array in graph.constants.items()}
        last_use = {value: index for index, node in enumerate(graph.nodes) for value in node.inputs}
        kept = {output.id for output in graph.outputs}
        dead: list[list[int]] = [[] for _ in graph.nodes]
        for value, index in last_use.items():
            if value is not None and value not in kept and value not in self._constants:
                dead[index].append(value)
        self._steps: list[tuple[Node, Any, list[int]]] = [
            (node, _OPERATORS[node.op], gone) for node, gone in zip(graph.nodes, dead)
        ]

    def run(self, feed: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the outputs in order; intermediate values are freed as soon as nothing reads them."""
        values: dict[Any, Any] = {None: None, **self._constants}
        values.update((entry.id, feed[entry.name]) for entry in self._graph.inputs)
        for node, function, gone in self._steps:
            results = function(node.attributes, *(values[i] for i in node.inputs))
            values.update(zip(node.outputs, results if isinstance(results, (tuple, list)) else (results,)))
            for value in gone:
                del values[value]
        return [tensor for output in self._graph.outputs if (tensor := values[output.id]) is not None]


def first_result(results: Any) -> np.ndarray:
    """Return the first tensor of what a module gave, of whatever kind that is, as an array."""
    array: np.ndarray = torch.utils._pytree.tree_leaves(results)[0].numpy()
    return array


def _ints(tensor: Tensor | None) -> list[int]:
    return [] if tensor is None else [int(v) for v in tensor.reshape(-1).tolist()]


def _per_axis(a: Attributes, name: str, rank: int, otherwise: int) -> list[int]:
    return list(a.get(name) or [otherwise] * rank)


def _pads(a: Attributes, x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Any:
    """Return pads at the beginnings and ends."""
    rank, auto = len(kernel), a.get("auto_pad", "explicit")
    if auto == "explicit":
        return _per_axis(a, "pads_begin", rank, 0), _per_axis(a, "pads_end", rank, 0)
    if auto == "valid":
        return [0] * rank, [0] * rank
    axes = zip(x.shape[2:], kernel, strides, dilations)
    totals = [max((-(-i // s) - 1) * s + d * (r - 1) + 1 - i, 0) for i, r, s, d in axes]
    small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
    return (small, large) if auto == "same_upper" else (large, small)


def _padded(x: Tensor, pads: tuple[Sequence[int], Sequence[int]], value: float = 0.0) -> tuple[Tensor, list[int]]:
    """Return the input and what is left for torch to pad: torch pads both ends alike."""
    begin, end = pads
    if list(begin) == list(end):
        return x, list(begin)
    return F.pad(x, [p for pair in zip(begin[::-1], end[::-1]) for p in pair], value=value), [0] * len(begin)


def _conv(a: Attributes, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    rank = x.ndim - 2
    strides, dilations = _per_axis(a, "strides", rank, 1), _per_axis(a, "dilations", rank, 1)
    x, pads = _padded(x, _pads(a, x, w.shape[2:], strides, dilations))
    function: Any = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    result: Tensor = function(x, w, b, strides, pads, dilations, a.get("groups", 1))
    return result


def _conv_transpose(a: Attributes, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    rank = x.ndim - 2
    begin, end = _per_axis(a, "pads_begin", rank, 0), _per_axis(a, "pads_end", rank, 0)
    if a.get("output_shape") or a.get("auto_pad", "explicit") != "explicit":
        raise UnsupportedError("torch: conv_transpose needs explicit pads")
    strides, dilations = _per_axis(a, "strides", rank, 1), _per_axis(a, "dilations", rank, 1)
    function: Any = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    more = _per_axis(a, "output_padding", rank, 0)
    if begin == end:
        result: Tensor = function(x, w, b, strides, begin, more, a.get("groups", 1), dilations)
        return result
    whole: Tensor = function(x, w, b, strides, 0, more, a.get("groups", 1), dilations)  # torch cuts both ends alike
    for axis, (first, last) in enumerate(zip(begin, end), 2):
        whole = whole.narrow(axis, first, whole.shape[axis] - first - last)
    return whole


def _max_pool(a: Attributes, x: Tensor) -> Any:
    rank, kernel = x.ndim - 2, a["kernel"]
    strides, dilations = _per_axis(a, "strides", rank, 1), _per_axis(a, "dilations", rank, 1)
    x, pads = _padded(x, _pads(a, x, kernel, strides, dilations), value=-torch.inf)
    if any(2 * p > k for p, k in zip(pads, kernel)):
        x, pads = F.pad(x, [p for p in pads[::-1] for _ in (0, 1)], value=-torch.inf), [0] * rank
    function: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
    return function(x, kernel, strides, pads, dilations, bool(a.get("ceil_mode", 0)))


def _avg_pool(a: Attributes, x: Tensor) -> Any:
    rank, kernel = x.ndim - 2, a["kernel"]
    strides = _per_axis(a, "strides", rank, 1)
    begin, end = _pads(a, x, kernel, strides, [1] * rank)
    counted = bool(a.get("count_include_pad", 0))
    function: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[rank - 1]
    ceil = bool(a.get("ceil_mode", 0))
    padded, pads = _padded(x, (begin, end))
    result = function(padded, kernel, strides, pads, ceil, counted)
    if begin == end or counted:
        return result
    cells, _ = _padded(torch.ones_like(x), (begin, end))
    return result / function(cells, kernel, strides, pads, ceil)  # by the share of each window that is no padding


def _adaptive_avg_pool(a: Attributes, x: Tensor) -> Any:
    size = [None if extent == -1 else extent for extent in a["output_size"]]
    function: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[x.ndim - 3]
    return function(x, size)


def _gemm(a: Attributes, x: Tensor, y: Tensor, c: Tensor | None = None) -> Tensor:
    x, y = x.T if a.get("trans_a", 0) else x, y.T if a.get("trans_b", 0) else y
    alpha, beta = a.get("alpha", 1.0), a.get("beta", 1.0)
    return x @ y * alpha if c is None else torch.addmm(c, x, y, beta=beta, alpha=alpha)


def _clip(a: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    return torch.clamp(x, None if low is None else float(low), None if high is None else float(high))


def _reduce(function: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Tensor]:
    def run(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        chosen = _ints(axes)
        if not chosen and a.get("noop_with_empty_axes", 0):
            return x
        return function(x, chosen or list(range(x.ndim)), bool(a.get("keepdims", 1)))

    return run


def _slice(a: Attributes, x: Tensor, starts: Tensor, ends: Tensor, axes: Any = None, steps: Any = None) -> Tensor:
    count = len(_ints(starts))
    for start, end, axis, step in zip(
        _ints(starts), _ints(ends), _ints(axes) or range(count), _ints(steps) or [1] * count
    ):
        if step < 1:
            raise UnsupportedError("torch: slice needs positive steps")
        x = x[(slice(None),) * (axis % x.ndim) + (slice(start, end, step),)]
    return x


def _pad(a: Attributes, x: Tensor, pads: Tensor, value: Tensor | None = None, axes: Tensor | None = None) -> Tensor:
    numbers, chosen = _ints(pads), _ints(axes) or list(range(x.ndim))
    begin, end = dict(zip(chosen, numbers)), dict(zip(chosen, numbers[len(chosen) :]))
    amounts = [p for axis in range(x.ndim - 1, -1, -1) for p in (begin.get(axis, 0), end.get(axis, 0))]
    mode = a.get("mode", "constant")
    if mode == "constant":
        return F.pad(x, amounts, value=0.0 if value is None else float(value))
    return F.pad(x, amounts[: 2 * (x.ndim - 2)], mode={"reflect": "reflect", "edge": "replicate"}[mode])


def _reshape(a: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    extents = _ints(shape)
    if not a.get("allowzero", 0):
        extents = [x.shape[i] if extent == 0 else extent for i, extent in enumerate(extents)]
    return x.reshape(extents)


def _unsqueeze(a: Attributes, x: Tensor, axes: Tensor) -> Tensor:
    chosen = _ints(axes)
    for axis in sorted(axis % (x.ndim + len(chosen)) for axis in chosen):
        x = x.unsqueeze(axis)
    return x


def _split(a: Attributes, x: Tensor, sizes: Tensor | None = None) -> Any:
    if sizes is None:
        raise UnsupportedError("torch: split needs sizes")
    return torch.split(x, _ints(sizes), a.get("axis", 0))


def _resize(a: Attributes, x: Tensor, roi: Any = None, scales: Any = None, sizes: Any = None) -> Tensor:
    mode, where = a.get("mode", "nearest"), a.get("coordinate_mode", "half_pixel")
    target = _ints(sizes)[-(x.ndim - 2) :] if sizes is not None else None
    if target is None:
        target = [int(extent * float(s)) for extent, s in zip(x.shape[2:], scales.reshape(-1)[-(x.ndim - 2) :])]
    if mode == "nearest" and all(t % s == 0 for t, s in zip(target, x.shape[2:])):
        return F.interpolate(x, target, mode="nearest")  # whole multiples: every coordinate mode repeats pixels
    if mode == "linear" and where in ("half_pixel", "pytorch_half_pixel", "align_corners") and not a.get("antialias"):
        kind = ("linear", "bilinear", "trilinear")[x.ndim - 3]
        return F.interpolate(x, target, mode=kind, align_corners=where == "align_corners")
    raise UnsupportedError(f"torch: resize {mode} {where} is not translated")


def _depth_to_space(a: Attributes, x: Tensor) -> Tensor:
    size = a["blocksize"]
    if a.get("mode", "DCR") == "DCR":
        x = x.unflatten(1, (size * size, -1)).transpose(1, 2).flatten(1, 2)
    return F.pixel_shuffle(x, size)


def _space_to_depth(a: Attributes, x: Tensor) -> Tensor:
    return F.pixel_unshuffle(x, a["blocksize"]).unflatten(1, (x.shape[1], -1)).transpose(1, 2).flatten(1, 2)


def _unary(function: Callable[[Tensor], Any]) -> Callable[..., Any]:
    return lambda a, x: function(x)


def _binary(function: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    return lambda a, x, y: function(x, y)


def _div(x: Tensor, y: Tensor) -> Tensor:
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


_DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "int32": torch.int32}


def _cast(a: Attributes, x: Tensor) -> Tensor:
    if a["to"] == "float32" and x.dtype == torch.float64:
        return x  # the float64 reference stays float64
    return x.to({**_DTYPES, "bool": torch.bool, "uint8": torch.uint8, "int8": torch.int8}[a["to"]])


_OPERATORS: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "batch_norm": lambda a, x, s, b, m, v: F.batch_norm(x, m, v, s, b, eps=a.get("epsilon", 1e-5)),
    "instance_norm": lambda a, x, s, b: F.instance_norm(x, weight=s, bias=b, eps=a["epsilon"]),
    "group_norm": lambda a, x, s, b: F.group_norm(x, a["groups"], s, b, a["epsilon"]),
    "layer_norm": lambda a, x, s=None, b=None: F.layer_norm(x, x.shape[a.get("axis", -1) :], s, b, a["epsilon"]),
    "lrn": lambda a, x: F.local_response_norm(
        x, a["size"], a.get("alpha", 1e-4), a.get("beta", 0.75), a.get("bias", 1.0)
    ),
    "matmul": _binary(torch.matmul),
    "gemm": _gemm,
    **{name: _unary(getattr(torch, name)) for name in ("neg", "abs", "sqrt", "exp", "log", "sigmoid", "tanh", "erf")},
    **{name: _unary(getattr(torch, name)) for name in ("relu", "floor", "ceil", "round", "sin", "cos", "logical_not")},
    **{name: _unary(getattr(F, name)) for name in ("softplus", "silu", "mish")},
    "hard_swish": _unary(F.hardswish),
    "leaky_relu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "elu": lambda a, x: F.elu(x, a.get("alpha", 1.0)),
    "hard_sigmoid": lambda a, x: torch.clamp(a.get("alpha", 0.2) * x + a.get("beta", 0.5), 0, 1),
    "gelu": lambda a, x: F.gelu(x, approximate=a.get("approximate", "none")),
    "clip": _clip,
    "add": _binary(torch.add),
    "sub": _binary(torch.sub),
    "mul": _binary(torch.mul),
    "div": _binary(_div),
    "pow": _binary(torch.pow),
    "min": _binary(torch.minimum),
    "max": _binary(torch.maximum),
    "prelu": _binary(lambda x, slope: torch.where(x < 0, x * slope, x)),
    "equal": _binary(torch.eq),
    "less": _binary(torch.lt),
    "greater": _binary(torch.gt),
    "where": lambda a, c, x, y: torch.where(c, x, y),
    "cast": _cast,
    "softmax": lambda a, x: torch.softmax(x, a.get("axis", -1)),
    "log_softmax": lambda a, x: torch.log_softmax(x, a.get("axis", -1)),
    "reduce_mean": _reduce(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "reduce_sum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "reduce_max": _reduce(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "reduce_min": _reduce(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "argmax": lambda a, x: torch.argmax(x, a.get("axis", 0), bool(a.get("keepdims", 1))),
    "concat": lambda a, *x: torch.cat(x, a["axis"]),
    "split": _split,
    "slice": _slice,
    "pad": _pad,
    "reshape": _reshape,
    "squeeze": lambda a, x, axes=None: torch.squeeze(x, _ints(axes)) if axes is not None else torch.squeeze(x),
    "unsqueeze": _unsqueeze,
    "flatten": lambda a, x: x.reshape(int(np.prod(x.shape[: a.get("axis", 1)])), -1),
    "transpose": lambda a, x: x.permute(list(a.get("perm") or range(x.ndim - 1, -1, -1))),
    "expand": lambda a, x, shape: x.expand(torch.broadcast_shapes(x.shape, _ints(shape))),
    "tile": lambda a, x, repeats: x.tile(_ints(repeats)),
    "gather": lambda a, x, i: torch.index_select(x, a.get("axis", 0), i.reshape(-1)).reshape(
        *x.shape[: a.get("axis", 0)], *i.shape, *x.shape[a.get("axis", 0) % x.ndim + 1 :]
    ),
    "shape": lambda a, x: torch.tensor(x.shape[a.get("start", 0) : a.get("end")]),
    "identity": lambda a, x: x,
    "resize": _resize,
    "depth_to_space": _depth_to_space,
    "space_to_depth": _space_to_depth,
}
