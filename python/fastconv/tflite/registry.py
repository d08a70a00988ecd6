"""What a translator of one TensorFlow Lite operator sees and makes, and the table of all translators.

A translator is a function ``(node: Node) -> None`` under ``@translates("CONV_2D")``. It appends calls of the graph's
vocabulary (docs/graph_ops.md), which has channels at axis 1, while the file has them last. So a value may be known in
both orders (`Values`): each is made of the other when a reader first asks for it. The core's layout pass turns the
transposes between them into views.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastconv._ort.errors import InvalidGraph, NotImplemented
from fastconv.graph_builder import GraphBuilder
from fastconv.tflite.loader import ABSENT, Model, Operator, Tensor

Translator = Callable[["Node"], None]
_TABLE: dict[str, Translator] = {}

# Fused activations by their number in the schema's ActivationFunctionType.
_NONE, _RELU, _RELU_N1_TO_1, _RELU6, _TANH = range(5)


def translates(*names: str) -> Callable[[Translator], Translator]:
    """Register a translator for builtin operators."""

    def register(function: Translator) -> Translator:
        for name in names:
            if name in _TABLE:
                raise RuntimeError(f"{name}: has a translator already")
            _TABLE[name] = function
        return function

    return register


def translated_operators() -> list[str]:
    """Return the names of the operators that have a translator."""
    return sorted(_TABLE)


def channels_first(rank: int) -> list[int]:
    """Return the axes of a channels-last value in channels-first order."""
    return [0, rank - 1, *range(1, rank - 1)]


def channels_last(rank: int) -> list[int]:
    """Return the axes of a channels-first value in channels-last order."""
    return [0, *range(2, rank), 1]


class Values:
    """The graph's values of a model's tensors, each in the file's order of axes, with channels first, or both."""

    def __init__(self, model: Model, graph: GraphBuilder):
        self.model, self.graph = model, graph
        self.known = {index: t.data for index, t in enumerate(model.tensors) if t.data is not None}
        self.last: dict[int, int] = {}
        self.first: dict[int, int] = {}

    def plain(self, index: int) -> int:
        """Return a tensor's value in the file's order of axes."""
        if index not in self.last:
            name = self.model.tensors[index].name
            if index in self.known:
                self.last[index] = self.graph.constant(self.known[index], name=name)
            else:
                rank = len(self.model.tensors[index].shape)
                (self.last[index],) = self.graph.add("transpose", [self.first[index]], {"perm": channels_last(rank)})
        return self.last[index]

    def turned(self, index: int) -> int:
        """Return a tensor's value with channels first."""
        if index not in self.first:
            tensor = self.model.tensors[index]
            if len(tensor.shape) < 3:
                raise InvalidGraph.of(f"tflite: {tensor.name!r} must have spatial axes, got shape {tensor.shape}")
            order = channels_first(len(tensor.shape))
            if index in self.known:
                array = np.ascontiguousarray(self.known[index].transpose(order))
                self.first[index] = self.graph.constant(array, name=tensor.name)
            else:
                (self.first[index],) = self.graph.add("transpose", [self.plain(index)], {"perm": order})
        return self.first[index]


