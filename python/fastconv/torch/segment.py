"""A native step as a network: built when the first tensors arrive, with the parameters among them as its constants.

Tensors go in and out in place. Where torch holds a tensor in another order than its shape says (channels_last), the
network gets it, or gives it, in that order, and the graph renames the axes, which moves no byte.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_, itemgetter
from typing import Any

import numpy as np
import torch
from torch.fx import Node

from fastconv import _core
from fastconv.graph_builder import GraphBuilder
from fastconv.torch.lowering import lower
from fastconv.torch.lowering.registry import Values, dtype_name
from fastconv.torch.state import addresses_of, state_of

Tensor = torch.Tensor


@dataclass
class _Packed:
    """A network, and the parameters that are in it.

    `held` has their elements: while it does, nothing else has their addresses. `matches` tells whether tensors are
    these parameters, and were not written to since.
    """

    network: _core.Network
    held: list[Tensor]
    matches: Callable[[tuple[Tensor, ...]], bool]
    owners: list[weakref.ref[Tensor]]

    def is_current(self) -> bool:
        """Tell whether somebody still has these parameters."""
        owners = [owner() for owner in self.owners]
        return all(owner is not None and owner.data_ptr() == t.data_ptr() for owner, t in zip(owners, self.held))


class Segment:
    """Runs native calls; a function that is called in a torch.fx graph.

    Parameters
    ----------
    name : str
        Its name in the graph.
    nodes : list of Node
        The calls, in order.
    fixed, inputs : list of Node
        What the calls read: the parameters, packed when they first arrive and again when they change (torch calls one
        graph for all modules of the same code); and what differs from call to call: tensors, and ints (torch's
        symbols).
    outputs : list of Node
        What it returns.
    arguments : list of Node
        What it is called with, in order; `fixed` and `inputs` are among them.
    frozen : mapping of Node to tensor
        Parameters that are no arguments, since they stay what they are.
    options : mapping
        Keyword arguments of ``_core.Network``.
    freezing : bool
        Whether parameters that are the same objects as in the last call hold what they held then: they are not looked
        into, which takes long where a large network has filled the caches.
    """

    def __init__(
        self,
        name: str,
        nodes: list[Node],
        fixed: list[Node],
        inputs: list[Node],
        outputs: list[Node],
        arguments: list[Node],
        frozen: Mapping[Node, Tensor],
        options: Mapping[str, Any],
        freezing: bool,
    ) -> None:
        self.__name__ = name
        self._nodes, self._fixed, self._inputs, self._outputs = nodes, [*frozen, *fixed], inputs, outputs
        self._frozen = tuple(frozen.values())
        self._options, self._freezing = options, freezing
        self._readers = [(node.name, _reader(node)) for node in inputs]
        self._writers = [_writer(node) for node in outputs]
        self._pick_fixed, self._pick_inputs = _picker(fixed, arguments), _picker(inputs, arguments)
        self._packed: dict[tuple[int, ...], _Packed] = {}  # by the addresses of the parameters
        self._last: _Packed | None = None
        self._seen: tuple[Tensor, ...] = ()  # with freezing, what came in the last call

    @property
    def networks(self) -> list[_core.Network]:
        """The networks that calls have made."""
        return [packed.network for packed in self._packed.values()]

    def __call__(self, *arguments: Any) -> list[Any]:
        """Return the outputs."""
        packed = self._current(self._frozen + self._pick_fixed(arguments))
        given = self._pick_inputs(arguments)
        results = packed.network.run({name: read(x) for (name, read), x in zip(self._readers, given)})
        return [write(result) for write, result in zip(self._writers, results)]

    def _current(self, fixed: tuple[Tensor, ...]) -> _Packed:
        """Return the network with these parameters."""
        if self._last is not None and self._is_as_last(self._last, fixed):
            return self._last
        addresses = addresses_of(fixed)
        known = self._packed.get(addresses)
        packed = known if known is not None and known.matches(fixed) else self._pack(fixed, addresses)
        if self._freezing:
            self._seen = fixed
        self._last = packed
        return packed

    def _is_as_last(self, last: _Packed, fixed: tuple[Tensor, ...]) -> bool:
        if self._freezing:
            return fixed is self._seen or all(map(is_, fixed, self._seen))  # one tuple, where none is an argument
        return last.matches(fixed)

    def _pack(self, fixed: tuple[Tensor, ...], addresses: tuple[int, ...]) -> _Packed:
        """Make the network with these parameters, and forget those with parameters that nobody has any more."""
        held, core = [tensor.detach() for tensor in fixed], _core.Graph()
        self._graph(held).replay(core)
        network = _core.Network(core, **self._options)
        packed = _Packed(network, held, state_of(fixed), [weakref.ref(tensor) for tensor in fixed])
        current = {key: other for key, other in self._packed.items() if other.is_current()}
        self._packed = {**current, addresses: packed}
        return packed

    def _graph(self, fixed: Sequence[Tensor]) -> GraphBuilder:
        graph = GraphBuilder()
        values: dict[Node, Values] = {}
        for node, tensor in zip(self._fixed, fixed):
            values[node] = graph.constant(tensor.numpy(), name=node.name)
        for node in self._inputs:
            values[node] = _add_input(graph, node)
        for node in self._nodes:
            lower(node, graph, values)
        for node in self._outputs:
            value, order = values[node], _memory_order(node.meta["val"])
            assert isinstance(value, int)
            if order:
                (value,) = graph.add("transpose", [value], {"perm": order}, 1, node.name)
            graph.output(value, node.name)
        return graph


def _picker(nodes: list[Node], arguments: list[Node]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return the function that picks what belongs to nodes out of a call's arguments."""
    place = {node: index for index, node in enumerate(arguments)}
    places = [place[node] for node in nodes]
    begin = places[0] if places else 0
    if places == list(range(begin, begin + len(places))):
        return itemgetter(slice(begin, begin + len(places)))
    return itemgetter(*places)


