"""docs/graph_ops.md tells what the operators' declarations say: every operator, its inputs and its attributes."""

import re
from pathlib import Path

import pytest

from fastconv import _core

OPERATORS = _core.operators()
TABLE = (Path(__file__).parents[2] / "docs" / "graph_ops.md").read_text()


def rows() -> dict[str, list[str]]:
    """The cells of the row that speaks of each operator."""
    found: dict[str, list[str]] = {}
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4:
            for op in re.findall(r"`(\w+)`", cells[0]):
                assert op not in found, f"{op} has two rows"
                found[op] = cells
    return found


ROWS = rows()


def attributes_of(op: str) -> set[str]:
    """The words of the attributes' cell, without what is in brackets (defaults, the operators they belong to)."""
    text = ROWS[op][2]
    for other, more in re.findall(r"(\w+): \+ (\w+)", text):  # "alpha; selu: + gamma"
        text = text.replace(f"{other}: + {more}", more if other == op else "")
    names = set(re.findall(r"[a-z_]\w*", re.sub(r"\([^()]*\)", "", text)))
    return names | (attributes_of("conv") if op == "conv_transpose" else set())


def test_every_operator_has_a_row():
    assert ROWS.keys() == OPERATORS.keys()


@pytest.mark.parametrize("op", OPERATORS)
def test_inputs(op):
    names = [name.strip() for name in ROWS[op][1].split(",")]
    required = [name for name in names if not name.startswith("[")]
    assert names[: len(required)] == required, "optional inputs come last"
    many = None if names[-1].endswith("...") else len(names)
    assert OPERATORS[op]["inputs"] == (len(required), many)


@pytest.mark.parametrize("op", OPERATORS)
def test_attributes(op):
    assert attributes_of(op) == OPERATORS[op]["attributes"].keys()
