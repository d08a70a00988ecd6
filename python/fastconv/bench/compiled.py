"""What a call through torch.compile costs beyond its network, where the network has many parameters.

Part of ``fastconv bench overhead``. dynamo hands every parameter over on every call, and its guards look at each,
unless they are frozen: what a backend takes that computes nothing is dynamo's own. The layers are small, so that all
of it stays in the caches; behind a network that fills them, the same instructions take some five times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import fastconv
from fastconv.bench.overhead import Call
from fastconv.bench.timing import measure
from fastconv.bench.torch_engines import through_backend

LAYERS, CHANNELS = 52, 8  # as many as MobileNetV2 has
NETWORK = f"{LAYERS} layers: fastconv.Network"
DYNAMO = f"{LAYERS} layers: torch.compile, a backend that computes nothing"
COMPILED = f"{LAYERS} layers: torch.compile, backend fastconv"
FROZEN = f"{LAYERS} layers: torch.compile, backend fastconv, freezing"
CONVERTED = f"{LAYERS} layers: fastconv.torch.convert, by an example"
CONVERTED_FROZEN = f"{LAYERS} layers: fastconv.torch.convert, by an example, freezing"


def measure_compiled(
    threads: int, precision: str, rounds: int, tick: Callable[[int], object] = lambda blocks: None
) -> list[Call]:
    """Time the network, torch.compile with no backend's work, and our backend, in turns; torch must be installed."""
    import torch

    from fastconv.torch import convert

    fastconv.set_num_threads(threads)
    module, x = _module(), torch.zeros(1, CHANNELS, 8, 8)
    network = fastconv.compile(module, x, precision, tune=False)
    with torch.no_grad():
        result = [module(x)]
    compiled: dict[str, Callable[..., Any]] = {
        DYNAMO: torch.compile(module, backend=lambda graph, inputs: lambda *arguments: result),
        COMPILED: through_backend(module, precision),
        FROZEN: through_backend(module, precision, freezing=True),
    }
    runs: dict[str, Callable[[], object]] = {NETWORK: lambda: network(x)}
    with fastconv.precision(precision):
        compiled[CONVERTED] = convert(module, (x,))
        compiled[CONVERTED_FROZEN] = convert(module, (x,), freezing=True)
    runs |= {name: _without_gradients(model, x) for name, model in compiled.items()}
    times = measure(runs, rounds=rounds, tick=lambda: tick(rounds * len(runs)))
    return [Call(name, t.median * 1e3, t.spread * 1e3, None) for name, t in times.items()]


def _module() -> Any:
    """Return convolutions with norms, one behind the other."""
    from torch.nn import BatchNorm2d, Conv2d, Sequential

    layers = [Sequential(Conv2d(CHANNELS, CHANNELS, 3, 1, 1, bias=False), BatchNorm2d(CHANNELS)) for _ in range(LAYERS)]
    return Sequential(*layers).eval()


def _without_gradients(model: Any, x: Any) -> Callable[[], object]:
    import torch

    def run() -> object:
        with torch.no_grad():
            return model(x)

    return run


def show(calls: list[Call], console: Console) -> None:
    """Print the calls, and what they add to the network; of torch.compile also what is not dynamo's own."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(f"call on 1x{CHANNELS}x8x8, 3x3 with norms")
    for heading in ("us", "spread"):
        table.add_column(heading, justify="right")
    for call in calls:
        table.add_row(call.what, f"{call.us:.1f}", f"{call.spread_us:.1f}")
    console.print(table)
    us = {call.what: call.us for call in calls}
    for name in (COMPILED, FROZEN, CONVERTED, CONVERTED_FROZEN):
        console.print(f"{name}, over a Network's run: {us[name] - us[NETWORK]:.1f} us", highlight=False)
    beyond = us[COMPILED] - us[DYNAMO] - us[NETWORK]
    console.print(f"{COMPILED}, over a Network's run and dynamo's own: {beyond:.1f} us", highlight=False)
