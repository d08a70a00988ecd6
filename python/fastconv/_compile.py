"""`fastconv.compile`: a model of any kind to a `Network`; `fastconv.explain`: where its time goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ._frontends import frontend
from ._layer_errors import layer_errors
from ._precision import check, get_precision
from .graph_builder import GraphBuilder
from .network import Network, as_array
from .nn import Module
from .nn.tracing import record
from .tuning import tune as measure

Shape: TypeAlias = "Sequence[int | None]"


def compile(  # the public name, as in torch
    model: Any, example_or_shape: Any = None, precision: str | None = None, *, tune: bool | None = None
) -> Network:
    """Plan a whole model, so that one call runs it in C++.

    Parameters
    ----------
    model : fastconv.nn.Module, torch.nn.Module, or a model that `InferenceSession` takes
        PyTorch modules, in eval mode, go through torch.export and are lowered whole; `torch.compile` with
        ``backend="fastconv"`` also takes those that are not. Models are ONNX, TensorFlow Lite and torch.export's.
    example_or_shape : array, shape, or a list of them (one per input); for model files also a dict by input name
        An array fixes type and shape. A shape is a tuple of ints with None where an extent may differ from run to run;
        its type is float32. A model file declares its own inputs: the default keeps them.
    precision : {"highest", "high", "medium"}, optional
        The error budget; the default is the one in force (`fastconv.set_precision`).
    tune : bool, optional
        True measures every algorithm that keeps the error budget for the convolutions that were not measured before on
        this machine, which takes seconds, and keeps the outcome for later ones (see `fastconv.tuning`). By default
        what was measured before is used; False leaves every choice to the cost model.

    Returns
    -------
    Network

    Raises
    ------
    TypeError
        Where the model is of another kind, or a module has no example.
    ValueError
        Where a PyTorch module is in training mode.
    NotImplementedError
        Where a model calls an operator that fastconv does not have; the error names it.
    """
    graph, returns = _recorded(model, example_or_shape)
    if tune:
        budget = check(precision or get_precision(), "compile: precision")
        measure(graph, budget, _given_feed(graph, example_or_shape))
    return Network(graph, precision, returns=returns, algorithms={} if tune is False else None)


def _recorded(model: Any, example_or_shape: Any) -> tuple[GraphBuilder, str]:
    """Return the graph of a model of any kind, and what a call of it gives."""
    if isinstance(model, Module):
        if example_or_shape is None:
            raise TypeError("compile: an example array or a shape is needed for a fastconv.nn module, got None")
        return record(model, [_specification(entry) for entry in _per_input(example_or_shape)])
    if _is_torch_module(model):
        if example_or_shape is None:
            raise TypeError("compile: an example tensor or a shape is needed for a torch module, got None")
        from fastconv.torch import exported

        model = exported.export(model, [_specification(entry) for entry in _per_input(example_or_shape)])
        example_or_shape = None
    if _is_file(model):
        package = frontend(model)
        graph = package.to_graph(package.load(model))
        _specialize(graph, example_or_shape)
        return graph, "one" if len(graph.outputs) == 1 else "tuple"
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise TypeError(f"compile: model must be a fastconv.nn or torch module or a model file, got {kind}")


def _is_torch_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _is_file(model: Any) -> bool:
    return isinstance(model, (str, os.PathLike, bytes)) or type(model).__name__ in ("ModelProto", "ExportedProgram")


def _is_shape(entry: Any) -> bool:
    return isinstance(entry, (tuple, list)) and all(
        extent is None or isinstance(extent, (int, np.integer)) for extent in entry
    )


def _per_input(examples: Any) -> list[Any]:
    several = isinstance(examples, (tuple, list)) and not _is_shape(examples)
    return list(examples) if several else [examples]


def _specification(entry: Any) -> tuple[str, list[int]]:
    """Return type and extents of an example or shape; -1 where an extent is free."""
    if _is_shape(entry):
        if any(extent is not None and extent < 0 for extent in entry):
            raise ValueError(f"compile: extents must be >= 0, or None where they are free, got {tuple(entry)}")
        return "float32", [-1 if extent is None else int(extent) for extent in entry]
    array = as_array(entry)
    return str(array.dtype), list(array.shape)


def _specialize(graph: GraphBuilder, examples: Any) -> None:
    """Give a graph's inputs the extents of the examples."""
    if examples is None:
        return
    names = [entry.name for entry in graph.inputs]
    given = examples if isinstance(examples, Mapping) else dict(zip(names, _per_input(examples)))
    if unknown := [name for name in given if name not in names]:
        raise ValueError(f"compile: the model's inputs are {names}, got {unknown}")
    for entry in graph.inputs:
        if entry.name in given:
            dtype, shape = _specification(given[entry.name])
            is_array = not _is_shape(given[entry.name])
            fits = len(shape) == len(entry.shape) and all(
                declared in (-1, extent) for declared, extent in zip(entry.shape, shape)
            )
            if not fits or (is_array and dtype != entry.dtype):
                raise ValueError(
                    f"compile: input {entry.name!r} is {entry.dtype}{entry.shape}, got {dtype}{shape} for it"
                )
            entry.shape = shape


