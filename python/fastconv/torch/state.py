"""Whether tensors are where they were and hold what they held: their addresses, and torch's counts of writes.

A write past torch's counter (``p.data.add_(1)``) is not seen, nor another tensor on the same memory that was written to
as often. `.data =` leaves the count as it is, so neither says what the other does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

import torch
from torch._C._dynamo import guards

from fastconv import _core

_version = attrgetter("_version")
# What inductor's compiled code calls in the place of Tensor.data_ptr: the address of a function in C.
_data_ptr = getattr(guards, "_torchinductor_pyobject_tensor_data_ptr", None)


def addresses_of(tensors: Sequence[torch.Tensor]) -> tuple[int, ...]:
    """Return where each tensor's elements are."""
    return tuple(map(torch.Tensor.data_ptr, tensors))


def writes(tensors: Sequence[torch.Tensor]) -> list[int]:
    """Return how often each tensor was written to; 0 for tensors made in inference mode, which do not count."""
    try:
        return list(map(_version, tensors))
    except RuntimeError:
        return [0 if tensor.is_inference() else tensor._version for tensor in tensors]


def state_of(tensors: tuple[torch.Tensor, ...]) -> Callable[[tuple[torch.Tensor, ...]], bool]:
    """Return the function that tells whether tensors are at the addresses of these, written to no more than these."""
    addresses, counts = addresses_of(tensors), writes(tensors)
    if _data_ptr is not None and not any(map(torch.Tensor.is_inference, tensors)):
        return _core.TensorState(addresses, counts, _data_ptr, torch.Tensor._version).matches
    return lambda others: addresses_of(others) == addresses and writes(others) == counts
