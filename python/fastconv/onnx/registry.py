"""What a translator of one ONNX operator sees and makes, and the table of all translators.

A translator is a function ``(node: Node) -> names`` under ``@translates("Conv")``. It appends calls of the graph's
vocabulary (docs/graph_ops.md) and returns the names of the values that are the node's outputs. It touches neither
the C++ graph nor other nodes: its result, a `Recipe`, is replayed by `segment`. Where an operator's use is outside the
vocabulary it raises `Unsupported`, and the node runs through onnx's reference implementation instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from fastconv._ort.errors import InvalidGraph
from fastconv.onnx.checks import label
from fastconv.onnx.loader import Model
from fastconv.onnx.tensors import NATIVE_DTYPES
from fastconv.onnx.types import tensor_dtype, tensor_rank

Attribute = int | float | str | Sequence[int] | Sequence[float]
Names = str | Sequence[str]
Translator = Callable[["Node"], Names]

FLOAT = frozenset({"float32"})
NUMBER = frozenset({"float32", "int64", "int32"})
BOOL = frozenset({"bool"})
ANY = frozenset(NATIVE_DTYPES)


class Unsupported(Exception):  # noqa: N818 (no error: it selects the fallback)
    """A use of an operator that the vocabulary cannot say; the message is the reason."""


@dataclass(frozen=True)
class Call:
    """One ``graph.add`` to be made: value names instead of ids."""

    op: str
    inputs: tuple[str | None, ...]
    attributes: Mapping[str, Attribute]
    outputs: tuple[str, ...]
    name: str


@dataclass
class Recipe:
    """A translated node: its calls, the constants they need, and the values that become the node's outputs."""

    node: onnx.NodeProto
    calls: list[Call] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)  # the node's output -> the value that it is


@dataclass(frozen=True)
class _Entry:
    translate: Translator
    types: frozenset[str]


_TABLE: dict[str, _Entry] = {}


def translates(*op_types: str, types: frozenset[str] = FLOAT) -> Callable[[Translator], Translator]:
    """Register a translator for ONNX operators whose first input has one of `types`."""

    def register(function: Translator) -> Translator:
        for op_type in op_types:
            if op_type in _TABLE:
                raise RuntimeError(f"{op_type}: has a translator already")
            _TABLE[op_type] = _Entry(function, types)
        return function

    return register


def translated_operators() -> list[str]:
    """Return the names of the ONNX operators that have a translator."""
    return sorted(_TABLE)


def translate(node: onnx.NodeProto, model: Model) -> Recipe:
    """Return the recipe of a node.

    Raises
    ------
    Unsupported
        Where the operator, its data types or its attributes are outside the vocabulary.
    """
    entry = _TABLE.get(node.op_type)
    if node.domain not in ("", "ai.onnx") or entry is None:
        raise Unsupported(f"no translation of {node.domain or 'ai.onnx'}.{node.op_type}")
    context = Node(node, model)
    for index, name in enumerate(node.input):
        allowed = entry.types if index == 0 else ANY
        if name and context.dtype(index) not in allowed:
            raise Unsupported(f"data type {context.dtype(index) or 'unknown'} of input {index}")
    names = entry.translate(context)
    names = [names] if isinstance(names, str) else list(names)
    recipe = context.recipe
    recipe.results = {output: name for output, name in zip(node.output, names) if output}
    return recipe


class Node:
    """An ONNX node as its translator sees it. Values are names; absent optional inputs are None."""

    def __init__(self, node: onnx.NodeProto, model: Model):
        self.op_type = node.op_type
        self.opset = model.opsets[""]
        self.recipe = Recipe(node)
        self._node = node
        self._model = model
        self._attributes = {attribute.name: attribute for attribute in node.attribute}

    # --- what the node says -------------------------------------------------------------------------------------

    @property
    def inputs(self) -> list[str]:
        """The names of all inputs, for operators with any number of them."""
        return list(self._node.input)

    def optional(self, index: int) -> str | None:
        """Return an input's name, None where it is absent."""
        return (self._node.input[index] or None) if index < len(self._node.input) else None

    def input(self, index: int) -> str:
        """Return a required input's name."""
        name = self.optional(index)
        if name is None:
            raise InvalidGraph.of(f"{label(self._node)}: input {index} is required")
        return name

    def wants_output(self, index: int) -> bool:
        """Tell whether the node has this output."""
        return index < len(self._node.output) and bool(self._node.output[index])

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value (text as str, a tensor as an array), `default` where the node has none."""
        if name not in self._attributes:
            return default
        value = onnx.helper.get_attribute_value(self._attributes[name])
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, onnx.TensorProto):
            return onnx.numpy_helper.to_array(value)
        return value if isinstance(value, (int, float)) else list(value)

    def dtype(self, index: int) -> str:
        """Return the NumPy name of an input's element type, "" where it is unknown."""
        return tensor_dtype(self._model.types, self.input(index))

    def output_dtype(self, index: int = 0) -> str:
        """Return the NumPy name of an output's element type, "" where it is unknown."""
        return tensor_dtype(self._model.types, self._node.output[index])

    def rank(self, index: int) -> int | None:
        """Return an input's rank, None where it is unknown until it arrives."""
        return tensor_rank(self._model.types, self.input(index))

    def value(self, index: int) -> np.ndarray | None:
        """Return an input's value where it is a constant."""
        name = self.optional(index)
        return None if name is None else self._model.constants.get(name)

    def same_type(self, *indices: int) -> None:
        """Refuse inputs of different element types: the vocabulary has none such."""
        kinds = {self.dtype(index) for index in indices}
        if len(kinds) > 1:
            raise Unsupported(f"inputs of types {sorted(kinds)}")

    # --- what it becomes ----------------------------------------------------------------------------------------

    def add_outputs(self, op: str, *inputs: str | None, outputs: int, **attributes: Attribute) -> list[str]:
        """Append a call and return the names of its outputs. Attributes that are None are left out."""
        stem = f"{self._node.output[0]}/{len(self.recipe.calls)}"
        names = tuple(f"{stem}:{index}" for index in range(outputs))
        given = {key: value for key, value in attributes.items() if value is not None}
        title = self._node.name or self._node.output[0]
        self.recipe.calls.append(Call(op, inputs, given, names, title))
        return list(names)

    def add(self, op: str, *inputs: str | None, **attributes: Attribute) -> str:
        """Append a call with one output and return its name."""
        return self.add_outputs(op, *inputs, outputs=1, **attributes)[0]

    def constant(self, value: Any, dtype: str) -> str:
        """Return the name of a new constant."""
        name = f"{self._node.output[0]}/constant{len(self.recipe.constants)}"
        self.recipe.constants[name] = np.asarray(value, dtype)
        return name

    def ints(self, value: Any) -> str:
        """Return the name of a new int64 constant: a shape argument."""
        return self.constant(value, "int64")

    def optional_ints(self, value: Any) -> str | None:
        """Return the name of a new int64 constant, None for None."""
        return None if value is None else self.ints(value)

    def axes_from(self, index: int, first: int) -> str:
        """Return the axes of an input from `first` to its last one, whether its rank is known yet or not."""
        rank = 0 if first < 0 else self.rank(index)
        if rank is not None:
            return self.ints(range(first, rank))
        end = self.add("size", self.add("shape", self.input(index)))
        return self.add("range", self.ints(first), end, self.ints(1))
