"""What a translator of one aten operator sees and makes, and the table of all translators.

A translator is a function ``(call, *arguments) -> values`` under ``@translates(torch.ops.aten.relu.default)``: its
arguments are those of the operator's schema, in order, with the schema's defaults. It adds operators of the vocabulary
(docs/graph_ops.md) to the call's graph and returns the value, or values, that the call's results are. Where a use is
outside the vocabulary it raises `UnsupportedError`, and torch computes the call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.fx import Node

from fastconv.graph_builder import GraphBuilder

Values = int | tuple[int | None, ...]
Translator = Callable[..., Values]

FLOAT = frozenset({torch.float32})
ANY = frozenset({torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.int8, torch.bool})


class UnsupportedError(Exception):
    """A use of an operator that the vocabulary cannot say; the message is the reason."""


@dataclass(frozen=True)
class _Entry:
    translate: Translator
    types: frozenset[torch.dtype]
    worthwhile: bool


_TABLE: dict[Any, _Entry] = {}


def translates(
    *targets: Any, types: frozenset[torch.dtype] = FLOAT, worthwhile: bool = False
) -> Callable[[Translator], Translator]:
    """Register a translator for operators on tensors of `types`.

    `worthwhile` ones are what fastconv is for: a part of a graph without any stays with torch.
    """

    def register(function: Translator) -> Translator:
        for target in targets:
            if target in _TABLE:
                raise RuntimeError(f"{target}: has a translator already")
            _TABLE[target] = _Entry(function, types, worthwhile)
        return function

    return register


def is_worthwhile(node: Node) -> bool:
    """Tell whether a call alone is reason enough to run it in fastconv."""
    entry = _TABLE.get(node.target)
    return entry is not None and entry.worthwhile


def examine(node: Node) -> None:
    """Check that a call can be translated, by translating it for nobody.

    Raises
    ------
    UnsupportedError
        With the reason why it cannot.
    """
    graph = GraphBuilder()
    lower(node, graph, _Anything(graph))


class _Anything(dict[Node, Values]):
    """A value for whatever is asked for."""

    def __init__(self, graph: GraphBuilder):
        super().__init__()
        self._graph = graph

    def __missing__(self, node: Node) -> Values:
        tensors = node.meta.get("val")
        if isinstance(tensors, (tuple, list)):
            return tuple(self._graph.input("", "float32", []) for _ in tensors)
        return self._graph.input("", "float32", [])


def lower(node: Node, graph: GraphBuilder, values: MutableMapping[Node, Values]) -> None:
    """Add a call to a graph; `values` has what it reads, and gets what it makes."""
    if node.target is operator.getitem:
        source, index = node.args
        found = values[source]  # type: ignore[index]
        assert isinstance(found, tuple)
        made = found[index]  # type: ignore[index]
        assert made is not None
        values[node] = made
        return
    entry = _TABLE.get(node.target)
    if entry is None:
        raise UnsupportedError("not translated")
    _check_tensors(node, entry.types)
    results = entry.translate(Call(node, graph, values), *_arguments(node))
    if isinstance(results, tuple):
        for user in node.users:
            wanted: Any = user.args[-1]
            if user.target is operator.getitem and results[wanted] is None:
                raise UnsupportedError(f"its result {wanted} is not translated")
    values[node] = results


def _check_tensors(node: Node, types: frozenset[torch.dtype]) -> None:
    for tensor in (t for n in (*node.all_input_nodes, node) for t in tensors_of(n)):
        if tensor.device.type != "cpu" or tensor.layout != torch.strided:
            raise UnsupportedError(f"a {tensor.layout} tensor on {tensor.device}".replace("torch.", ""))
    for tensor in (t for n in node.all_input_nodes for t in tensors_of(n)):
        if tensor.dtype not in types:
            raise UnsupportedError(f"data type {dtype_name(tensor.dtype)}")


def _arguments(node: Node) -> list[Any]:
    if not isinstance(node.target, torch._ops.OpOverload):
        return list(node.args)
    arguments: list[Any] = []
    for index, entry in enumerate(node.target._schema.arguments):
        if index < len(node.args):
            arguments.append(node.args[index])
        else:
            arguments.append(node.kwargs.get(entry.name, entry.default_value))
    return arguments


def tensors_of(node: Node) -> Iterator[torch.Tensor]:
    """Return the (fake) tensors that a node stands for."""
    found = node.meta.get("val")
    for value in found if isinstance(found, (tuple, list)) else (found,):
        if isinstance(value, torch.Tensor):
            yield value


def dtype_name(dtype: torch.dtype) -> str:
    """Return NumPy's name of a type."""
    return str(dtype).removeprefix("torch.")


