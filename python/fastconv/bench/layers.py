"""Single convolutions beside the fastest that PyTorch offers: one line a layer, then each family's mean.

The command is ``fastconv bench layers``. Fastconv computes channels-last arrays with weights packed beforehand, PyTorch
whichever is fastest of plain calls in both memory formats and of oneDNN with weights packed beforehand.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from fastconv.bench.cases import ConvCase
from fastconv.bench.engine import Engine
from fastconv.bench.engines import FastConv
from fastconv.bench.families import family
from fastconv.bench.run import Conditions, run_case
from fastconv.bench.torch_engines import OneDnn, Torch

ENGINES: tuple[Engine, ...] = (FastConv("NHWC"), Torch(), Torch(channels_last=True), OneDnn())
LEVEL, SLOW = 1.1, 0.95  # below the first a layer is listed, below the second it is too slow
LARGE_MS = 0.1
LEGEND = (
    "ms: median; spread: interquartile range; torch: the fastest of plain calls in both memory formats (NCHW, NHWC) "
    "and of oneDNN with packed weights; ratio: its time over fastconv's; error: relative, against float64; "
    "exec: oneDNN's own account of its packed run, without PyTorch's part (depthwise layers)"
)


@dataclass(frozen=True)
class Layer:
    """One convolution, ours and theirs; NaN where PyTorch cannot compute it."""

    case: str
    family: str
    algorithm: str
    ms: float
    spread_ms: float
    gflops: float
    error: float
    peer: str
    peer_ms: float
    peer_spread_ms: float
    peer_error: float
    call_ms: float  # of PyTorch's plain call, in its better format
    exec_ms: float  # of oneDNN's packed run by its own account, for depthwise layers

    @property
    def ratio(self) -> float:
        """The fastest peer's time over fastconv's: above 1, fastconv is faster."""
        return self.peer_ms / self.ms


def engines() -> list[Engine]:
    """Return those that are installed."""
    return [engine for engine in ENGINES if engine.available()]


def judge(case: ConvCase, rounds: int, tick: Callable[[int], object] = lambda blocks: None) -> Layer:
    """Time one convolution with every engine in turns; `tick` is called as in `run_case`."""
    rows = list(run_case(str(case.shape), case, engines(), rounds, tick))
    ours, peers = rows[0], [row for row in rows[1:] if not row.failed]
    nan = float("nan")
    peer = min(peers, key=lambda row: row.ms, default=None)
    call = min((row.ms for row in peers if row.engine == "torch"), default=nan)
    kind = family(case.shape)
    packed = kind == "depthwise" and any(row.engine == "onednn" for row in peers)
    return Layer(
        ours.case,
        kind,
        ours.how,
        ours.ms,
        ours.spread_ms,
        ours.gflops,
        ours.error or 0.0,
        f"{peer.engine} {peer.layout}" if peer else "",
        peer.ms if peer else nan,
        peer.spread_ms if peer else nan,
        (peer.error or 0.0) if peer else nan,
        call,
        OneDnn().own_ms(case, rounds) if packed else nan,
    )


def judge_all(
    cases: Iterable[ConvCase], rounds: int, path: Path | None, begin: Callable[[str], Callable[[int], object]]
) -> list[Layer]:
    """Judge the cases, writing each to the file at once; those that the file has are taken from it.

    So a long run can be interrupted and goes on where it was. `begin` is called with the name of
    each, and returns its `tick`.
    """
    known = {layer.case: layer for layer in read_csv(path)} if path and path.exists() else {}
    layers = []
    for case in cases:
        name = str(case.shape)
        tick = begin(name)
        layer = known.get(name) or judge(case, rounds, tick)
        if path and name not in known:
            _append(layer, path)
        layers.append(layer)
    return layers


def show(layers: Sequence[Layer], conditions: Conditions, console: Console) -> None:
    """Print every layer, the mean of each family and of all, and the layers that are not clearly faster."""
    headings = ("case", "algorithm", "ms", "spread", "GF/s", "error", "torch", "ms", "spread", "error", "ratio", "exec")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("case", "algorithm", "torch") else "right")
    for layer in layers:
        ours = f"{layer.ms:.3f}", f"{layer.spread_ms:.3f}", f"{layer.gflops:.0f}", f"{layer.error:.1e}"
        theirs = f"{layer.peer_ms:.3f}", f"{layer.peer_spread_ms:.3f}", f"{layer.peer_error:.1e}"
        own = "" if math.isnan(layer.exec_ms) else f"{layer.exec_ms:.3f}"
        ratio = f"{layer.ratio:.2f}{conditions.mark}"
        table.add_row(layer.case, layer.algorithm, *ours, layer.peer, *theirs, ratio, own)
    console.print(str(conditions), table, LEGEND)
    if conditions.mark:
        console.print(f"* here and below: fastconv computes in {conditions.precision}, the others in float32")
    for line in summary(layers):
        console.print(line, highlight=False)


def summary(layers: Sequence[Layer]) -> list[str]:
    """Say how the layers stand: one line a family, one for all, one for each layer below `LEVEL`."""
    compared = [layer for layer in layers if not math.isnan(layer.ratio)]
    lines = []
    for name in dict.fromkeys(layer.family for layer in compared):
        lines.append(_standing(name, [layer for layer in compared if layer.family == name]))
    lines.append(_standing("all", compared))
    # On smaller ones the peers' cost of a call decides, not their arithmetic.
    lines.append(_standing(f"all of {LARGE_MS} ms or more", [layer for layer in compared if layer.ms >= LARGE_MS]))
    depthwise = [layer for layer in compared if layer.family == "depthwise" and not math.isnan(layer.exec_ms)]
    if depthwise:
        own = [layer.exec_ms / layer.ms for layer in depthwise]
        call = [layer.call_ms / layer.ms for layer in depthwise]
        lines.append(
            f"depthwise against oneDNN's own time: geometric mean {_mean(own):.2f}x, least {min(own):.2f}x; "
            f"against torch's call: geometric mean {_mean(call):.2f}x, least {min(call):.2f}x"
        )
    for layer in sorted((layer for layer in compared if layer.ratio < LEVEL), key=lambda layer: layer.ratio):
        lines.append(f"below {LEVEL}x: {layer.case}, {layer.algorithm}: {layer.ratio:.2f}x, {layer.ms:.3f} ms")
    missing = [layer.case for layer in layers if math.isnan(layer.ratio)]
    if missing:
        lines.append("not compared, PyTorch cannot compute them: " + ", ".join(missing))
    return lines


def _standing(name: str, layers: Sequence[Layer]) -> str:
    ratios = [layer.ratio for layer in layers]
    if not ratios:
        return f"{name}: nothing to compare"
    slow, level = (sum(ratio < bound for ratio in ratios) for bound in (SLOW, LEVEL))
    return (
        f"{name}: {len(ratios)} layers, geometric mean {_mean(ratios):.2f}x, least {min(ratios):.2f}x; "
        f"below {SLOW}x: {slow}, below {LEVEL}x: {level}"
    )


def _mean(ratios: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def read_csv(path: Path) -> list[Layer]:
    """Read what `judge_all` wrote."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    texts = ("case", "family", "algorithm", "peer")
    return [Layer(**{k: v if k in texts else float(v) for k, v in row.items()}) for row in rows]  # type: ignore[arg-type]


def _append(layer: Layer, path: Path) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow([f.name for f in fields(Layer)])
        writer.writerow(asdict(layer).values())