class Node:
    """An operator as its translator sees it."""

    def __init__(self, operator: Operator, position: int, values: Values):
        self.name = operator.name
        self.operator, self._values = operator, values
        outputs = [values.model.tensors[index].name for index in operator.outputs]
        self.label = f"{operator.name} {outputs[0]!r}" if outputs else f"{operator.name} (operator {position})"

    # --- what the operator says ---------------------------------------------------------------------------------

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option; those without a default must be there."""
        value = self.operator.options.get(name, default)
        if value is None:
            raise InvalidGraph.of(f"tflite: {self.label}: needs the option {name}")
        return value

    def has(self, index: int) -> bool:
        """Tell whether an input is there."""
        return index < len(self.operator.inputs) and self.operator.inputs[index] != ABSENT

    def _index(self, index: int) -> int:
        if not self.has(index):
            raise InvalidGraph.of(f"tflite: {self.label}: input {index} is required")
        return self.operator.inputs[index]

    def tensor(self, index: int) -> Tensor:
        """Return an input's description."""
        return self._values.model.tensors[self._index(index)]

    def result(self, index: int = 0) -> Tensor:
        """Return an output's description."""
        return self._values.model.tensors[self.operator.outputs[index]]

    def rank(self, index: int) -> int:
        """Return how many axes an input has."""
        return len(self.tensor(index).shape)

    def known(self, index: int) -> np.ndarray | None:
        """Return an input's array where it is a constant."""
        return self._values.known.get(self._index(index))

    def constant(self, index: int) -> np.ndarray:
        """Return an input's array, which must be a constant."""
        array = self.known(index)
        if array is None:
            raise self.unsupported(f"input {index} must be a constant, got {self.tensor(index).name!r}")
        return array

    def ints_of(self, index: int) -> list[int]:
        """Return the numbers of an input that must be a constant."""
        return [int(number) for number in np.atleast_1d(self.constant(index))]

    def axis_of(self, index: int, rank: int) -> int:
        """Return an axis that an input must hold as a constant, counted from the front."""
        numbers = self.ints_of(index)
        if len(numbers) != 1:
            raise InvalidGraph.of(f"tflite: {self.label}: axis must be one number, got {numbers}")
        return self.axis(numbers[0], rank)

    def axis(self, number: int, rank: int) -> int:
        """Return an axis, counted from the front."""
        if not -rank <= number < rank:
            raise InvalidGraph.of(f"tflite: {self.label}: axis must be in -{rank} to {rank - 1}, got {number}")
        return number % rank

    def unsupported(self, reason: str) -> NotImplemented:
        """Return the error for what fastconv cannot do."""
        return NotImplemented.of(f"tflite: {self.label}: {reason}")

    # --- what it becomes ----------------------------------------------------------------------------------------

    def input(self, index: int) -> int:
        """Return an input's value in the file's order of axes."""
        return self._values.plain(self._index(index))

    def first(self, index: int) -> int:
        """Return an input's value with channels first."""
        return self._values.turned(self._index(index))

    def is_first(self, index: int) -> bool:
        """Tell whether a value with channels first is there already."""
        return self.has(index) and self._index(index) in self._values.first and self.known(index) is None

    def weights(self, index: int, *order: int) -> int:
        """Return an input with its axes in another order: of constants a turned array, no call."""
        array = self.known(index)
        if array is None:
            return self.add("transpose", self.input(index), perm=order)
        if array.ndim != len(order):
            raise InvalidGraph.of(f"tflite: {self.label}: weights must have {len(order)} axes, got {array.ndim}")
        return self._values.graph.constant(np.ascontiguousarray(array.transpose(order)), name=self.tensor(index).name)

    def array(self, array: np.ndarray) -> int:
        """Return a new constant."""
        return self._values.graph.constant(array)

    def ints(self, numbers: Sequence[int]) -> int:
        """Return a new int64 constant: a shape argument."""
        return self.array(np.array(numbers, np.int64))

    def number(self, value: float) -> int:
        """Return a new scalar of float32."""
        return self.array(np.array(value, np.float32))

    def add_outputs(self, op: str, *inputs: int | None, outputs: int, **attributes: Any) -> tuple[int, ...]:
        """Append a call and return its outputs."""
        return self._values.graph.add(op, inputs, attributes, outputs, self.label)

    def add(self, op: str, *inputs: int | None, **attributes: Any) -> int:
        """Append a call with one output and return it."""
        return self.add_outputs(op, *inputs, outputs=1, **attributes)[0]

    def activated(self, value: int) -> int:
        """Return a value after the activation that the operator takes in."""
        kind = self.option("FusedActivationFunction", _NONE)
        if kind == _NONE:
            return value
        if kind == _RELU:
            return self.add("relu", value)
        if kind == _RELU6:
            return self.add("clip", value, self.number(0), self.number(6))
        if kind == _RELU_N1_TO_1:
            return self.add("clip", value, self.number(-1), self.number(1))
        if kind == _TANH:
            return self.add("tanh", value)
        raise self.unsupported(f"fused activation {kind}")

    def gives(self, value: int, index: int = 0, *, first: bool = False) -> None:
        """Make a value an output of the operator; `first` says that it has its channels first."""
        values = self._values.first if first else self._values.last
        values[self.operator.outputs[index]] = value

    def gives_known(self, array: np.ndarray) -> None:
        """Make a constant the operator's output."""
        self._values.known[self.operator.outputs[0]] = array


def translate(node: Node) -> None:
    """Make an operator's calls.

    Raises
    ------
    NotImplemented
        Where the operator has no translator or is quantised, or its use is outside the vocabulary.
    """
    _refuse_quantized(node)
    if node.name not in _TABLE:
        raise node.unsupported("fastconv has no such operator")
    if not node.operator.outputs:
        raise InvalidGraph.of(f"tflite: {node.label}: needs an output")
    _TABLE[node.name](node)


def _refuse_quantized(node: Node) -> None:
    tensors = [*map(node.tensor, filter(node.has, range(len(node.operator.inputs))))]
    tensors += map(node.result, range(len(node.operator.outputs)))
    for tensor in tensors:
        if tensor.is_quantized:
            raise node.unsupported(
                f"fastconv runs float models, got {tensor.name!r}, which is quantised to {tensor.dtype}"
            )
