"""A profile as a table for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from fastconv.bench.clock import WORTH_A_WARNING
from fastconv.profiling.layers import Layer, Profile

_TEXTS = ("layer", "operator", "output", "algorithm", "kernel")
_NUMBERS = ("ms", "share", "GF/s", "limit", "MB")
LEGEND = (
    "ms: median; GF/s: operations of the direct sums; limit: the least time that the ceilings below allow over the "
    "time taken (above 100%: Winograd, or data found in cache); MB: inputs, weights and outputs, once each"
)


def headings(profile: Profile) -> tuple[str, ...]:
    """Name the columns; errors have one where some were measured."""
    return (*_TEXTS, *_NUMBERS, *(["error"] if any(layer.error is not None for layer in profile.layers) else []))


def cells(layer: Layer) -> tuple[str, ...]:
    """Format one layer under all headings, the error's included."""
    return (
        layer.name,
        layer.what,
        "x".join(map(str, layer.shape)),
        layer.algorithm,
        layer.kernel,
        f"{layer.ms:.3f}",
        f"{layer.share:.1%}",
        f"{layer.gflops:.0f}" if layer.flops else "",
        f"{layer.limit:.0%}" if layer.least_ms else "",
        f"{layer.bytes / 1e6:.2f}" if layer.bytes else "",
        "-" if layer.error is None else f"{layer.error:.1e}",
    )


def show(profile: Profile, console: Console) -> None:
    """Print the layers under the conditions, and the whole below them."""
    shown = headings(profile)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in shown:
        table.add_column(heading, justify="left" if heading in _TEXTS else "right", overflow="fold")
    for layer in profile.layers:
        table.add_row(*cells(layer)[: len(shown)])
    legend = LEGEND + ("; error: relative, against float64" if "error" in shown else "")
    console.print(str(profile.conditions), table, legend)
    for line in (ceilings(profile), memory(profile), kinds(profile), *warnings(profile), profile.summary()):
        console.print(line, highlight=False)


def ceilings(profile: Profile) -> str:
    """Say what the limit is made of."""
    measured = profile.ceilings
    return f"ceilings measured: {measured.gflops:.0f} GF/s (best matrix product), {measured.memory_gbs:.0f} GB/s read"


def memory(profile: Profile) -> str:
    """Say what the network holds."""
    if profile.arena_bytes is None or profile.constants_bytes is None:
        return "memory and errors: not measured, the network has operators that are not native"
    return (
        f"memory: {profile.constants_bytes / 1e6:.1f} MB of weights, {profile.arena_bytes / 1e6:.1f} MB between layers"
    )


def warnings(profile: Profile) -> list[str]:
    """Say where the machine did not keep its pace."""
    if profile.drift <= WORTH_A_WARNING:
        return []
    return [
        f"warning: the clock drifted: a fixed scalar loop took up to {profile.drift:.0%} longer at times (more than "
        f"{WORTH_A_WARNING:.0%}); do not trust times and limits"
    ]


def kinds(profile: Profile) -> str:
    """Say what the time is spent on."""
    return "time: " + ", ".join(f"{share:.1%} {kind}" for kind, share in profile.by_kind().items())
