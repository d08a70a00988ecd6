"""``fastconv tune MODEL``: measure which algorithm is fastest for each convolution of a model, and remember it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastconv.graph_builder import GraphBuilder


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "tune", help="measure the algorithms of a model's convolutions, for this machine's later runs"
    )
    parser.add_argument("model", help="a .onnx, .tflite or .pt2 file, a name of fastconv.models, or module:function")
    parser.add_argument("--shape", metavar="NxCxHxW", help="of the first input")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="to measure with (1)")
    parser.add_argument("--precision", default="highest", choices=("highest", "high", "medium"))
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="runs of the model with each algorithm (7)")
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure what is not known yet, and print it."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError as error:
        raise ImportError(f'{error}; tuning needs: pip install "fastconv[bench]"') from error
    import fastconv
    from fastconv import _wisdom, tuning

    if options.threads < 1 or options.rounds < 1:
        raise ValueError(f"tune: threads and rounds must be >= 1, got {options.threads} and {options.rounds}")
    fastconv.set_num_threads(options.threads)
    graph = _graph(options)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("measuring", total=None)
        measured = tuning.tune(
            graph,
            options.precision,
            rounds=options.rounds,
            tick=lambda total: progress.update(bar, total=total, advance=1),
        )
    for key, times in measured.items():
        print(f"{key:40} " + "  ".join(f"{name} {ms:.3f}" for name, ms in times.items()))
    known = "" if measured else "; the model has none that was not measured before"
    print(f"measured {len(measured)} convolutions{known}: ms, the first is taken")
    print(f"kept in {_wisdom.path()}; delete it to forget")
    return 0


def _graph(options: argparse.Namespace) -> GraphBuilder:
    """Return the model's graph, with extents for every input."""
    from fastconv.bench.cases import ModelCase

    shape = tuple(int(extent) for extent in options.shape.split("x")) if options.shape else None
    case = ModelCase.of(options.model, shape, options.threads, options.precision)
    graph = case.graph()
    for entry in graph.inputs:
        entry.shape = list(case.feed[entry.name].shape)
    return graph
