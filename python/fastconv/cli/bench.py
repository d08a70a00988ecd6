"""``fastconv bench``: what the benchmarks measure, one kind a function; fastconv/bench does the work.

``conv`` and ``model``: ours and the peers in one table, on equal terms. ``layers``: each convolution beside the fastest
that PyTorch offers. ``choice``: our algorithms among themselves. ``overhead``, ``session``, ``threads``: what calls and
sessions cost, what threads gain. ``roofline``: networks' layers against the machine's measured ceilings.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastconv.bench.run import Case, Row
    from fastconv.bench.shapes import ConvShape


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench", help="measure convolutions or models beside PyTorch, ONNX Runtime and OpenVINO"
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--threads", type=int, metavar="N", help="for every engine (1; threads: 2)")
    shared.add_argument("--precision", default="highest", choices=("highest", "high", "medium"), help="fastconv's")
    shared.add_argument("--rounds", type=int, default=11, metavar="N", help="blocks of runs per engine (11)")
    shared.add_argument("--csv", type=Path, metavar="FILE", help="write the rows as CSV")
    shared.add_argument("--json", type=Path, metavar="FILE", help="write rows and conditions as JSON")
    peers = argparse.ArgumentParser(add_help=False)
    peers.add_argument("--engines", metavar="A,B", help="peers to measure, by package (default: all installed)")
    peers.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown")
    peers.add_argument("--plot", type=Path, metavar="PNG", help="draw a bar chart")
    shapes = argparse.ArgumentParser(add_help=False)
    shapes.add_argument("shape", nargs="*", help="NxCxHxW:K:RxS[:s2][:p1][:d1][:g1][:t], as 1x64x56x56:64:3")
    shapes.add_argument(
        "--shapes", type=Path, metavar="CSV", help="all rows of a file like bench/shapes/conv_shapes.csv"
    )
    shapes.add_argument("--suite", metavar="NAME", help="a suite of the file, as resnet_50_v1_5, or all")
    shapes.add_argument("--batch", type=int, default=1, metavar="N", help="takes the place of the file's batches (1)")

    conv = kinds.add_parser("conv", parents=[shared, peers, shapes], help="convolutions")
    conv.add_argument("--algorithm", default="auto", help="fastconv's")
    kinds.add_parser("layers", parents=[shared, shapes], help="each convolution beside the fastest that PyTorch offers")
    choice = kinds.add_parser(
        "choice", parents=[shared, shapes], help="every algorithm that applies, beside the one that auto takes"
    )
    choice.add_argument("--most-gflop", type=float, metavar="X", help="leave out larger convolutions")

    models = argparse.ArgumentParser(add_help=False)
    models.add_argument("model", nargs="+", help="ONNX files, or names of fastconv.models (random weights)")
    models.add_argument("--shape", metavar="NxCxHxW", help="of the first input")
    kinds.add_parser("model", parents=[shared, peers, models], help="whole networks")
    kinds.add_parser(
        "session",
        parents=[shared, models],
        help="creation, first run and memory beside ONNX Runtime, in fresh processes",
    )
    kinds.add_parser("threads", parents=[shared, models], help="what --threads N gain over one")
    roofline = kinds.add_parser(
        "roofline", parents=[shared, models], help="networks' layers against the machine's measured ceilings"
    )
    roofline.add_argument("--plot", type=Path, metavar="PNG", help="draw them")
    kinds.add_parser("overhead", parents=[shared], help="what a small call costs beside PyTorch's")
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure, and print or write the table."""
    try:
        from rich.console import Console
        from rich.progress import Progress

        from fastconv.bench import table
    except ImportError as error:
        raise ImportError(f'{error}; the benchmarks need: pip install "fastconv[bench]"') from error
    from fastconv.bench.engines import installed
    from fastconv.bench.run import Conditions, run_case

    if options.threads is None:
        options.threads = 2 if options.kind == "threads" else 1
    if options.threads < 1 or options.rounds < 1:
        raise ValueError(f"bench: threads and rounds must be >= 1, got {options.threads} and {options.rounds}")
    others = {
        "choice": _choice,
        "layers": _layers,
        "overhead": _overhead,
        "roofline": _roofline,
        "session": _session,
        "threads": _threads,
    }
    if options.kind in others:
        return others[options.kind](options)
    engines = installed(options.engines.split(",") if options.engines else None)
    conditions = Conditions.of(engines, options.threads, options.precision)
    cases = _convolutions(options) if options.kind == "conv" else _models(options)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        total = progress.add_task("measuring", total=len(cases))
        for name, make in cases:
            progress.update(total, description=name)
            rows += run_case(name, make(), engines, options.rounds)
            progress.advance(total)
    table.show(rows, conditions, table.console())
    if options.csv:
        table.write_csv(rows, options.csv)
    if options.json:
        table.write_json(rows, conditions, options.json)
    if options.markdown:
        options.markdown.write_text(table.to_markdown(rows, conditions))
    if options.plot:
        from fastconv.bench.plot import write_png

        write_png(rows, conditions, options.plot)
    return 0


