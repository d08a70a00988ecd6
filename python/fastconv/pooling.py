"""Pooling as functions, with torch.nn.functional's arguments, order, defaults and meaning.

Twelve public functions on one path: arguments are checked here, and each combination of them is a network of one
node, kept for the next call, which the C++ core plans for every shape it meets.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from fastconv import _core
from fastconv._arguments import Ints, OutputSize, at_least, channels_last, pool_output_sizes, pool_window
from fastconv._arrays import as_float32, like

_Attributes = tuple[tuple[str, Any], ...]


@lru_cache(maxsize=32)
def _network(op: str, attributes: _Attributes, rank: int, outputs: int, channels_last: bool, isa: str) -> _core.Network:
    """Return the network of one node. `isa` tells networks apart whose plans were made for different ones."""
    graph = _core.Graph()
    value = graph.input("x", "float32", [-1] * (rank + 2))
    to_first, to_last = [0, rank + 1, *range(1, rank + 1)], [0, *range(2, rank + 2), 1]
    if channels_last:  # the planner turns both transposes into views
        (value,) = graph.add("transpose", [value], {"perm": to_first})
    results = graph.add(op, [value], dict(attributes), outputs=outputs)
    for i, result in enumerate(results):
        if channels_last:
            (result,) = graph.add("transpose", [result], {"perm": to_last})
        graph.output(result, f"y{i}")
    return _core.Network(graph)


def run_pool(
    what: str, op: str, x: Any, rank: int, attributes: dict[str, Any], layout: str, return_indices: bool = False
) -> Any:
    """Run a pool of docs/graph_ops.md on an array; `attributes` are checked already."""
    kind = like(x)
    array = as_float32(what, "input", x)
    last = channels_last(layout, rank, what)
    batched = array.ndim == rank + 2
    if not batched and array.ndim != rank + 1:
        raise ValueError(
            f"{what}: input must have {rank + 2} axes, or {rank + 1} without a batch, got shape {array.shape}"
        )
    network = _network(
        op,
        tuple(sorted(attributes.items())),
        rank,
        2 if return_indices else 1,
        last,
        _core.isa(),
    )
    results = network.run({"x": array if batched else array[np.newaxis]})
    results = [kind(result if batched else result[0]) for result in results]
    return tuple(results) if return_indices else results[0]


def _max_pool(
    rank: int,
    x: Any,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
    return_indices: bool,
    layout: str,
) -> Any:
    what = f"max_pool{rank}d"
    attributes = pool_window(what, rank, kernel_size, stride, padding, dilation, ceil_mode)
    attributes["indices"] = "plane"
    return run_pool(what, "max_pool", x, rank, attributes, layout, return_indices)


def _avg_pool(
    rank: int,
    x: Any,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    layout: str,
) -> Any:
    what = f"avg_pool{rank}d"
    attributes = pool_window(what, rank, kernel_size, stride, padding, 1, ceil_mode)
    attributes["count_include_pad"] = int(count_include_pad)
    if divisor_override is not None:
        attributes["divisor_override"] = at_least(divisor_override, 1, f"{what}: divisor_override")
    return run_pool(what, "avg_pool", x, rank, attributes, layout)


def _adaptive_pool(
    kind: str, rank: int, x: Any, output_size: OutputSize, layout: str, return_indices: bool = False
) -> Any:
    what = f"adaptive_{kind}_pool{rank}d"
    attributes = {"output_size": pool_output_sizes(what, rank, output_size)}
    return run_pool(what, f"adaptive_{kind}_pool", x, rank, attributes, layout, return_indices)


def max_pool1d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Any:
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, layout)


def max_pool2d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Any:
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, layout)


def max_pool3d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Any:
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, layout)


def avg_pool1d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    layout: str = "NCHW",
) -> Any:
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, layout)


def avg_pool2d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    layout: str = "NCHW",
) -> Any:
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, layout)


def avg_pool3d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    layout: str = "NCHW",
) -> Any:
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, layout)


def adaptive_avg_pool1d(input: Any, output_size: OutputSize, *, layout: str = "NCHW") -> Any:
    return _adaptive_pool("avg", 1, input, output_size, layout)


def adaptive_avg_pool2d(input: Any, output_size: OutputSize, *, layout: str = "NCHW") -> Any:
    return _adaptive_pool("avg", 2, input, output_size, layout)


def adaptive_avg_pool3d(input: Any, output_size: OutputSize, *, layout: str = "NCHW") -> Any:
    return _adaptive_pool("avg", 3, input, output_size, layout)


def adaptive_max_pool1d(
    input: Any, output_size: OutputSize, return_indices: bool = False, *, layout: str = "NCHW"
) -> Any:
    return _adaptive_pool("max", 1, input, output_size, layout, return_indices)


def adaptive_max_pool2d(
    input: Any, output_size: OutputSize, return_indices: bool = False, *, layout: str = "NCHW"
) -> Any:
    return _adaptive_pool("max", 2, input, output_size, layout, return_indices)


def adaptive_max_pool3d(
    input: Any, output_size: OutputSize, return_indices: bool = False, *, layout: str = "NCHW"
) -> Any:
    return _adaptive_pool("max", 3, input, output_size, layout, return_indices)


_DOCUMENTATION = """{summary}

    Parameters
    ----------
    input : array of float32
        Shape (N, C, {spatial}); without the batch axis the result has none either. NumPy arrays or anything with
        ``__dlpack__``.
{parameters}    layout : {{"NCHW", "NHWC"}}
        Channels first or last in `input` and the result, for any number of spatial axes.

    Returns
    -------
    array of float32, of the kind `input` is{returns}

    Raises
    ------
    ValueError
        For a value that breaks a rule: "{name}: rule, got value".
    TypeError
        For an argument of the wrong kind, and for arrays that are not float32.

    Notes
    -----
    Semantics: torch.nn.functional.{name}.
