"""`fastconv.torch.explain`: what fastconv computes of a model, what it leaves to torch, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fastconv.torch.dynamo import compile_graph
from fastconv.torch.program import Left, Program


@dataclass(frozen=True)
class Explanation:
    """What became of a model; `print` it for a summary.

    Attributes
    ----------
    graphs : int
        How many graphs torch captured: more than one where Python came between.
    networks : int
        How many fastconv networks they became.
    lowered : dict of str to int
        The operators that fastconv computes: how many calls of each.
    fallbacks : dict of str to int
        The operators that torch computes: how many calls of each.
    left : list of Left
        Each of those calls: ``op``, ``node`` (its name in torch's graph) and ``reason``.
    """

    graphs: int
    networks: int
    lowered: dict[str, int]
    left: list[Left]

    @property
    def fallbacks(self) -> dict[str, int]:
        """The operators that torch computes."""
        return dict(Counter(left.op for left in self.left))

    def __str__(self) -> str:
        lines = [f"{self.graphs} graph(s), {self.networks} network(s), {sum(self.lowered.values())} call(s) lowered"]
        lines += [f"  {count:4} x {op}" for op, count in self.lowered.items()]
        lines.append(f"{len(self.left)} call(s) left to torch")
        lines += [f"  {count:4} x {op}: {why}" for (op, why), count in self._reasons().items()]
        return "\n".join(lines)

    def _reasons(self) -> Counter[tuple[str, str]]:
        return Counter((left.op, left.reason) for left in self.left)


def explain(model: Callable[..., Any], *inputs: Any, **more: Any) -> Explanation:
    """Compile a model as ``torch.compile(model, backend="fastconv")`` does, run it once, and tell what became of it.

    Parameters
    ----------
    model : torch.nn.Module or function
        Compiled ones are looked at as what they were made of.
    *inputs, **more
        What to call it with.

    Returns
    -------
    Explanation
    """
    programs: list[Program] = []

    def recording(module: torch.fx.GraphModule, example_inputs: Sequence[Any], **_: Any) -> Callable[..., Any]:
        return compile_graph(module, example_inputs, None, programs.append)

    with torch.no_grad():
        torch.compile(_original(model), backend=recording)(*inputs, **more)
    return Explanation(
        graphs=len(programs),
        networks=sum(len(program.segments) for program in programs),
        lowered=dict(Counter(op for program in programs for op in program.lowered)),
        left=[left for program in programs for left in program.left],
    )


def _original(model: Any) -> Any:
    """Return what a compiled module or function was made of."""
    if isinstance(model, torch._dynamo.OptimizedModule):
        return model._orig_mod
    return getattr(model, "_torchdynamo_orig_callable", model)
