"""An aten graph ready to run: one segment, or segments and torch's own calls in turns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_arg

from fastconv.torch.partition import Partition, Step, partition
from fastconv.torch.segment import Segment


@dataclass(frozen=True)
class Left:
    """A call that torch computes: its operator, its node in the graph, and why."""

    op: str
    node: str
    reason: str


@dataclass(frozen=True)
class Program:
    """A graph ready to run.

    Attributes
    ----------
    run : callable
        Takes the graph's inputs but those that are frozen, and returns the list of its outputs.
    lowered : list of str
        The operators that fastconv computes, one entry a call.
    left : list of Left
        The calls that torch computes.
    frozen : int
        How many of the graph's inputs are part of the program.
    """

    run: Callable[..., Any]
    lowered: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    frozen: int = 0


def make_program(
    module: GraphModule,
    fixed: Iterable[int],
    options: Mapping[str, Any],
    freezing: bool,
    frozen: Mapping[int, torch.Tensor],
) -> Program:
    """Make a program of a functional aten graph.

    Parameters
    ----------
    module : GraphModule
        Its nodes have fake tensors in ``meta["val"]``.
    fixed : iterable of int
        The positions of the inputs that are parameters.
    options : mapping
        Keyword arguments of ``_core.Network``.
    freezing : bool
        See `Segment`.
    frozen : mapping of int to tensor
        Those of the parameters that stay what they are, by position: they are not passed.
    """
    found = partition(module.graph)
    placeholders = [node for node in module.graph.nodes if node.op == "placeholder"]
    held = {placeholders[index]: tensor for index, tensor in frozen.items()}
    assembly = _Assembly(module, {placeholders[index] for index in fixed}, held, options, freezing)
    run = assembly.make(found)
    native = [node for step in found.steps if step.native for node in step.nodes]
    return Program(
        run,
        lowered=[operator_name(node) for node in native if _computes(node)],
        left=[Left(operator_name(node), node.name, why) for node, why in found.reasons.items() if _computes(node)],
        segments=assembly.segments,
        frozen=len(frozen),
    )


def operator_name(node: Node) -> str:
    """Return how torch calls an operator: aten.convolution."""
    target = node.target
    return str(target.overloadpacket) if isinstance(target, torch._ops.OpOverload) else f"operator.{target.__name__}"  # type: ignore[union-attr]


def _computes(node: Node) -> bool:
    """Tell whether a call makes tensors, as opposed to picking one of several or computing extents."""
    return isinstance(node.target, torch._ops.OpOverload) and not isinstance(node.meta.get("val"), torch.SymInt)


class _Assembly:
    """The state while a graph's steps are written into a new graph."""

    def __init__(
        self,
        module: GraphModule,
        fixed: set[Node],
        frozen: Mapping[Node, torch.Tensor],
        options: Mapping[str, Any],
        freezing: bool,
    ):
        self.module, self.fixed, self.frozen, self.options, self.freezing = module, fixed, frozen, options, freezing
        self.segments: list[Segment] = []
        self.graph = Graph()
        self.copies: dict[Node, Node] = {}
        (self.output,) = (node for node in module.graph.nodes if node.op == "output")

    def make(self, found: Partition) -> Callable[..., Any]:
        if self._is_one_segment(found.steps):
            placeholders = [node for node in self.module.graph.nodes if node.op == "placeholder"]
            arguments = [node for node in placeholders if node not in self.frozen]
            return self._segment(found.steps[0], list(self.output.args[0]), arguments).__call__
        root = torch.nn.Module()
        for node in self.module.graph.nodes:
            if node in self.frozen:
                setattr(root, node.name, self.frozen[node])
                self.copies[node] = self.graph.create_node("get_attr", node.name)
            elif node.op == "get_attr":
                setattr(root, node.target, getattr(self.module, node.target))
                self.copies[node] = self.graph.node_copy(node)
            elif node.op == "placeholder":
                self.copies[node] = self.graph.node_copy(node)
        for step in found.steps:
            if step.native:
                self._add_segment(step)
            else:
                for node in step.nodes:
                    self.copies[node] = self.graph.node_copy(node, self.copies.__getitem__)
        self.graph.output(map_arg(self.output.args[0], self.copies.__getitem__))
        return GraphModule(root, self.graph).forward

    def _is_one_segment(self, steps: list[Step]) -> bool:
        """Tell whether a segment is the whole program: it has each output, once, and reads the graph's inputs alone.

        Then nothing of torch.fx runs on a call, which takes 0.1 us an input.
        """
        if len(steps) != 1 or not steps[0].native:
            return False
        results = self.output.args[0]
        owns = set(steps[0].nodes).issuperset(results) and len(set(results)) == len(results)
        return owns and all(node.op != "get_attr" for node in self.module.graph.nodes)

    def _segment(self, step: Step, outputs: list[Node], arguments: list[Node]) -> Segment:
        read = {node for call in step.nodes for node in call.all_input_nodes}
        segment = Segment(
            f"segment{len(self.segments)}",
            step.nodes,
            [node for node in arguments if node in read and node in self.fixed],
            [node for node in arguments if node in read and node not in self.fixed],
            outputs,
            arguments,
            {node: tensor for node, tensor in self.frozen.items() if node in read},
            self.options,
            self.freezing,
        )
        self.segments.append(segment)
        return segment

    def _add_segment(self, step: Step) -> None:
        inside = set(step.nodes)
        read = dict.fromkeys(n for node in step.nodes for n in node.all_input_nodes)
        arguments = [node for node in read if node not in inside and node not in self.frozen]
        outputs = [node for node in step.nodes if any(user not in inside for user in node.users)]
        segment = self._segment(step, outputs, arguments)
        called = self.graph.call_function(segment, tuple(self.copies[node] for node in arguments))
        for index, node in enumerate(outputs):
            self.copies[node] = self.graph.call_function(operator.getitem, (called, index))
