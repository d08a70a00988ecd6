"""Each layer of networks against what the machine can do at most: a table, and the picture called a roofline.

The command is ``fastconv bench roofline``. A layer's intensity is its operations over the bytes it must move, inputs,
weights and outputs once each. Operations are counted as the direct sums', so Winograd may pass the ceiling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import fastconv
from fastconv.bench.cases import ModelCase
from fastconv.bench.ceilings import Ceilings
from fastconv.bench.run import Conditions
from fastconv.bench.steps import timed_steps

LEGEND = (
    "ms: median; flop/B: operations of the direct sums over bytes read and written once; limit: GF/s over what the "
    "ceilings allow from memory (above 100%: Winograd, or data found in cache); error: relative, against float64"
)


@dataclass(frozen=True)
class Point:
    """One layer with operations to count."""

    model: str
    layer: str
    op: str
    algorithm: str  # and the kernel's name behind it
    ms: float
    share: float  # of the network's time
    intensity: float  # operations a byte
    gflops: float
    limit: float  # gflops over what is attainable from memory
    error: float | None


def measure_layers(
    case: ModelCase, ceilings: Ceilings, runs: int, tick: Callable[[int], object] = lambda blocks: None
) -> list[Point]:
    """Run a network `runs` times, layer by layer; `tick` is called after each with the number of them all."""
    fastconv.set_num_threads(case.threads)
    network = fastconv.compile(case.model, precision=case.precision, tune=False)
    return points_of(case.name, timed_steps(network, case, runs, True, lambda: tick(runs)), ceilings)


def points_of(model: str, steps: Sequence[Mapping[str, Any]], ceilings: Ceilings) -> list[Point]:
    """Return the points of a network's steps, as `fastconv.explain` tells them."""
    points = []
    for step in steps:
        if not step["flops"] or not step["ms"]:
            continue
        intensity, gflops = step["flops"] / step["bytes"], step["flops"] / step["ms"] / 1e6
        limit = gflops / ceilings.attainable(intensity)
        names = model, step["name"], step["op"], step["algorithm"]
        points.append(Point(*names, step["ms"], step["share"], intensity, gflops, limit, step["error"]))
    return points


def show(points: Sequence[Point], ceilings: Ceilings, conditions: Conditions, console: Console) -> None:
    """Print the layers under the ceilings."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("model", "layer", "op", "algorithm", "ms", "share", "flop/B", "GF/s", "limit", "error"):
        table.add_column(heading, justify="left" if heading in ("model", "layer", "op", "algorithm") else "right")
    for p in points:
        numbers = f"{p.ms:.3f}", f"{p.share:.1%}", f"{p.intensity:.1f}", f"{p.gflops:.0f}", f"{p.limit:.0%}"
        table.add_row(p.model, p.layer, p.op, p.algorithm, *numbers, "-" if p.error is None else f"{p.error:.1e}")
    console.print(str(conditions), table, LEGEND)
    console.print(_ceilings(ceilings), highlight=False)


def _ceilings(ceilings: Ceilings) -> str:
    return (
        f"ceilings measured: {ceilings.gflops:.0f} GF/s (best matrix product), reads of {ceilings.cached_gbs:.0f} GB/s "
        f"from cache and {ceilings.memory_gbs:.0f} GB/s from memory"
    )


def _kind(point: Point) -> str:
    return (point.algorithm or point.op).split()[0]


def write_png(points: Sequence[Point], ceilings: Ceilings, conditions: Conditions, path: Path) -> None:
    """Draw one panel a network: intensity across, GF/s up, a point's area the layer's share of the time."""
    from matplotlib.figure import Figure

    models = list(dict.fromkeys(p.model for p in points))
    algorithms = sorted({_kind(p) for p in points})
    figure = Figure(figsize=(5.6 * len(models), 5.2), layout="constrained")
    panels = figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
    across = np.geomspace(min(p.intensity for p in points) / 1.5, max(p.intensity for p in points) * 1.5, 200)
    for axes, model in zip(panels, models):
        for gbs, where, style in (
            (ceilings.memory_gbs, "memory", "-"),
            (ceilings.cached_gbs, "cache", "--"),
        ):
            roof = np.minimum(ceilings.gflops, across * gbs)
            label = f"{ceilings.gflops:.0f} GF/s, or {gbs:.0f} GB/s from {where}"
            axes.plot(across, roof, style, color="black", linewidth=1, label=label)
        for number, algorithm in enumerate(algorithms):
            chosen = [p for p in points if p.model == model and _kind(p) == algorithm]
            axes.scatter(
                [p.intensity for p in chosen],
                [p.gflops for p in chosen],
                [25 + 1500 * p.share for p in chosen],
                color=f"C{number}",
                alpha=0.6,
                linewidths=0.5,
                edgecolors="white",
                label=algorithm,
            )
        axes.set(title=model, xscale="log", yscale="log", xlabel="operations a byte (inputs, weights, outputs once)")
        axes.grid(which="major", alpha=0.3)
    panels[0].set_ylabel("GF/s, counted as direct sums")
    handles, labels = panels[0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=min(4, 2 * len(models)), fontsize=8)
    for handle in legend.legend_handles[2:]:
        handle.set_sizes([40])  # type: ignore[union-attr]
    figure.suptitle(f"{conditions}; area: share of the network's time", fontsize=7, wrap=True)
    figure.savefig(path, dpi=130, format="png")