def _given_feed(graph: GraphBuilder, examples: Any) -> dict[str, Any]:
    """Return the arrays among the examples by the names of their inputs."""
    names = [entry.name for entry in graph.inputs]
    per_input = [] if examples is None else _per_input(examples)
    given = examples if isinstance(examples, Mapping) else dict(zip(names, per_input))
    return {name: as_array(entry) for name, entry in given.items() if not _is_shape(entry)}


def with_epilogue(step: Mapping[str, Any]) -> str:
    """Return a step's operator and what it took in: ``conv + add + relu``."""
    return " + ".join([step["op"], *step["epilogue"].split()])


@dataclass(frozen=True)
class Explanation:
    """Where a network's time goes; `print` it for a table, or read `steps`.

    Attributes
    ----------
    steps : list of dict
        One per step of the plan, in order: name, op, epilogue (what the layer took in: "add relu"; "bf16" last where it
        stores bfloat16 for the layers behind it, "2bf16" or "3bf16" for as many pieces of a value), algorithm (with the
        kernel), ms, share (of the total time, 0 to 1), flops, bytes, shape, error (None where there is none; see
        `explain`).
    """

    steps: list[dict[str, Any]]

    def __str__(self) -> str:
        total = sum(step["ms"] for step in self.steps)
        rows = [("layer", "op", "output", "algorithm", "ms", "share", "GF/s", "error")]
        for step in self.steps:
            rate = step["flops"] / step["ms"] / 1e6 if step["ms"] and step["flops"] else 0.0
            rows.append(
                (
                    step["name"],
                    with_epilogue(step),
                    "x".join(map(str, step["shape"])),
                    step["algorithm"],
                    f"{step['ms']:.3f}",
                    f"{step['share']:.1%}",
                    f"{rate:.1f}" if rate else "",
                    "-" if step["error"] is None else f"{step['error']:.1e}",
                )
            )
        work = sum(step["flops"] for step in self.steps)
        rows.append(("total", "", "", "", f"{total:.3f}", "", f"{work / total / 1e6:.1f}" if total else "", ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(w) if n < 4 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths)))
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)


def explain(model: Any, *inputs: Any, runs: int = 10, errors: bool = True) -> Explanation:
    """Time a model step by step, and measure the error of its layers.

    Parameters
    ----------
    model : Network, or anything `fastconv.compile` takes
    *inputs : array
        One for each input.
    runs : int
        How often it is run; each step's time is the median.
    errors : bool
        False leaves the errors out: large networks take far longer in float64 than for all their runs.

    Returns
    -------
    Explanation
        Each step's layer, algorithm and kernel, ms, share of the total time, GF/s, and error: the relative Frobenius
        norm by which the layer, run alone on what reaches it in the network, differs from `fastconv.reference`, which
        computes in float64. Activations and additions that a step computes as well are not in its error; a layer that
        `fastconv.reference` does not have, or that the plan made of several, has none.
    """
    network = model if isinstance(model, Network) else compile(model, list(inputs))
    steps = network.profile(*inputs, runs=runs)
    feed = {entry.name: as_array(array) for entry, array in zip(network.graph.inputs, inputs)}
    known = layer_errors(network.graph, feed, network.precision) if errors else {}
    total = sum(step["ms"] for step in steps)
    for step in steps:
        step["share"] = step["ms"] / total if total else 0.0
        measured = known.get((step["name"], step["op"]))
        step["error"] = measured.pop(0) if measured else None
    return Explanation(steps)
