"""Programs that torch.export made, and the ``.pt2`` files that torch.export.save writes, each as one network.

What `fastconv._frontends` asks of a package, by the translators of `fastconv.torch.lowering`. No torch runs beside a
session, to compute what they do not have: a program is lowered whole, or refused by the first operator that is not.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind
from torch.fx import Node
from torch.utils import _pytree

from fastconv._frontends import ExportedBytes
from fastconv._one_network import OneNetwork
from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.errors import InvalidGraph, NoSuchFile, NotImplemented
from fastconv._ort.values import type_of
from fastconv.graph_builder import GraphBuilder
from fastconv.torch.interpolate import by_default
from fastconv.torch.lowering import UnsupportedError, lower
from fastconv.torch.lowering.registry import Values, dtype_name
from fastconv.torch.program import operator_name

FORMAT = "pt2"
_FREE_EXTENT = 224  # large enough for what halves an image five times
Source = str | os.PathLike[str] | ExportedBytes | ExportedProgram


def load(source: Source) -> ExportedProgram:
    """Read a program, and write it in the operators that torch.compile's backend gets.

    Raises
    ------
    NoSuchFile, InvalidGraph
        See `fastconv._ort.errors`.
    """
    if isinstance(source, ExportedProgram):
        program = source
    else:
        file = io.BytesIO(self_contained(source))
        try:
            program = torch.export.load(file)
        except Exception as error:  # torch's own, of every kind
            raise InvalidGraph.of(f"pt2: the file must be what torch.export.save writes: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what torch calls itself
        return program.run_decompositions(_composites())


def export(module: torch.nn.Module, inputs: Sequence[tuple[str, list[int]]]) -> ExportedProgram:
    """Export a module in eval mode.

    Parameters
    ----------
    module : torch.nn.Module
    inputs : sequence of (str, list of int)
        Of each argument of ``forward``, the type and the extents; -1 for one that stays free.
    """
    if module.training:
        raise ValueError("compile: a torch module must be in eval mode (call its eval()), got one in training mode")
    examples, free = [], []
    for dtype, shape in inputs:
        # What no input can be told by: torch takes equal extents for one, and small ones for constants.
        extents = [_FREE_EXTENT + axis if n < 0 else n for axis, n in enumerate(shape)]
        examples.append(torch.zeros(extents, dtype=getattr(torch, dtype)))
        free.append({axis: torch.export.Dim.DYNAMIC for axis, n in enumerate(shape) if n < 0})
    with torch.no_grad():
        return torch.export.export(module, tuple(examples), dynamic_shapes=tuple(free))


def _composites() -> dict[Any, Any]:
    """Return how to write the operators that are made of others, but for resizes: see `fastconv.torch.interpolate`."""
    table = {op: function for op, function in torch.export.default_decompositions().items() if _is_composite(op)}
    return {**table, **by_default()}


def _is_composite(op: Any) -> bool:
    known: bool = torch._C._dispatch_has_kernel_for_dispatch_key(op.name(), "CompositeImplicitAutograd")
    return known


def self_contained(source: Source) -> ExportedBytes:
    """Return a program as the bytes of a file: what a pickled session carries."""
    if isinstance(source, ExportedBytes):
        return source
    if isinstance(source, ExportedProgram):
        file = io.BytesIO()
        torch.export.save(source, file)
        return ExportedBytes(file.getvalue())
    try:
        with open(source, "rb") as opened:
            return ExportedBytes(opened.read())
    except FileNotFoundError as error:
        raise NoSuchFile.of(f"Load model from {source} failed. File doesn't exist") from error


class Runner(OneNetwork):
    """A program's network. Its free extents have no names, so `free_dimensions` are of no use here."""

    def __init__(self, program: ExportedProgram, options: Mapping[str, Any], free_dimensions: Mapping[str, int]):
        super().__init__(FORMAT, to_graph(program), options)


def describe(program: ExportedProgram) -> tuple[list[NodeArg], list[NodeArg], ModelMetadata]:
    """Return a program's inputs, outputs and metadata in ONNX Runtime's terms."""
    inputs = [_argument(node.name, node) for node in _inputs(program)]
    outputs = [_argument(name, node) for name, node in _outputs(program)]
    return inputs, outputs, ModelMetadata(producer_name="torch.export")


