"""The rules of ONNX that a model must keep before anything is translated: opsets, order, names, attributes, types."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import onnx
from onnx import AttributeProto, NodeProto

from fastconv._ort.errors import Fail, InvalidArgument, InvalidGraph
from fastconv.onnx.tensors import type_name

OLDEST_OPSET = 7  # that has translators; older models are converted


def check_opsets(proto: onnx.ModelProto) -> dict[str, int]:
    """Return the opset version of each domain ("" is ONNX's own); raise where it is missing, or too new."""
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in proto.opset_import}
    newest = onnx.defs.onnx_opset_version()
    if not opsets:
        raise Fail.of("model: opset_import must name ONNX's operator set, got none")
    version = opsets.get("", newest)
    if not 1 <= version <= newest:
        raise Fail.of(f"model: opset version must be in [1, {newest}], got {version}")
    return opsets


def label(node: NodeProto) -> str:
    """Return what errors call a node."""
    return f"{node.op_type} {node.name or (node.output[0] if node.output else '')!r}"


def outer_names(node: NodeProto) -> list[str]:
    """Return the names a node reads: its inputs, and what its subgraphs take from around them."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.type == AttributeProto.GRAPH else attribute.graphs
        for graph in graphs:
            names += _free_names(graph)
    return list(dict.fromkeys(names))


def _free_names(graph: onnx.GraphProto) -> list[str]:
    """Return the names that a subgraph uses and does not define."""
    known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    known |= {tensor.values.name for tensor in graph.sparse_initializer}
    known |= {name for node in graph.node for name in node.output}
    used = [name for node in graph.node for name in outer_names(node)]
    used += [value.name for value in graph.output]
    return [name for name in used if name not in known]


def sort_nodes(
    nodes: Sequence[NodeProto], inputs: Iterable[str], constants: Collection[str], outputs: Iterable[str]
) -> list[NodeProto]:
    """Return the nodes in an order that runs: the file's own wherever that does.

    Raises
    ------
    InvalidGraph, InvalidArgument
        For a value made twice, a value that nobody makes, a cycle.
    """
    available = {*inputs, *constants}
    made: set[str] = set()
    for node in nodes:
        for name in node.output:
            if name and (name in available or name in made):
                raise InvalidGraph.of(f"{label(node)}: value names must be unique, got {name!r} twice")
            made.add(name)
    for what, names in [("", outputs), *((label(node), outer_names(node)) for node in nodes)]:
        for name in names:
            if name not in available and name not in made:
                if not what:
                    raise InvalidGraph.of(f"graph output {name!r}: must be made by a node, an input or an initializer")
                raise InvalidArgument.of(
                    f"Invalid model. Node input '{name}' is not a graph input, initializer, or output of a previous "
                    f"node. ({what})"
                )
    ordered = _topological(nodes, available)
    if len(ordered) < len(nodes):
        done = {id(node) for node in ordered}
        stuck = [label(node) for node in nodes if id(node) not in done]
        raise InvalidGraph.of(f"graph: nodes must not form a cycle, got one through {', '.join(stuck[:4])}")
    return ordered


def _topological(nodes: Sequence[NodeProto], available: set[str]) -> list[NodeProto]:
    """Kahn's algorithm, the earliest ready node first; nodes on a cycle are left out."""
    missing = [{name for name in outer_names(node) if name not in available} for node in nodes]
    users: dict[str, list[int]] = {}
    for index, names in enumerate(missing):
        for name in names:
            users.setdefault(name, []).append(index)
    ready = [index for index, names in enumerate(missing) if not names]
    ordered = []
    while ready:
        index = heapq.heappop(ready)
        ordered.append(nodes[index])
        for name in nodes[index].output:
            for user in users.pop(name, []) if name else []:
                missing[user].discard(name)
                if not missing[user]:
                    heapq.heappush(ready, user)
    return ordered