class Call:
    """A call of an operator as its translator sees it. Tensors among the arguments are nodes."""

    def __init__(self, node: Node, graph: GraphBuilder, values: Mapping[Node, Values]):
        self._node = node
        self._graph = graph
        self._values = values

    # --- what is known ------------------------------------------------------------------------------------------

    @property
    def target(self) -> Any:
        """The operator that is called."""
        return self._node.target

    def shape(self, node: Node | None = None) -> Sequence[Any]:
        """Return the extents of a tensor, or of the result: ints, or torch's symbols where they may differ."""
        shape: Sequence[Any] = (node or self._node).meta["val"].shape
        return shape

    def rank(self, node: Node | None = None) -> int:
        """Return the rank of a tensor, or of the result."""
        return len(self.shape(node))

    def static_shape(self, node: Node | None = None) -> list[int]:
        """Return the extents of a tensor, or of the result, where all are known."""
        shape = list(self.shape(node))
        if not all(isinstance(extent, int) for extent in shape):
            raise UnsupportedError(f"extents that are not known: {shape}")
        return shape

    def static(self, numbers: Any) -> list[int]:
        """Return a list of ints (or one int as a list), where all are known."""
        numbers = list(numbers) if isinstance(numbers, (tuple, list)) else [numbers]
        if not all(isinstance(number, int) for number in numbers):
            raise UnsupportedError(f"arguments that are not known: {numbers}")
        return numbers

    def axis(self, axis: int, rank: int | None = None) -> int:
        """Return a non-negative axis."""
        return axis % max(rank or self.rank(), 1)

    def mixes_types(self, nodes: Sequence[Node]) -> bool:
        """Tell whether tensors are of several types."""
        return len({node.meta["val"].dtype for node in nodes}) > 1

    @property
    def results(self) -> Any:
        """The (fake) tensor or tensors that the call makes."""
        return self._node.meta["val"]

    def wants(self, index: int) -> bool:
        """Tell whether somebody reads a result of several."""
        return any(user.target is operator.getitem and user.args[1] == index for user in self._node.users)

    # --- what is made -------------------------------------------------------------------------------------------

    def value(self, x: Any) -> int:
        """Return the value of a tensor, or a float32 constant of a number."""
        if isinstance(x, Node):
            value = self._values[x]
            if not isinstance(value, int):
                raise UnsupportedError("an argument that is a list of tensors")
            return value
        return self.constant(np.float32(x))

    def constant(self, array: Any) -> int:
        """Return a constant."""
        return self._graph.constant(np.asarray(array))

    def filled(self, number: Any) -> int:
        """Return a constant like the result, with one number everywhere."""
        dtype = self.results.dtype
        if dtype not in ANY or not isinstance(number, (bool, int, float)):
            raise UnsupportedError(f"{number} of type {dtype_name(dtype)}")
        return self.constant(np.full(self.static_shape(), number, dtype_name(dtype)))

    def ints(self, numbers: Sequence[Any]) -> int:
        """Return an int64 vector of ints and of nodes that stand for ints."""
        if all(isinstance(number, int) for number in numbers):
            return self.constant(np.array(numbers, np.int64))
        return self.add("concat", *(self.integer(number) for number in numbers), axis=0)

    def integer(self, number: Any) -> int:
        """Return an int64 vector of one element, which is what a number of torch's shape arithmetic is here."""
        return self.value(number) if isinstance(number, Node) else self.constant(np.array([number], np.int64))

    def add(self, op: str, *inputs: Any, **attributes: Any) -> int:
        """Add an operator of one result; inputs are values, or None where one is absent."""
        return self.add_several(op, *inputs, outputs=1, **attributes)[0]

    def add_several(self, op: str, *inputs: Any, outputs: int, **attributes: Any) -> tuple[int, ...]:
        """Add an operator of several results."""
        return self._graph.add(op, inputs, attributes, outputs, self._node.name)
