"""Tensors made of nothing: constants, where their extents are known."""

from __future__ import annotations

from typing import Any

import torch

from fastconv.torch.lowering.registry import ANY, Call, Values, translates

aten = torch.ops.aten

_ZEROS = (aten.zeros.default, aten.zeros_like.default, aten.new_zeros.default)
_ONES = (aten.ones.default, aten.ones_like.default, aten.new_ones.default)


@translates(*_ZEROS, types=ANY)
def zeros(call: Call, *arguments: Any) -> Values:
    """Translate zeros."""
    return call.filled(0)


@translates(*_ONES, types=ANY)
def ones(call: Call, *arguments: Any) -> Values:
    """Translate ones."""
    return call.filled(1)


@translates(aten.full.default, aten.full_like.default, types=ANY)
def full(call: Call, like: Any, number: Any, *more: Any) -> Values:
    """Translate one number everywhere."""
    return call.filled(number)