def check_node(node: NodeProto, opsets: dict[str, int]) -> None:
    """Hold a node against its operator's schema: that it exists, number of inputs and outputs, attributes.

    Raises
    ------
    InvalidGraph
        Naming the node and the rule.
    """
    schema = _schema(node, opsets)
    if not schema.min_input <= len(node.input) <= schema.max_input or len(node.output) > schema.max_output:
        raise InvalidGraph.of(
            f"{label(node)}: needs {schema.min_input} to {schema.max_input} inputs and at most {schema.max_output} "
            f"outputs, got {len(node.input)} and {len(node.output)}"
        )
    _check_attributes(node, schema)


def check_text(proto: onnx.ModelProto) -> None:
    """Refuse names that are no text: protobuf hands such bytes through."""
    graph = proto.graph
    texts = [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    for node in graph.node:
        texts += [node.op_type, node.domain, node.name, *node.input, *node.output, *(a.name for a in node.attribute)]
    for text in texts:
        if not isinstance(text, str):
            raise InvalidGraph.of(f"model: names must be UTF-8, got {text!r}")


def _schema(node: NodeProto, opsets: dict[str, int]) -> onnx.defs.OpSchema:
    domain = "" if node.domain == "ai.onnx" else node.domain
    if not onnx.defs.has(node.op_type, domain):
        raise InvalidGraph.of(
            f"This is an invalid model. {label(node)}: No Op registered for {node.op_type} "
            f"with domain_version of {opsets.get(domain, 1)}"
        )
    try:
        return onnx.defs.get_schema(node.op_type, opsets[domain], domain)
    except (KeyError, onnx.defs.SchemaError) as error:
        raise InvalidGraph.of(f"{label(node)}: the operator must exist in its opset {opsets.get(domain)}") from error


def _check_attributes(node: NodeProto, schema: onnx.defs.OpSchema) -> None:
    given = {attribute.name: attribute for attribute in node.attribute}
    for name, attribute in given.items():
        if name not in schema.attributes:
            raise InvalidGraph.of(f"{label(node)}: Unrecognized attribute: {name}")
        wanted: Any = schema.attributes[name].type  # an enumeration that onnx's stubs take for an object
        if attribute.type != int(wanted) and not attribute.ref_attr_name:
            given_kind, wanted_kind = (AttributeProto.AttributeType.Name(k) for k in (attribute.type, int(wanted)))
            raise InvalidGraph.of(f"{label(node)}: attribute {name} must be of type {wanted_kind}, got {given_kind}")
    for name, rule in schema.attributes.items():
        if rule.required and name not in given:
            raise InvalidGraph.of(f"{label(node)}: attribute {name} is required")


def check_types(node: NodeProto, opsets: dict[str, int], types: dict[str, onnx.TypeProto]) -> None:
    """Hold a node's inputs against the types its schema allows, and one type for parameters of one name.

    Raises
    ------
    InvalidGraph
        Naming the node, the value at fault and the rule.
    """
    schema = _schema(node, opsets)
    bound: dict[str, str] = {}
    for index, name in enumerate(node.input):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)]
        if not name:
            if formal.option == onnx.defs.OpSchema.FormalParameterOption.Single:
                raise InvalidGraph.of(f"{label(node)}: input {index} ({formal.name}) is required")
            continue
        kind = types.get(name)
        actual = type_name(kind) if kind is not None else ""
        if not actual or actual == "tensor()":
            continue
        if formal.types and actual not in formal.types and actual.startswith("tensor("):
            raise InvalidGraph.of(
                f"Type Error: Type '{actual}' of input parameter ({name}) of operator ({node.op_type}) in node "
                f"({node.name}) is invalid."
            )
        first = bound.setdefault(formal.type_str, actual) if formal.is_homogeneous else actual
        if first != actual:
            raise InvalidGraph.of(
                f"Type Error: Type parameter ({formal.type_str}) of Optype ({node.op_type}) bound to different types "
                f"({first} and {actual}) in node ({node.name})."
            )
