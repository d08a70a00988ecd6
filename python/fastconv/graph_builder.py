"""A graph as Python sees it: the builder calls of docs/graph_ops.md, recorded.

`fastconv.nn` records into a GraphBuilder while it traces a model. The record is then replayed on the C++ graph
(`replay`), written to a file (`save`), or translated to ONNX (`fastconv.onnx.export`). It computes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

_FORMAT = "fastconv graph 1"


class GraphLike(Protocol):
    """Anything the builder calls can be made on: `_core.Graph`, or another GraphBuilder."""

    def input(self, name: str, dtype: str, shape: Sequence[int], /) -> int:
        """Add an input and return its value."""

    def constant(self, array: NDArray[Any], name: str = "") -> int:
        """Add a constant and return its value."""

    def add(
        self,
        op: str,
        inputs: Sequence[int | None],
        attributes: Mapping[str, Any],
        outputs: int = 1,
        name: str = "",
    ) -> Sequence[int]:
        """Add an operator and return its output values."""

    def output(self, value: int, name: str, /) -> Any:
        """Make a value an output of the graph."""


@dataclass
class Input:
    """A graph input: `shape` holds -1 where the extent is known only when an array arrives."""

    id: int
    name: str
    dtype: str
    shape: list[int]


@dataclass
class Node:
    """One operator of docs/graph_ops.md, with the ids of the values it reads (None: absent) and makes."""

    op: str
    inputs: list[int | None]
    attributes: dict[str, Any]
    outputs: list[int]
    name: str


@dataclass
class Output:
    """A graph output: the value `id`, under `name`."""

    id: int
    name: str


@dataclass
class GraphBuilder:
    """Records the calls that make a graph; same methods as `_core.Graph`."""

    inputs: list[Input] = field(default_factory=list)
    constants: dict[int, NDArray[Any]] = field(default_factory=dict)
    constant_names: dict[int, str] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    value_count: int = 0

    def _new_value(self) -> int:
        self.value_count += 1
        return self.value_count - 1

    def input(self, name: str, dtype: str, shape: Sequence[int]) -> int:
        """Add an input and return its value."""
        self.inputs.append(Input(self._new_value(), name, dtype, [int(extent) for extent in shape]))
        return self.inputs[-1].id

    def constant(self, array: NDArray[Any], name: str = "") -> int:
        """Add a constant and return its value. The array is kept, not copied."""
        value = self._new_value()
        self.constants[value] = array
        self.constant_names[value] = name
        return value

    def add(
        self,
        op: str,
        inputs: Sequence[int | None],
        attributes: Mapping[str, Any] | None = None,
        outputs: int = 1,
        name: str = "",
    ) -> tuple[int, ...]:
        """Add an operator and return its output values."""
        made = [self._new_value() for _ in range(outputs)]
        self.nodes.append(Node(op, list(inputs), dict(attributes or {}), made, name))
        return tuple(made)

    def output(self, value: int, name: str) -> None:
        """Make a value an output of the graph."""
        self.outputs.append(Output(value, name))

    def pruned(self) -> GraphBuilder:
        """Return a plain record without the nodes and constants that no output depends on."""
        needed: set[int | None] = {output.id for output in self.outputs}
        nodes: list[Node] = []
        for node in reversed(self.nodes):
            if not needed.isdisjoint(node.outputs):
                needed.update(node.inputs)
                nodes.insert(0, node)
        return GraphBuilder(
            inputs=self.inputs,
            constants={value: array for value, array in self.constants.items() if value in needed},
            constant_names={value: name for value, name in self.constant_names.items() if value in needed},
            nodes=nodes,
            outputs=self.outputs,
            value_count=self.value_count,
        )

    def replay(self, graph: GraphLike) -> None:
        """Make the recorded calls on `graph`."""
        values: dict[int | None, Any] = {None: None}

        def known(value: int | None) -> Any:
            if value not in values:
                raise ValueError(f"graph: value {value} is used before it is made")
            return values[value]

        for entry in self.inputs:
            values[entry.id] = graph.input(entry.name, entry.dtype, entry.shape)
        for value, array in self.constants.items():
            values[value] = graph.constant(array, name=self.constant_names[value])
        for node in self.nodes:
            sources = [known(value) for value in node.inputs]
            made = graph.add(node.op, sources, node.attributes, outputs=len(node.outputs), name=node.name)
            values.update(zip(node.outputs, made, strict=True))
        for result in self.outputs:
            graph.output(known(result.id), result.name)

    def save(self, file: BinaryIO, extra: Mapping[str, Any]) -> None:
        """Write an .npz archive: a JSON header, with `extra` in it, and the constants as plain arrays."""
        header = {
            "format": _FORMAT,
            "inputs": [asdict(entry) for entry in self.inputs],
            "constants": [{"id": value, "name": name} for value, name in self.constant_names.items()],
            "nodes": [asdict(node) for node in self.nodes],
            "outputs": [asdict(entry) for entry in self.outputs],
            "value_count": self.value_count,
            "extra": dict(extra),
        }
        text = np.frombuffer(json.dumps(header).encode(), np.uint8)
        arrays = {f"constant_{value}": array for value, array in self.constants.items()}
        np.savez(file, allow_pickle=False, header=text, **arrays)

    @classmethod
    def load(cls, file: BinaryIO) -> tuple[GraphBuilder, dict[str, Any]]:
        """Read what `save` wrote: the graph and `extra`. Nothing is ever unpickled.

        Raises
        ------
        ValueError
            Where the file is not a whole archive of this format.
        """
        try:
            with np.load(file, allow_pickle=False) as archive:
                header = json.loads(archive["header"].tobytes())
                if header["format"] != _FORMAT:
                    raise ValueError(f"its format is {header['format']!r}, this version reads {_FORMAT!r}")
                names = {entry["id"]: entry["name"] for entry in header["constants"]}
                graph = cls(
                    inputs=[Input(**entry) for entry in header["inputs"]],
                    constants={value: archive[f"constant_{value}"] for value in names},
                    constant_names=names,
                    nodes=[Node(**entry) for entry in header["nodes"]],
                    outputs=[Output(**entry) for entry in header["outputs"]],
                    value_count=header["value_count"],
                )
                return graph, header["extra"]
        except Exception as error:  # whatever zipfile, zlib, NumPy and json make of a damaged file
            raise ValueError(f"load: not a fastconv network file: {error}") from error
