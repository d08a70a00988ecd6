"""What a call costs beyond its arithmetic: one small convolution, through every door.

The command is ``fastconv bench overhead``: 3x3 on an array of 8x8x8x8, on which PyTorch's own call is timed in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import fastconv
from fastconv import _core
from fastconv.bench.cases import Array, ConvCase, relative_error
from fastconv.bench.engines import description
from fastconv.bench.run import Conditions
from fastconv.bench.shapes import parse
from fastconv.bench.timing import measure
from fastconv.bench.torch_engines import Torch, through_backend

SHAPE = "8x8x8x8:8:3"
BASE = "torch.nn.functional.conv2d"
COMPILED = "torch.compile, backend fastconv"
CONVERTED = "fastconv.torch.convert, by an example"


@dataclass(frozen=True)
class Call:
    """One way to compute the convolution, or a part of it."""

    what: str
    us: float  # median
    spread_us: float  # interquartile range; 0 where the parts have medians only
    error: float | None  # against float64; None where nothing is computed


def measure_calls(
    threads: int, precision: str, rounds: int, tick: Callable[[int], object] = lambda blocks: None
) -> list[Call]:
    """Time every door in turns; PyTorch's only where it is installed. `tick` is called as in `run.run_case`."""
    case = ConvCase(parse(SHAPE), threads, precision)
    exact = case.exact()
    fastconv.set_num_threads(threads)
    layer = fastconv.nn.Conv2d(case.shape.c, case.shape.k, 3, padding=1)
    layer.load_state_dict({"weight": case.weight, "bias": case.bias})
    network = fastconv.compile(layer, case.x, precision, tune=False)
    planned = description(case, "NCHW")
    convolutions: dict[str, Callable[[], Array]] = {
        "fastconv.nn.Conv2d": lambda: layer(case.x),
        "fastconv.conv2d, weights packed on each call": lambda: fastconv.conv2d(
            case.x, case.weight, case.bias, padding=1
        ),
        "fastconv.Network": lambda: network(case.x),
    }
    runs: dict[str, Callable[[], object]] = {**convolutions}
    runs["a plan made: choice, packed weights"] = lambda: _core.Conv(planned, case.weight, case.bias)
    errors = {name: relative_error(run(), exact) for name, run in convolutions.items()}
    if Torch().available():
        theirs, ours = Torch().conv(case), _of_torch(case)
        runs = {BASE: theirs.run, **runs, **ours}
        errors[BASE] = relative_error(theirs.result(), exact)
        errors |= {name: relative_error(run().numpy(), exact) for name, run in ours.items()}
    with fastconv.precision(precision):
        times = measure(runs, rounds=rounds, tick=lambda: tick(rounds * len(runs)))
    calls = [Call(name, t.median * 1e3, t.spread * 1e3, errors.get(name)) for name, t in times.items()]
    kernels = sum(step["ms"] for step in network.profile(case.x, runs=200)) * 1e3
    return [*calls, Call("the Network's kernels alone", kernels, 0.0, None)]


def _of_torch(case: ConvCase) -> dict[str, Callable[[], Any]]:
    """Return calls of torch's layer, compiled and converted by us."""
    import torch

    from fastconv.torch import convert

    layer = torch.nn.Conv2d(case.shape.c, case.shape.k, 3, padding=1).eval().requires_grad_(False)
    layer.load_state_dict({"weight": torch.tensor(case.weight), "bias": torch.tensor(case.bias)})
    x = torch.tensor(case.x)
    with fastconv.precision(case.precision):
        compiled, converted = through_backend(layer, case.precision), torch.no_grad()(convert(layer, (x,)))
    return {COMPILED: lambda: compiled(x), CONVERTED: lambda: converted(x)}


def show(calls: Sequence[Call], conditions: Conditions, console: Console) -> None:
    """Print the calls, and by how much the network's run exceeds its kernels."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in (f"call on {SHAPE}", "us", "spread", "of torch's", "error"):
        table.add_column(heading, justify="left" if heading.startswith("call") else "right")
    us = {call.what: call.us for call in calls}
    for call in calls:
        share = f"{call.us / us[BASE]:.2f}{conditions.mark}" if BASE in us else "-"
        spread = f"{call.spread_us:.1f}" if call.spread_us else "-"
        table.add_row(call.what, f"{call.us:.1f}", spread, share, "-" if call.error is None else f"{call.error:.1e}")
    console.print(str(conditions), table, "us: median; spread: interquartile range; error: relative, against float64")
    if BASE in us and conditions.mark:
        console.print(f"* fastconv computes in {conditions.precision}, torch in float32")
    beyond = us["fastconv.Network"] - us["the Network's kernels alone"]
    console.print(f"a Network's run over its kernels: {beyond:.1f} us", highlight=False)
    for name in (COMPILED, CONVERTED):
        if name in us:
            console.print(f"{name}, over a Network's run: {us[name] - us['fastconv.Network']:.1f} us", highlight=False)
