"""From a module to a record of its graph: `forward` is called once, on symbols in place of arrays."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..graph_builder import GraphBuilder
from .tensor import Tensor, Trace

if TYPE_CHECKING:
    from .module import Module


def record(module: Module, inputs: Sequence[tuple[str, Sequence[int]]]) -> tuple[GraphBuilder, str]:
    """Trace a module.

    Parameters
    ----------
    module : Module
    inputs : sequence of (dtype, shape)
        Of each argument of `forward`, whose names the inputs get; -1 where an extent is free.

    Returns
    -------
    GraphBuilder
        The graph. Outputs are called "output", "output1", ..., or by the keys of a dict that `forward` returns.
    str
        "one", "tuple" or "dict": what `forward` returns.
    """
    named: Iterable[tuple[str, object]] = itertools.chain(module.named_modules(), module.state_dict().items())
    trace = Trace({id(entry): name for name, entry in named})
    symbols = [
        Tensor(trace, trace.input(name, dtype, shape), len(shape), dtype)
        for name, (dtype, shape) in zip(_input_names(module, len(inputs)), inputs, strict=True)
    ]
    results = module(*symbols)
    returns = "dict" if isinstance(results, dict) else "tuple" if isinstance(results, (tuple, list)) else "one"
    if returns != "dict":
        several = results if returns == "tuple" else [results]
        results = {f"output{number}" if number else "output": value for number, value in enumerate(several)}
    for name, value in results.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{type(module).__name__}: forward must return traced values, got {type(value).__name__}")
        trace.output(value.id, name)
    return trace.pruned(), returns


def _input_names(module: Module, count: int) -> list[str]:
    names: list[str] = []
    for name, parameter in inspect.signature(module.forward).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{name}{number}" for number in range(len(names), count)]
        elif len(names) < count:
            names.append(name)
    if len(names) < count:
        raise TypeError(f"{type(module).__name__}: forward takes {len(names)} inputs, got {count}")
    return names
