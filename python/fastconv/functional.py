"""Convolutions as functions, with torch.nn.functional's arguments, order and meaning.

Six public functions on one path: arguments become tuples here, values are checked and computed by the C++ core.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastconv import _core
from fastconv._arguments import Ints, channels_last, integer, per_axis
from fastconv._arrays import as_float32, check_out, like
from fastconv._precision import check, get_precision

Padding = int | str | Sequence[int] | Sequence[tuple[int, int]]


def _pads(what: str, padding: Padding, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """Return pads before, pads after, and whether they are still to be computed ("same")."""
    zeros = (0,) * rank
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f'{what}: padding must be an int, ints, pairs, "same" or "valid", got {padding!r}')
        return zeros, zeros, padding == "same"
    if isinstance(padding, Sequence) and len(padding) == rank and all(isinstance(p, Sequence) for p in padding):
        pairs = [per_axis(p, 2, f"{what}: a padding pair") for p in padding]  # type: ignore[arg-type]
        return tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), False
    pads = per_axis(padding, rank, f"{what}: padding")  # type: ignore[arg-type]
    return pads, pads, False


def _conv(
    rank: int,
    transposed: bool,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    layout: str,
    precision: str | None,
    algorithm: str,
    out: Any,
) -> Any:
    what = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    kind = like(x)
    array = as_float32(what, "x", x)
    w = np.ascontiguousarray(as_float32(what, "weight", weight))
    b = None if bias is None else np.ascontiguousarray(as_float32(what, "bias", bias))
    last = channels_last(layout, rank, what)
    batched = array.ndim == rank + 2
    if not batched and array.ndim != rank + 1:
        raise ValueError(f"{what}: x must have {rank + 2} axes, or {rank + 1} without a batch, got shape {array.shape}")
    if w.ndim != rank + 2:
        raise ValueError(f"{what}: weight must have {rank + 2} axes, got shape {w.shape}")
    if not isinstance(algorithm, str):
        raise TypeError(f"{what}: algorithm must be a str, got {algorithm!r}")
    before, after, same = _pads(what, padding, rank)
    if transposed and same:
        raise ValueError(f'{what}: padding must be an int, ints or pairs, got "same"')
    target = None
    if out is not None:
        check_out(what, out)
        shared = any(np.may_share_memory(out, a) for a in (array, w, b) if a is not None)
        target = np.empty_like(out) if shared else out
        target = target if batched else target[np.newaxis]
    result = _core.conv(
        what,
        transposed,
        array if batched else array[np.newaxis],
        w,
        b,
        per_axis(stride, rank, f"{what}: stride"),
        before,
        after,
        same,
        per_axis(dilation, rank, f"{what}: dilation"),
        integer(groups, f"{what}: groups"),
        per_axis(output_padding, rank, f"{what}: output_padding"),
        last,
        get_precision() if precision is None else check(precision, f"{what}: precision"),
        algorithm,
        target,
    )
    if not batched:
        result = result[0]
    if out is None:
        return kind(result)
    if shared:
        out[...] = result
    return out


_SHARED = """
    Parameters
    ----------
    x : array of float32
        {x}; without the batch axis the result has none either. NumPy arrays (strided and read-only ones are
        read in place) or anything with ``__dlpack__``.
    weight : array of float32
        {weight}
    bias : array of float32, optional
        Shape (K,).
    stride, dilation : int or ints
        One number, or one per spatial axis.
    padding : {padding}
{more}    groups : int
        Divides C and K; each group of input channels makes its own group of output channels.
    layout : {{"NCHW", "NHWC"}}
        Channels first or last in `x` and the result, for any number of spatial axes; `weight` is the same for both.
    precision : {{"highest", "high", "medium"}}, optional
        The error budget (see `set_precision`); by default the one in force.
    algorithm : str
        "auto", "direct", "im2col", "col2im", "winograd", "winograd2", "winograd3", "winograd4", "winograd6",
        "depthwise", "direct_bf16", "direct_bf16x3", "direct_bf16x6" (products of bfloat16: of rounded values, within
        the error of ``"medium"``, or 3 or 6 for each of float32, within ``"high"`` and ``"highest"``) or "reference";
        ValueError says why one does not apply. A transposed convolution of stride 1 is computed as the forward one that
        it is, by each of them.
    out : numpy.ndarray of float32, optional
        Where to write the result; any strides. It may overlap the inputs.

    Returns
    -------
    array of float32
        {result}; of the kind `x` is.

    Raises
    ------
    ValueError
        For a value that breaks a rule, before any work: "{name}: rule, got value".
    TypeError
        For an argument of the wrong kind, and for arrays that are not float32.

    Notes
    -----
    {notes}
