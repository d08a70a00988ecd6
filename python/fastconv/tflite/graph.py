"""A whole model as one recorded graph, its inputs and outputs under the names and in the axes that the file has."""

from __future__ import annotations

from collections.abc import Sequence

from fastconv.graph_builder import GraphBuilder
from fastconv.tflite import ops  # noqa: F401 (fills the table of translators)
from fastconv.tflite.dilation import find_dilated, translate_dilated
from fastconv.tflite.loader import Model
from fastconv.tflite.registry import Node, Values, translate


def to_graph(model: Model) -> GraphBuilder:
    """Return a model's graph.

    Raises
    ------
    NotImplemented
        For the first operator that fastconv does not have, or that is quantised.
    InvalidGraph
        For an operator whose arguments break a rule.
    """
    graph = GraphBuilder()
    values = Values(model, graph)
    for index, name in zip(model.inputs, names(model, model.inputs), strict=True):
        tensor = model.tensors[index]
        values.last[index] = graph.input(name, tensor.dtype, tensor.shape)
    dilated = list(find_dilated(model))
    last = {found.batch: found for found in dilated}
    gone = {place for found in dilated for place in (found.space, found.conv)}
    for position, operator in enumerate(model.operators):
        if position in last:
            translate_dilated(last[position], values)
        elif position not in gone:
            translate(Node(operator, position, values))
    for index, name in zip(model.outputs, names(model, model.outputs), strict=True):
        graph.output(values.plain(index), name)
    return graph.pruned()


def names(model: Model, indices: Sequence[int]) -> list[str]:
    """Return the names of inputs or outputs; one that is empty or there before gets its place."""
    found: list[str] = []
    for place, index in enumerate(indices):
        name = model.tensors[index].name
        found.append(f"{name}:{place}" if not name or name in found else name)
    return found
