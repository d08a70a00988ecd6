"""``fastconv profile MODEL``: where a model's time goes, layer by layer; fastconv/profiling does the work."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastconv.cli import inputs

if TYPE_CHECKING:
    from fastconv.bench.cases import ModelCase


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("profile", help="show where a model's time goes")
    parser.add_argument("model", help="a .onnx, .tflite or .pt2 file, a name of fastconv.models, or module:function")
    inputs.add(parser, required=False)
    parser.add_argument("--shape", metavar="NxCxHxW", help="of the first input, which is random without --input")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of the runs (1)")
    parser.add_argument("--precision", default="highest", choices=("highest", "high", "medium"))
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="times are medians of so many runs (20)")
    parser.add_argument("--error", action="store_true", help="measure each layer's error against float64 (slow)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that draws the layers' times")
    parser.add_argument("--trace", type=Path, metavar="JSON", help="write a trace for chrome://tracing or Perfetto")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the layers under the machine's roofline")
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, and write what was asked for."""
    try:
        from fastconv.bench import roofline
        from fastconv.bench.ceilings import measure_ceilings
        from fastconv.bench.clock import Clock
        from fastconv.bench.table import console
        from fastconv.cli.progress import progress
        from fastconv.profiling import layers, page, table, trace
    except ImportError as error:
        raise ImportError(f'{error}; profiles need: pip install "fastconv[bench]"') from error
    if options.threads < 1 or options.runs < 1:
        raise ValueError(f"profile: threads and runs must be >= 1, got {options.threads} and {options.runs}")
    with progress(2) as begin:
        case = _case(options)
        clock = Clock()
        clock()
        ceilings = measure_ceilings(options.threads, min(options.runs, 5), begin("the machine's ceilings"))
        tick = begin(f"{case.name}, layer by layer")
        profile, steps = layers.measure(case, ceilings, options.runs, options.error, clock, tick)
    table.show(profile, console())
    if options.html:
        options.html.write_text(page.to_html(profile), encoding="utf-8")
    if options.trace:
        trace.write_trace(profile, options.trace)
    if options.plot:
        points = roofline.points_of(case.name, steps, ceilings)
        if not points:
            raise ValueError("--plot: the model must have layers with operations to count, got none")
        roofline.write_png(points, ceilings, profile.conditions, options.plot)
    return 0


def _case(options: argparse.Namespace) -> ModelCase:
    from fastconv.bench import sources
    from fastconv.bench.cases import ModelCase
    from fastconv.session import InferenceSession

    shape = tuple(int(extent) for extent in options.shape.split("x")) if options.shape else None
    if not options.input:
        return ModelCase.of(options.model, shape, options.threads, options.precision)
    source = sources.read(options.model, shape)
    arrays = inputs.feed(InferenceSession(source.model), options.input, options.normalize)
    return ModelCase(source.name, source.model, arrays, options.threads, options.precision)
