"""Arrays in, arrays out: what every function of the package accepts, checked in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]


def as_float32(what: str, name: str, x: Any) -> Array:
    """Return `x` as a NumPy float32 array without copying where it can be read in place.

    NumPy arrays (read-only and strided ones too) and anything with ``__dlpack__`` or ``__array__`` are taken.

    Raises
    ------
    TypeError
        When `x` is not an array, or not float32: there is no silent conversion.
    RuntimeError
        For a tensor of torch's that asks for gradients.
    """
    if not isinstance(x, np.ndarray):
        if hasattr(x, "__dlpack__"):
            x = from_dlpack(what, name, x)
        elif hasattr(x, "__array__"):  # variables of TensorFlow and Keras
            x = np.asarray(x)
        else:
            raise TypeError(f"{what}: {name} must be an array, got {type(x).__name__}")
    if x.dtype != np.float32:
        raise TypeError(f"{what}: {name} must be float32, got {x.dtype}")
    if not x.dtype.isnative or not x.flags.aligned or any(s % 4 for s in x.strides):
        x = np.ascontiguousarray(x, dtype=np.dtype(np.float32).newbyteorder("="))
    return x


def from_dlpack(what: str, name: str, x: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Return anything with ``__dlpack__`` as a NumPy array on the same memory.

    Raises
    ------
    TypeError
        For memory that is not the processor's, and types that NumPy does not have.
    RuntimeError
        For a tensor of torch's that asks for gradients: fastconv has none.
    """
    if getattr(x, "requires_grad", False):
        if sys.modules["torch"].is_grad_enabled():
            raise RuntimeError(
                f"{what}: {name} must not ask for gradients: call it under torch.no_grad(), or with {name}.detach()"
            )
        x = x.detach()
    try:
        return np.from_dlpack(x)
    except (BufferError, RuntimeError) as error:
        raise TypeError(
            f"{what}: {name} must be an array that NumPy can read in place, got {x.dtype}: {error}"
        ) from error


def like(x: Any) -> Callable[[Array], Any]:
    """Return the function that turns a NumPy result into the kind of array `x` is."""
    if isinstance(x, np.ndarray):
        return lambda result: result
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return torch.from_numpy
    if _is_tensorflow(x):
        tensor: Callable[[Array], Any] = sys.modules["tensorflow"].convert_to_tensor
        return tensor  # it copies: TensorFlow's kernels abort on memory that is not aligned to 64 bytes
    return lambda result: result


def _is_tensorflow(x: Any) -> bool:
    """Tell whether `x` is a tensor or variable of TensorFlow, without importing it."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(x, (tensorflow.Tensor, tensorflow.Variable))


def check_out(what: str, out: Any) -> None:
    """Check that `out` can be written to: an aligned, writeable float32 array without repeated elements.

    Strides may be negative or leave gaps; those of axes with fewer than two elements have no say.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{what}: out must be a numpy.ndarray, got {type(out).__name__}")
    if out.dtype != np.float32 or not out.dtype.isnative:
        raise TypeError(f"{what}: out must be float32, got {out.dtype}")
    if not out.flags.writeable:
        raise ValueError(f"{what}: out must be writeable, got a read-only array")
    if out.size == 0:
        return
    steps = sorted((abs(stride), extent) for stride, extent in zip(out.strides, out.shape) if extent > 1)
    if not out.flags.aligned or any(stride % out.itemsize for stride, _ in steps):
        raise ValueError(f"{what}: out must be aligned to its elements, got strides {out.strides}")
    reach = 0  # from the first to the last element of the axes so far: the next axis must step over them
    for stride, extent in steps:
        if stride <= reach:
            raise ValueError(f"{what}: out must not repeat elements, got strides {out.strides}")
        reach += stride * (extent - 1)