"""
_WINDOW = """    kernel_size : int or ints
        Cells of a window, for all axes or for each.
    stride : int or ints, optional
        Cells between windows; by default the kernel's size.
    padding : int or ints
        Cells added at both ends of an axis, at most half of the kernel: {padding}.
{dilation}    ceil_mode : bool
        Whether a last window that hangs over the end counts, if it starts inside the input or its first padding.
"""
_DILATION = "    dilation : int or ints\n        Cells from one cell of a window to the next.\n"
_MEAN = "    count_include_pad : bool\n        Whether the padding counts in the mean's divisor.\n"
_DIVISOR = "    divisor_override : int, optional\n        Divides the sums instead of the number of cells.\n"
_BINS = (
    "    output_size : int or None, or one for each axis\n"
    "        Result i of n pools the cells from floor(i * size / n) up to ceil((i + 1) * size / n);\n"
    "        None keeps the axis.\n"
)
_INDICES = (
    "    return_indices : bool\n"
    "        Also return where the maxima are (int64, flat in the channel's plane); the first of equals.\n"
)
_PAIR = ", or a pair (values, indices)"

for _rank, _spatial in ((1, "W"), (2, "H, W"), (3, "D, H, W")):
    for _name, _summary, _parameters, _returns in (
        (
            "max_pool",
            "Return the largest cell of each window. NaN wins.",
            _WINDOW.format(padding="they never win", dilation=_DILATION) + _INDICES,
            _PAIR,
        ),
        (
            "avg_pool",
            "Return the mean of each window.",
            _WINDOW.format(padding="zeros", dilation="") + _MEAN + (_DIVISOR if _rank > 1 else ""),
            "",
        ),
        ("adaptive_avg_pool", "Return the means of `output_size` nearly equal parts of each axis.", _BINS, ""),
        (
            "adaptive_max_pool",
            "Return the largest cells of `output_size` nearly equal parts of each axis.",
            _BINS + _INDICES,
            _PAIR,
        ),
    ):
        globals()[f"{_name}{_rank}d"].__doc__ = _DOCUMENTATION.format(
            summary=_summary, spatial=_spatial, parameters=_parameters, returns=_returns, name=f"{_name}{_rank}d"
        )
