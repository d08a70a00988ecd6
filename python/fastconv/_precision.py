"""The error budget that holds where a call names none: ``FASTCONV_PRECISION``, `set_precision`, `precision`."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator

NAMES = ("highest", "high", "medium")

_default: str | None = None
_local: contextvars.ContextVar[str | None] = contextvars.ContextVar("fastconv_precision", default=None)


def check(name: str, what: str = "precision") -> str:
    """Return `name` if it is a precision; ValueError otherwise."""
    if name not in NAMES:
        raise ValueError(f"{what}: must be one of {', '.join(NAMES)}, got {name!r}")
    return name


def get_precision() -> str:
    """Return the precision in force here: the innermost `precision` block's, else the process's."""
    global _default
    if _default is None:
        _default = check(os.environ.get("FASTCONV_PRECISION") or "highest", "FASTCONV_PRECISION")
    return _local.get() or _default


def set_precision(name: str) -> None:
    """Set the process's error budget for calls that name none.

    Parameters
    ----------
    name : {"highest", "high", "medium"}
        As `torch.set_float32_matmul_precision`. ``"highest"`` keeps within 3x the error of plain float32
        accumulation, ``"high"`` within 1e-5 and ``"medium"`` within 5e-3 (relative Frobenius error against float64):
        bfloat16 products, which take values below 1.2e-38 for zero, where the processor has them.
    """
    global _default
    _default = check(name)


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Use error budget `name` inside a ``with`` block, in this thread or task only."""
    token = _local.set(check(name))
    try:
        yield
    finally:
        _local.reset(token)
