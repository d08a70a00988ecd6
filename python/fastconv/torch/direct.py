"""A module's forward for arguments of one look: exported once, and called without dynamo.

What dynamo checks on each call is looked at here: arguments by `signature`, which parameters there are and how the
module is built by `places`, what is in the parameters by `segment`. The rest is as it was. Used by `conversion`.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from operator import getitem
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx import Graph, Node
from torch.utils import _pytree

from fastconv.torch.dynamo import log_left, network_options
from fastconv.torch.exported import load
from fastconv.torch.places import Place, Places, places_of
from fastconv.torch.program import make_program
from fastconv.torch.signature import IndirectError, Signature


class Direct:
    """A module's forward as a program.

    Parameters
    ----------
    module : torch.nn.Module
    signature : Signature
        What the arguments look like.
    freezing : bool
        Whether parameters stay what they are: then calls do not look at them, nor at how the module is built.

    Raises
    ------
    IndirectError
        Where torch.export cannot follow, or what it gives would not behave as the module does.
    """

    def __init__(self, module: torch.nn.Module, signature: Signature, freezing: bool) -> None:
        exported = _export(module, signature)
        graph = exported.graph
        _check_inputs(exported)
        _check_outputs(exported)
        _check_extents(graph)
        _drop_checks(graph)
        places = _take_places(exported, module)
        self._places = None if freezing else Places(module, places)
        frozen = {index: owner[name] for index, (owner, name) in enumerate(places)} if freezing else {}
        program = make_program(exported.graph_module, range(len(places)), network_options(), freezing, frozen)
        log_left(program)
        self.segments = program.segments
        self._run = program.run
        self._results = exported.call_spec.out_spec

    def __call__(self, tensors: Sequence[torch.Tensor]) -> Any:
        """Return what the module's forward does.

        Raises
        ------
        IndirectError
            Where the module is not built as it was any more.
        """
        results = self._run(*tensors) if self._places is None else self._run_with_parameters(self._places, tensors)
        return _pytree.tree_unflatten(results, self._results)

    def _run_with_parameters(self, places: Places, tensors: Sequence[torch.Tensor]) -> Any:
        parameters = places.parameters()
        try:
            return self._run(*parameters, *tensors)
        except Exception:
            places.check_kinds(parameters)
            raise


class _Forward(torch.nn.Module):
    """A module without its hooks, which run around `forward`."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *arguments: Any) -> Any:
        return type(self.module).forward(self.module, *arguments)


_PREFIX = "module."  # of the names that torch.export gives, whose root is a _Forward


def _export(module: torch.nn.Module, signature: Signature) -> ExportedProgram:
    with torch.no_grad(), torch.autocast("cpu", enabled=False), warnings.catch_warnings():
        # State outside of buffers would stay as it is now; a recurrent layer's list of its parameters is none.
        warnings.filterwarnings("error", message="The tensor attribute")
        warnings.filterwarnings("ignore", message=r"The tensor attributes? (self\S*\._flat_weights\[\d+\],? )+w")
        try:
            return load(torch.export.export(_Forward(_with_the_tensors_of(module)), signature.examples()))
        except Exception as error:  # torch's own, of every kind, and what the module raises
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise IndirectError(f"torch.export does not follow it: {first}") from error


def _with_the_tensors_of(module: torch.nn.Module) -> torch.nn.Module:
    """Return a copy with the same tensors: torch.export changes a module while it traces, and so may its forward."""
    tensors = [*module.parameters(), *module.buffers()]
    tensors += [value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})


def _check_inputs(program: ExportedProgram) -> None:
    known = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR, InputKind.USER_INPUT)
    for spec in program.graph_signature.input_specs:
        if spec.kind not in known:
            raise IndirectError(f"it must read tensors alone, got {spec.kind.name.lower()} {spec.target!r}")


def _check_outputs(program: ExportedProgram) -> None:
    """Refuse writes, and results that share memory: fastconv's operators copy where torch's make views."""
    for spec in program.graph_signature.output_specs:
        if spec.kind is not OutputKind.USER_OUTPUT:
            raise IndirectError(
                f"it must not write to tensors, got writes to {str(spec.target).removeprefix(_PREFIX)!r}"
            )
    (last,) = program.graph.find_nodes(op="output")
    sources: dict[Node, Node] = {}
    for node in dict.fromkeys(last.all_input_nodes):
        source = _source(node)
        if source in sources or (source.op == "placeholder" and source is not node):
            raise IndirectError(f"results must not share memory, got {node.name!r}, a view of {source.name!r}")
        sources[source] = node


def _source(node: Node) -> Node:
    """Return what a tensor is a view of, itself if of nothing."""
    while node.target is getitem or (isinstance(node.target, torch._ops.OpOverload) and node.target.is_view):
        above = node.all_input_nodes[0]
        if node.target is getitem and not above.target.is_view:  # type: ignore[union-attr]
            break
        node = above
    return node


def _check_extents(graph: Graph) -> None:
    """Refuse extents that depend on data: the rest are numbers, those of the examples."""
    for node in graph.nodes:
        for value in _pytree.tree_leaves(node.meta.get("val")):
            numbers = value.shape if isinstance(value, torch.Tensor) else [value]
            if any(isinstance(n, (torch.SymInt, torch.SymFloat, torch.SymBool)) for n in numbers):
                raise IndirectError(f"extents and numbers must not depend on data, got those of {node.name!r}")


def _drop_checks(graph: Graph) -> None:
    """Drop what tests types and layouts in the middle of a graph: they follow from those of the arguments."""
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten._assert_tensor_metadata.default):
        graph.erase_node(node)


def _take_places(program: ExportedProgram, module: torch.nn.Module) -> list[Place]:
    """Return the places of the graph's first inputs, its parameters, and drop those inputs that it does not read."""
    found: dict[Node, Place] = {}
    placeholders = program.graph.find_nodes(op="placeholder")
    for node, spec in zip(placeholders, program.graph_signature.input_specs, strict=True):
        if spec.kind is InputKind.USER_INPUT:
            continue
        if not node.users:
            program.graph.erase_node(node)
        elif spec.kind is InputKind.CONSTANT_TENSOR:
            found[node] = program.constants, spec.target
        else:
            path, _, name = spec.target.removeprefix(_PREFIX).rpartition(".")
            owner = module.get_submodule(path)
            found[node] = (owner._parameters if spec.kind is InputKind.PARAMETER else owner._buffers), name
    # In the order that the module has them: those of a layer lie close in memory (65 us, not 91, for the 262 of
    # MobileNetV2 after a run that has left none in a cache; AMD EPYC, Zen 5, 2026-11-27).
    ranks = {(id(owner), name): rank for rank, (owner, name) in enumerate(places_of(module))}
    ordered = sorted(found, key=lambda node: ranks.get((id(found[node][0]), found[node][1]), len(ranks)))
    for node in reversed(ordered):
        if node is not (first := next(iter(program.graph.nodes))):
            first.prepend(node)
    return [found[node] for node in ordered]