def _argument(name: str, node: Node) -> NodeArg:
    tensor = node.meta["val"]
    return NodeArg(name, [None if n < 0 else n for n in _extents(node)], type_of(np.empty(0, dtype_name(tensor.dtype))))


def to_graph(program: ExportedProgram) -> GraphBuilder:
    """Return a program's graph.

    Inputs have the names of the arguments of ``forward``; the output is called "output", or those of a dict, list or
    tuple by their keys and places: "scores", "1", "boxes.0".

    Raises
    ------
    NotImplemented
        For the first operator that fastconv does not have, and for programs that write to what they are given.
    """
    graph = GraphBuilder()
    values: dict[Node, Values] = {}
    for node, array in _constants(program):
        values[node] = graph.constant(array, name=node.name)
    for node in _inputs(program):
        values[node] = graph.input(node.name, dtype_name(node.meta["val"].dtype), _extents(node))
    outputs = _outputs(program)
    needed = _needed([node for _, node in outputs])
    for node in program.graph.nodes:
        if node.op == "call_function" and node in needed:
            try:
                lower(node, graph, values)
            except UnsupportedError as reason:
                raise NotImplemented.of(f"pt2: {operator_name(node)} {node.name!r}: {reason}") from None
    for name, node in outputs:
        value = values[node]
        assert isinstance(value, int)
        graph.output(value, name)
    return graph.pruned()


def _needed(results: list[Node]) -> set[Node]:
    """Return what results depend on: not the checks of an input's extents, whose outcome nobody reads."""
    needed: set[Node] = set()
    waiting = list(results)
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting += node.all_input_nodes
    return needed


def _placeholders(program: ExportedProgram) -> Iterator[tuple[Node, Any]]:
    nodes = (node for node in program.graph.nodes if node.op == "placeholder")
    return zip(nodes, program.graph_signature.input_specs, strict=True)


def _constants(program: ExportedProgram) -> Iterator[tuple[Node, np.ndarray]]:
    """Return the parameters, buffers and constants that are tensors."""
    for node, spec in _placeholders(program):
        if spec.kind is not InputKind.USER_INPUT:
            held = program.constants if spec.target in program.constants else program.state_dict
            tensor = held[spec.target]
            if isinstance(tensor, torch.Tensor):
                yield node, tensor.detach().contiguous().numpy()


def _inputs(program: ExportedProgram) -> list[Node]:
    """Return the arguments; those that torch.export took for constants are in the graph."""
    found = []
    for node, spec in _placeholders(program):
        if spec.kind is InputKind.USER_INPUT and not isinstance(spec.arg, ConstantArgument):
            if not isinstance(node.meta["val"], torch.Tensor):
                raise NotImplemented.of(f"pt2: input {node.name!r}: must be a tensor, got {node.meta['val']}")
            found.append(node)
    return found


def _outputs(program: ExportedProgram) -> list[tuple[str, Node]]:
    """Return the results by name."""
    for spec in program.graph_signature.output_specs:
        if spec.kind is not OutputKind.USER_OUTPUT:
            raise NotImplemented.of(f"pt2: a program must not write to {spec.target!r}: export the model in eval mode")
    (last,) = (node for node in program.graph.nodes if node.op == "output")
    results = _pytree.tree_unflatten(list(last.args[0]), program.call_spec.out_spec)
    found = []
    for path, node in _pytree.tree_flatten_with_path(results, is_leaf=lambda leaf: isinstance(leaf, Node))[0]:
        name = ".".join(map(_step, path)) or "output"
        if node is None:
            continue
        if not isinstance(node, Node) or not isinstance(node.meta["val"], torch.Tensor):
            raise NotImplemented.of(f"pt2: output {name!r}: must be a tensor, got {node}")
        found.append((name, node))
    return found


def _step(key: Any) -> str:
    """Return the place of a sequence, the key of a mapping, or the name of an attribute."""
    if isinstance(key, _pytree.SequenceKey):
        return str(key.idx)
    return str(key.key if isinstance(key, _pytree.MappingKey) else key.name)


def _extents(node: Node) -> list[int]:
    """Return a tensor's shape, with -1 for an extent that torch.export left free."""
    return [extent if isinstance(extent, int) else -1 for extent in node.meta["val"].shape]
