"""Normalisations: by running statistics, over an instance, a group, a layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import Call, UnsupportedError, Values, translates

aten = torch.ops.aten


def _scale_and_bias(call: Call, scale: Node | None, bias: Node | None, channels: Any) -> tuple[int, int]:
    (count,) = call.static([channels])
    return (
        call.constant(np.ones(count, np.float32)) if scale is None else call.value(scale),
        call.constant(np.zeros(count, np.float32)) if bias is None else call.value(bias),
    )


@translates(aten._native_batch_norm_legit_no_training.default, worthwhile=True)
def batch_norm(
    call: Call, x: Node, scale: Node | None, bias: Node | None, mean: Node, var: Node, momentum: float, eps: float
) -> Values:
    """Translate batch normalisation by running statistics."""
    terms = _scale_and_bias(call, scale, bias, call.shape(x)[1])
    return call.add("batch_norm", call.value(x), *terms, call.value(mean), call.value(var), epsilon=eps), None, None


@translates(aten._native_batch_norm_legit.no_stats, worthwhile=True)
def instance_norm(
    call: Call, x: Node, scale: Node | None, bias: Node | None, training: bool, momentum: float, eps: float
) -> Values:
    """Translate normalisation by the batch's own statistics, where the batch is one: what torch makes of instances."""
    if not training or call.shape(x)[0] != 1 or call.rank(x) < 3:
        raise UnsupportedError("statistics over a batch")
    terms = _scale_and_bias(call, scale, bias, call.shape(x)[1])
    return call.add("instance_norm", call.value(x), *terms, epsilon=eps), None, None


@translates(aten.native_group_norm.default, worthwhile=True)
def group_norm(
    call: Call, x: Node, scale: Node | None, bias: Node | None, n: Any, c: Any, pixels: Any, groups: int, eps: float
) -> Values:
    """Translate normalisation over groups of channels."""
    terms = _scale_and_bias(call, scale, bias, call.shape(x)[1])
    return call.add("group_norm", call.value(x), *terms, groups=groups, epsilon=eps), None, None


@translates(aten.native_layer_norm.default, worthwhile=True)
def layer_norm(call: Call, x: Node, shape: Any, scale: Node | None, bias: Node | None, eps: float) -> Values:
    """Translate normalisation over the last axes."""
    terms = (None if term is None else call.value(term) for term in (scale, bias))
    return call.add("layer_norm", call.value(x), *terms, axis=-len(shape), epsilon=eps), None, None


@translates(aten._weight_norm_interface.default)
def weight_norm(call: Call, direction: Node, size: Node, axis: int) -> Values:
    """Translate weights given by direction and size, which are known before anything runs."""
    others = [other for other in range(call.rank(direction)) if other != axis % call.rank(direction)]
    length = call.add("reduce_l2", call.value(direction), call.ints(others), keepdims=1)
    return call.add("mul", call.value(direction), call.add("div", call.value(size), length)), None
