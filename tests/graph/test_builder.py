"""The graph builder holds every node to its declaration, and says what, rule and value where one breaks it."""

import re

import pytest

from fastconv import _core

OPERATORS = _core.operators()
WRONG = {
    "int": ["1", 1.5, [1]],
    "float": ["1", [1.5]],
    "str": [1, 1.5, [1]],
    "ints": ["1, 1", 1, 1.5, [1.5, 2.5]],
}


def graph_with_values(count: int) -> tuple[_core.Graph, list[int]]:
    """A graph of one value, and that value `count` times."""
    graph = _core.Graph()
    return graph, [graph.input("x", "float32", [1])] * count


def least(op: str, what: str = "inputs") -> int:
    return OPERATORS[op][what][0]


def refused(op: str, count: int, attributes: dict | None = None, outputs: int | None = None, absent: int = -1) -> str:
    """The message of a node that must be refused; asserts that the graph stays as it was."""
    graph, values = graph_with_values(count)
    inputs = [None if i == absent else value for i, value in enumerate(values)]
    with pytest.raises(ValueError) as raised:
        graph.add(op, inputs, attributes or {}, outputs=least(op, "outputs") if outputs is None else outputs, name="n")
    assert graph.add("relu", [0]) == [1]
    assert str(raised.value).startswith(f"{op} 'n': ")
    return str(raised.value).removeprefix(f"{op} 'n': ")


def rule(limits: tuple[int, int | None]) -> str:
    few, many = limits
    return str(few) if few == many else f"{few} to {many or 65536}"


@pytest.mark.parametrize("op", OPERATORS)
def test_number_of_inputs(op):
    few, many = OPERATORS[op]["inputs"]
    for count in {few - 1, 0, (many or 65536) + 1}:
        assert refused(op, count) == f"inputs must be {rule((few, many))}, got {count}"


@pytest.mark.parametrize("op", OPERATORS)
def test_number_of_outputs(op):
    few, many = OPERATORS[op]["outputs"]
    for count in (few - 1, -1, (many or 65536) + 1, 2**31 - 1):
        assert refused(op, least(op), outputs=count) == f"outputs must be {rule((few, many))}, got {count}"


@pytest.mark.parametrize("op", OPERATORS)
def test_required_inputs_may_not_be_absent(op):
    few, many = OPERATORS[op]["inputs"]
    for i in range(few if many else 3):
        assert refused(op, max(few, i + 1), absent=i) == f"input {i} is required, got none"


@pytest.mark.parametrize("op", OPERATORS)
def test_unknown_attributes(op):
    known = ", ".join(OPERATORS[op]["attributes"]) or "none"
    assert refused(op, least(op), {"stride": [1, 1]}) == f"attribute 'stride' is unknown; known: {known}"


@pytest.mark.parametrize("op", OPERATORS)
def test_types_of_attributes(op):
    words = {"int": "an int", "float": "a float", "str": "a string", "ints": "a list of ints"}
    for name, kind in OPERATORS[op]["attributes"].items():
        for value in WRONG[kind]:
            message = refused(op, least(op), {name: value})
            assert re.fullmatch(f"attribute '{name}' must be {words[kind]}, got an? .+", message), message


@pytest.mark.parametrize("op", OPERATORS)
def test_what_is_declared_is_taken(op):
    right = {"int": 1, "float": 1.5, "str": "x", "ints": [1]}
    for limit in OPERATORS[op]["inputs"]:
        graph, values = graph_with_values(limit or 9)
        attributes = {name: right[kind] for name, kind in OPERATORS[op]["attributes"].items()}
        made = graph.add(op, values, attributes, outputs=OPERATORS[op]["outputs"][1] or 7)
        assert made == list(range(1, 1 + len(made)))


def test_messages():
    graph = _core.Graph()
    x = graph.input("x", "float32", [1, 3, 8, 8])
    with pytest.raises(ValueError, match=r"^conv 'c1': inputs must be 2 to 3, got 1$"):
        graph.add("conv", [x], name="c1")
    with pytest.raises(ValueError, match=r"^conv 'c1': attribute 'stride' is unknown; known: strides, dilations, "):
        graph.add("conv", [x, x], {"stride": [2, 2]}, name="c1")
    with pytest.raises(ValueError, match=r"^conv 'c1': attribute 'strides' must be a list of ints, got an int$"):
        graph.add("conv", [x, x], {"strides": 2}, name="c1")
    with pytest.raises(ValueError, match=r"^relu 'r': inputs must be values of this graph, got id 7$"):
        graph.add("relu", [7], name="r")
    with pytest.raises(ValueError, match=r"^add: op must be one of the vocabulary, got 'Conv'$"):
        graph.add("Conv", [x])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (2**63, ValueError, "attribute axis: must fit in 64 bits, got 9223372036854775808"),
        ([-(2**63) - 1], ValueError, "attribute axis: must fit in 64 bits, got -9223372036854775809"),
        (["a"], TypeError, "attribute axis: must hold numbers, got 'a'"),
        (None, TypeError, "attribute axis: must be an int, a float, a string or a list of numbers"),
    ],
)
def test_values_no_attribute_can_hold(value, error, message):
    graph, values = graph_with_values(1)
    with pytest.raises(error, match=re.escape(message)):
        graph.add("softmax", values, {"axis": value})


@pytest.mark.parametrize("shape", [[-2], [3, -7], [-(2**63)]])
def test_extents_of_inputs(shape):
    with pytest.raises(ValueError, match=r"^input 'x': extents must be >= 0 or -1 \(dynamic\), got -"):
        _core.Graph().input("x", "float32", shape)
