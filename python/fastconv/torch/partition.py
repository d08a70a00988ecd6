"""Which calls of a graph fastconv computes, and in what order: the steps of a program.

Every node gets a level: natives have even ones, torch's odd ones, and a node's level is never below its inputs'. The
natives of one level are one segment, which runs as one network. So a graph that is all native is one segment, and what
is left to torch splits only what depends on it. A segment without any operator that fastconv is for stays with torch.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass

from torch.fx import Graph, Node

from fastconv.torch.lowering import UnsupportedError, examine, is_worthwhile

_BORDER = -1  # the level of what is there before the first step
NOT_WORTH_IT = "no convolution, pool, norm or matrix product beside it"


@dataclass(frozen=True)
class Step:
    """Calls of one level, in order."""

    nodes: list[Node]
    native: bool


@dataclass(frozen=True)
class Partition:
    """A graph's calls as steps, and why torch computes those that it does."""

    steps: list[Step]
    reasons: dict[Node, str]


def partition(graph: Graph) -> Partition:
    """Arrange a graph's calls in steps."""
    calls = [node for node in graph.nodes if node.op not in ("placeholder", "get_attr", "output")]
    reasons = dict(_unsupported(calls))
    while True:
        steps = _steps(calls, reasons)
        idle = [step for step in steps if step.native and not any(map(is_worthwhile, step.nodes))]
        if not idle:
            return Partition(steps, reasons)
        reasons.update((node, NOT_WORTH_IT) for step in idle for node in step.nodes)


def _unsupported(calls: list[Node]) -> Iterator[tuple[Node, str]]:
    left = set()
    for node in calls:
        try:
            if node.target is operator.getitem and node.args[0] in left:
                raise UnsupportedError("part of a result that torch computes")
            if node.op != "call_function":
                raise UnsupportedError("not translated")
            examine(node)
        except UnsupportedError as reason:
            left.add(node)
            yield node, str(reason)


def _steps(calls: list[Node], reasons: dict[Node, str]) -> list[Step]:
    level: dict[Node, int] = {}
    found: dict[int, list[Node]] = {}
    for node in calls:
        below = max((level.get(source, _BORDER) for source in node.all_input_nodes), default=_BORDER)
        parity = int(node in reasons)
        level[node] = below + (below + parity) % 2
        found.setdefault(level[node], []).append(node)
    return [Step(found[at], native=at % 2 == 0) for at in sorted(found)]