"""


def _document(rank: int, transposed: bool) -> str:
    axes = {1: "W", 2: "H, W", 3: "D, H, W"}[rank]
    kernel = {1: "S", 2: "R, S", 3: "Q, R, S"}[rank]
    if transposed:
        formula = (
            "out = (in - 1) * stride - pads + dilation * (kernel - 1) + output_padding + 1 (torch's conv_transpose)"
        )
        return f"Apply a {rank}-D transposed convolution.\n" + _SHARED.format(
            name=f"conv_transpose{rank}d",
            x=f"Shape (N, C, {axes})",
            weight=f"Shape (C, K / groups, {kernel}).",
            padding="int, ints, or pairs\n        What is cut from both ends of the full result, per axis; a pair "
            "cuts (begin, end).",
            more="    output_padding : int or ints\n        Added to the result's size at the end of each axis.\n",
            result=f"Shape (N, K, {axes} of the result)",
            notes=f"Semantics: torch.nn.functional.conv_transpose{rank}d. Sizes: {formula}; Dumoulin & Visin,\n    "
            "arXiv:1603.07285.",
        )
    formula = "out = (in + pads - dilation * (kernel - 1) - 1) // stride + 1"
    return f"Apply a {rank}-D convolution (cross-correlation).\n" + _SHARED.format(
        name=f"conv{rank}d",
        x=f"Shape (N, C, {axes})",
        weight=f"Shape (K, C / groups, {kernel}).",
        padding='int, ints, pairs, "same" or "valid"\n        Zeros around `x`: one number, one per axis, or a pair '
        '(begin, end) per axis. "same" needs stride 1;\n        an odd cell goes to the end.',
        more="",
        result=f"Shape (N, K, {axes} of the result)",
        notes=f"Semantics: torch.nn.functional.conv{rank}d. Sizes: {formula}; Dumoulin & Visin, arXiv:1603.07285.",
    )


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    layout: str = "NCHW",
    precision: str | None = None,
    algorithm: str = "auto",
    out: Any = None,
) -> Any:
    return _conv(1, False, x, weight, bias, stride, padding, 0, groups, dilation, layout, precision, algorithm, out)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    layout: str = "NCHW",
    precision: str | None = None,
    algorithm: str = "auto",
    out: Any = None,
) -> Any:
    return _conv(2, False, x, weight, bias, stride, padding, 0, groups, dilation, layout, precision, algorithm, out)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    layout: str = "NCHW",
    precision: str | None = None,
    algorithm: str = "auto",
    out: Any = None,
) -> Any:
    return _conv(3, False, x, weight, bias, stride, padding, 0, groups, dilation, layout, precision, algorithm, out)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    layout: str = "NCHW",
    precision: str | None = None,
    algorithm: str = "auto",
    out: Any = None,
) -> Any:
    return _conv(
        1, True, x, weight, bias, stride, padding, output_padding, groups, dilation, layout, precision, algorithm, out
    )


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    layout: str = "NCHW",
    precision: str | None = None,
    algorithm: str = "auto",
    out: Any = None,
) -> Any:
    return _conv(
        2, True, x, weight, bias, stride, padding, output_padding, groups, dilation, layout, precision, algorithm, out
    )


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    layout: str = "NCHW",
    precision: str | None = None,
    algorithm: str = "auto",
    out: Any = None,
) -> Any:
    return _conv(
        3, True, x, weight, bias, stride, padding, output_padding, groups, dilation, layout, precision, algorithm, out
    )


for _function, _rank, _transposed in (
    (conv1d, 1, False),
    (conv2d, 2, False),
    (conv3d, 3, False),
    (conv_transpose1d, 1, True),
    (conv_transpose2d, 2, True),
    (conv_transpose3d, 3, True),
):
    _function.__doc__ = _document(_rank, _transposed)
