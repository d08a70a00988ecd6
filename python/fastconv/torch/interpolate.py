"""F.interpolate in traces: one operator, where torch's own decomposition makes dozens of index operations of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch._decomp.decompositions import upsample_compute_output_size

from fastconv.torch.lowering.resize import KEPT_WHOLE

_KEYS = (torch._C.DispatchKey.CompositeImplicitAutograd, torch._C.DispatchKey.Autograd)


@contextlib.contextmanager
def whole_resizes() -> Iterator[None]:
    """Let upsample operators be traced as themselves, their sizes computed where only factors are given."""
    overloads = [overload for op in KEPT_WHOLE for overload in (op.vec, op.default)]
    before = [(overload, dict(overload.py_kernels)) for overload in overloads]
    for overload in overloads:
        for key in _KEYS:
            overload.py_kernels.pop(key, None)
    for vec, function in by_default().items():
        for key in _KEYS:
            vec.py_kernels[key] = function
    _forget(overloads)
    try:
        yield
    finally:
        for overload, kernels in before:
            overload.py_kernels.clear()
            overload.py_kernels.update(kernels)
        _forget(overloads)


def _forget(overloads: list[Any]) -> None:
    for overload in overloads:
        overload._dispatch_cache.clear()


def by_default() -> dict[Any, Callable[..., Any]]:
    """Return each operator's `vec` form, which takes sizes or factors, in terms of its `default` form."""
    return {op.vec: _vec(op.default) for op in KEPT_WHOLE}


def _vec(default: Callable[..., Any]) -> Callable[..., Any]:

    def vec(x: torch.Tensor, size: Any, *more: Any) -> Any:
        *options, factors = more
        axes = x.ndim - 2
        sizes = upsample_compute_output_size(x.size(), size, factors)
        return default(x, sizes, *options, *(factors or [None] * axes))

    return vec