def _memory_order(tensor: Any) -> list[int]:
    """Return the axes in the order they have in memory, outermost first; empty where that is their own order."""
    if not isinstance(tensor, Tensor):
        return []
    extents, strides = [[_hint(n) for n in numbers] for numbers in (tensor.shape, tensor.stride())]
    axes = [axis for axis in range(tensor.ndim) if extents[axis] != 1]
    ordered = iter(sorted(axes, key=lambda axis: -strides[axis]))
    order = [next(ordered) if axis in axes else axis for axis in range(tensor.ndim)]
    return order if order != list(range(tensor.ndim)) else []


def _hint(number: Any) -> int:
    """Return an extent or stride, the one at hand where it may differ: dynamo guards the order of strides."""
    return number if isinstance(number, int) else int(number.node.hint)


def _add_input(graph: GraphBuilder, node: Node) -> int:
    tensor, name = node.meta["val"], node.name
    if not isinstance(tensor, Tensor):
        return graph.input(name, "int64", [1])
    shape = [extent if isinstance(extent, int) else -1 for extent in tensor.shape]
    order = _memory_order(tensor)
    value = graph.input(name, dtype_name(tensor.dtype), [shape[axis] for axis in order] if order else shape)
    if order:
        (value,) = graph.add("transpose", [value], {"perm": _inverse(order)}, 1, name)
    return value


def _inverse(order: list[int]) -> list[int]:
    return [order.index(axis) for axis in range(len(order))]


def _reader(node: Node) -> Callable[[Any], Any]:
    """Return the function that makes an array of what torch hands over."""
    tensor = node.meta["val"]
    if not isinstance(tensor, Tensor):
        return lambda number: np.array([number], np.int64)
    if order := _memory_order(tensor):
        return lambda tensor: _array(tensor.permute(order))
    return _array


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy() if tensor.requires_grad else tensor.numpy()


def _writer(node: Node) -> Callable[[Any], Any]:
    """Return the function that makes of an array what torch expects."""
    tensor = node.meta["val"]
    if not isinstance(tensor, Tensor):
        return lambda array: int(array[0])
    if order := _memory_order(tensor):
        back = _inverse(order)
        return lambda array: torch.from_numpy(array).permute(back)
    return torch.from_numpy