def _layers(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from fastconv.bench import families, layers, table
    from fastconv.bench.cases import ConvCase
    from fastconv.bench.run import Conditions

    given = options.shape or options.suite or options.shapes
    shapes = _shapes(options) if given else families.representatives()
    cases = (ConvCase(shape, options.threads, options.precision) for shape in shapes)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        total = progress.add_task("measuring", total=len(shapes))
        done = layers.judge_all(
            cases, options.rounds, options.csv, lambda name: progress.update(total, description=name, advance=1)
        )
    layers.show(done, Conditions.of(layers.engines()[:2], options.threads, options.precision), table.console())
    return 0


def _overhead(options: argparse.Namespace) -> int:
    from rich.console import Console

    from fastconv.bench import overhead, table
    from fastconv.bench.engines import FastConv
    from fastconv.bench.run import Conditions
    from fastconv.bench.torch_engines import Torch

    with Console(stderr=True).status("measuring"):
        calls = overhead.measure_calls(options.threads, options.precision, options.rounds)
    engines = [engine for engine in (FastConv(), Torch()) if engine.available()]
    overhead.show(calls, Conditions.of(engines, options.threads, options.precision), table.console())
    if options.csv:
        table.write_csv(calls, options.csv)
    return 0


def _roofline(options: argparse.Namespace) -> int:
    from fastconv.bench import roofline, table
    from fastconv.bench.ceilings import measure_ceilings
    from fastconv.bench.engines import FastConv
    from fastconv.bench.run import Conditions

    ceilings = measure_ceilings(options.threads, options.rounds)
    points = _each_model(options, lambda case: roofline.measure_layers(case, ceilings, options.rounds))
    conditions = Conditions.of([FastConv()], options.threads, options.precision)
    roofline.show(points, ceilings, conditions, table.console())
    if options.csv:
        table.write_csv(points, options.csv)
    if options.plot:
        roofline.write_png(points, ceilings, conditions, options.plot)
    return 0


def _session(options: argparse.Namespace) -> int:
    from fastconv.bench import session, table

    rows = _each_model(options, lambda case: session.measure_sessions(case, options.rounds))
    session.show(rows, session.conditions(options.threads), table.console())
    if options.csv:
        table.write_csv(rows, options.csv)
    return 0


def _threads(options: argparse.Namespace) -> int:
    from fastconv.bench import scaling, table
    from fastconv.bench.run import Conditions

    rows = _each_model(options, lambda case: scaling.measure_scaling(case, options.rounds))
    scaling.show(rows, Conditions.of(scaling.engines(), options.threads, options.precision), table.console())
    if options.csv:
        table.write_csv(rows, options.csv)
    return 0


def _choice(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from fastconv.bench import choice
    from fastconv.bench.cases import ConvCase
    from fastconv.bench.engines import FastConv
    from fastconv.bench.run import Conditions

    most = float("inf") if options.most_gflop is None else options.most_gflop * 1e9
    chosen = [shape for shape in _shapes(options) if shape.flops <= most]
    choices = [
        choice.judge(ConvCase(shape, options.threads, options.precision), options.rounds)
        for shape in track(chosen, "measuring", console=Console(stderr=True), transient=True)
    ]
    conditions = Conditions.of([FastConv()], options.threads, options.precision)
    choice.show(choices, conditions, Console())
    if options.csv:
        choice.write_csv(choices, options.csv)
    if options.json:
        choice.write_json(choices, conditions, options.json)
    return 0


def _shapes(options: argparse.Namespace) -> list[ConvShape]:
    from fastconv.bench import shapes

    chosen = [shapes.parse(text) for text in options.shape]
    if options.suite or options.shapes:
        suite = None if options.suite == "all" else options.suite
        chosen += shapes.read_csv(options.shapes or shapes.SUITES, suite, options.batch)
    if not chosen:
        raise ValueError(f"bench {options.kind}: needs a shape, --suite or --shapes, got none")
    return list(shapes.unique(chosen))


def _convolutions(options: argparse.Namespace) -> list[tuple[str, Callable[[], Case]]]:
    from fastconv.bench.cases import ConvCase

    def make(shape: ConvShape) -> Callable[[], Case]:
        return lambda: ConvCase(shape, options.threads, options.precision, options.algorithm)

    return [(str(shape), make(shape)) for shape in _shapes(options)]


def _each_model(options: argparse.Namespace, measure: Callable[[Any], list[Any]]) -> list[Any]:
    """Measure the models one by one, under a bar."""
    from rich.console import Console
    from rich.progress import track

    rows: list[Any] = []
    for _, make in track(_models(options), "measuring", console=Console(stderr=True), transient=True):
        rows += measure(make())
    return rows


def _models(options: argparse.Namespace) -> list[tuple[str, Callable[[], Case]]]:
    from fastconv.bench.cases import ModelCase

    shape = tuple(int(extent) for extent in options.shape.split("x")) if options.shape else None

    def make(source: str) -> Callable[[], Case]:
        return lambda: ModelCase.of(source, shape, options.threads, options.precision)

    return [(Path(source).stem, make(source)) for source in options.model]
