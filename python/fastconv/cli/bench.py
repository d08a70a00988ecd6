"""``fastconv bench``: what the benchmarks measure, one kind a function; fastconv/bench does the work.

``conv`` and ``model``: ours and the peers in one table, on equal terms, for every combination of the threads, batches
and precisions listed. ``layers``: each convolution beside the fastest
that PyTorch offers. ``choice``: our algorithms among themselves. ``overhead``, ``session``, ``threads``: what calls and
sessions cost, what threads gain. ``roofline``: networks' layers against the machine's measured ceilings.
"""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastconv.bench.run import Case, Row
    from fastconv.bench.shapes import ConvShape
    from fastconv.cli.progress import Tick

PRECISIONS = ("highest", "high", "medium")


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench", help="measure convolutions or models beside PyTorch, ONNX Runtime, OpenVINO, ncnn and LiteRT"
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--rounds", type=int, default=11, metavar="N", help="blocks of runs per engine (11)")
    shared.add_argument("--csv", type=Path, metavar="FILE", help="write the rows as CSV")
    shared.add_argument("--json", type=Path, metavar="FILE", help="write rows and conditions as JSON")
    one = argparse.ArgumentParser(add_help=False, parents=[shared])
    one.add_argument("--threads", type=int, metavar="N", help="for every engine (1; threads: 2)")
    one.add_argument("--precision", default="highest", choices=PRECISIONS, help="fastconv's")
    peers = argparse.ArgumentParser(add_help=False, parents=[shared])
    peers.add_argument("--threads", type=_counts, default=[1], metavar="N,M", help="for every engine, in turn (1)")
    peers.add_argument("--precision", type=_precisions, default=["highest"], metavar="P,Q", help="fastconv's (highest)")
    peers.add_argument(
        "--engines",
        metavar="A,B",
        help="peers to measure (default: all installed that compile nothing; all: every one); fastconv.torch, "
        "fastconv.torch-freezing, fastconv.torch.convert and fastconv.torch.convert-freezing are fastconv behind torch",
    )
    peers.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown")
    peers.add_argument("--plot", type=Path, metavar="PNG", help="draw a bar chart")
    shapes = argparse.ArgumentParser(add_help=False)
    shapes.add_argument("shape", nargs="*", help="NxCxHxW:K:RxS[:s2][:p1][:d1][:g1][:t], as 1x64x56x56:64:3")
    shapes.add_argument(
        "--shapes", metavar="FILE", help="all of a file: rows like bench/shapes/conv_shapes.csv's, or a shape a line"
    )
    shapes.add_argument("--suite", metavar="NAME", help="a suite of the file, as resnet_50_v1_5, or all")
    batch = argparse.ArgumentParser(add_help=False)
    batch.add_argument("--batch", type=int, default=1, metavar="N", help="takes the place of the file's batches (1)")

    conv = kinds.add_parser("conv", parents=[peers, shapes], help="convolutions")
    conv.add_argument("--algorithm", default="auto", help="fastconv's")
    conv.add_argument(
        "--batch", type=_counts, metavar="N,M", help="take the place of the shapes' batches (default: 1 for a file's)"
    )
    kinds.add_parser(
        "layers", parents=[one, shapes, batch], help="each convolution beside the fastest that PyTorch offers"
    )
    choice = kinds.add_parser(
        "choice", parents=[one, shapes, batch], help="every algorithm that applies, beside the one that auto takes"
    )
    choice.add_argument("--most-gflop", type=float, metavar="X", help="leave out larger convolutions")

    models = argparse.ArgumentParser(add_help=False)
    models.add_argument(
        "model", nargs="+", help=".onnx, .tflite and .pt2 files, names of fastconv.models, or module:function"
    )
    models.add_argument("--shape", metavar="NxCxHxW", help="of the first input")
    model = kinds.add_parser("model", parents=[peers, models], help="whole networks")
    model.add_argument("--batch", type=_counts, metavar="N,M", help="of the inputs (default: the model's, or 1)")
    kinds.add_parser(
        "session",
        parents=[one, models],
        help="creation, first run and memory beside ONNX Runtime, in fresh processes",
    )
    kinds.add_parser("threads", parents=[one, models], help="what --threads N gain over one")
    roofline = kinds.add_parser(
        "roofline", parents=[one, models], help="networks' layers against the machine's measured ceilings"
    )
    roofline.add_argument("--plot", type=Path, metavar="PNG", help="draw them")
    kinds.add_parser("overhead", parents=[one], help="what a small call costs beside PyTorch's")
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure, and print or write the table."""
    try:
        from fastconv.bench import table
        from fastconv.cli.progress import progress
    except ImportError as error:
        raise ImportError(f'{error}; the benchmarks need: pip install "fastconv[bench]"') from error
    from fastconv.bench.engines import installed
    from fastconv.bench.run import Conditions, run_case

    if options.rounds < 1:
        raise ValueError(f"bench: rounds must be >= 1, got {options.rounds}")
    others = {
        "choice": _choice,
        "layers": _layers,
        "overhead": _overhead,
        "roofline": _roofline,
        "session": _session,
        "threads": _threads,
    }
    if options.kind in others:
        if options.threads is None:
            options.threads = 2 if options.kind == "threads" else 1
        if options.threads < 1:
            raise ValueError(f"bench: threads must be >= 1, got {options.threads}")
        return others[options.kind](options)
    engines = installed(options.engines.split(",") if options.engines else None)
    cases = list(_convolutions(options) if options.kind == "conv" else _networks(options))
    rows: list[Row] = []
    with progress(len(cases)) as begin:
        for name, make in cases:
            tick, case = begin(name), make()
            concerned = [engine for engine in engines if options.engines or engine.concerns(case)]
            rows += run_case(name, case, concerned, options.rounds, tick)
    measured = [engine for engine in engines if any(row.engine == engine.name for row in rows)]
    conditions = Conditions.of(measured, options.threads, options.precision)
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


def _counts(text: str) -> list[int]:
    """Read a list of numbers: 1,2."""
    fields = text.split(",")
    if not all(field.isdigit() and int(field) for field in fields):
        raise argparse.ArgumentTypeError(f"must be numbers >= 1, as 1,2, got {text!r}")
    return [int(field) for field in dict.fromkeys(fields)]


def _precisions(text: str) -> list[str]:
    """Read a list of precisions: highest,high."""
    fields = text.split(",")
    if not set(fields) <= set(PRECISIONS):
        raise argparse.ArgumentTypeError(f"must be among {', '.join(PRECISIONS)}, got {text!r}")
    return list(dict.fromkeys(fields))


def _layers(options: argparse.Namespace) -> int:
    from fastconv.bench import families, layers, table
    from fastconv.bench.cases import ConvCase
    from fastconv.bench.run import Conditions
    from fastconv.cli.progress import progress

    given = options.shape or options.suite or options.shapes
    shapes = _shapes(options, options.batch) if given else families.representatives()
    cases = (ConvCase(shape, options.threads, options.precision) for shape in shapes)
    with progress(len(shapes)) as begin:
        done = layers.judge_all(cases, options.rounds, options.csv, begin)
    layers.show(done, Conditions.of(layers.engines()[:2], options.threads, options.precision), table.console())
    return 0


def _overhead(options: argparse.Namespace) -> int:
    from fastconv.bench import compiled, overhead, table
    from fastconv.bench.engines import FastConv
    from fastconv.bench.run import Conditions
    from fastconv.bench.torch_engines import Torch
    from fastconv.cli.progress import progress

    engines = [engine for engine in (FastConv(), Torch()) if engine.available()]
    with_torch = len(engines) > 1
    with progress(1 + with_torch) as begin:
        calls = overhead.measure_calls(options.threads, options.precision, options.rounds, begin("calls"))
        many: list[overhead.Call] = []
        if with_torch:
            tick = begin("many parameters")
            many = compiled.measure_compiled(options.threads, options.precision, options.rounds, tick)
    overhead.show(calls, Conditions.of(engines, options.threads, options.precision), table.console())
    if many:
        compiled.show(many, table.console())
    if options.csv:
        table.write_csv([*calls, *many], options.csv)
    return 0


def _roofline(options: argparse.Namespace) -> int:
    from fastconv.bench import roofline, table
    from fastconv.bench.ceilings import measure_ceilings
    from fastconv.bench.engines import FastConv
    from fastconv.bench.run import Conditions
    from fastconv.cli.progress import progress

    with progress(1 + len(options.model)) as begin:
        ceilings = measure_ceilings(options.threads, options.rounds, begin("the machine's ceilings"))
        points = _each_model(
            options, begin, lambda case, tick: roofline.measure_layers(case, ceilings, options.rounds, tick)
        )
    conditions = Conditions.of([FastConv()], options.threads, options.precision)
    roofline.show(points, ceilings, conditions, table.console())
    if options.csv:
        table.write_csv(points, options.csv)
    if options.plot:
        roofline.write_png(points, ceilings, conditions, options.plot)
    return 0


def _session(options: argparse.Namespace) -> int:
    from fastconv.bench import session, table
    from fastconv.cli.progress import progress

    with progress(len(options.model)) as begin:
        rows = _each_model(options, begin, lambda case, tick: session.measure_sessions(case, options.rounds, tick))
    session.show(rows, session.conditions(options.threads), table.console())
    if options.csv:
        table.write_csv(rows, options.csv)
    return 0


def _threads(options: argparse.Namespace) -> int:
    from fastconv.bench import scaling, table
    from fastconv.bench.run import Conditions
    from fastconv.cli.progress import progress

    with progress(len(options.model)) as begin:
        rows = _each_model(options, begin, lambda case, tick: scaling.measure_scaling(case, options.rounds, tick))
    scaling.show(rows, Conditions.of(scaling.engines(), options.threads, options.precision), table.console())
    if options.csv:
        table.write_csv(rows, options.csv)
    return 0


def _choice(options: argparse.Namespace) -> int:
    from rich.console import Console

    from fastconv.bench import choice
    from fastconv.bench.cases import ConvCase
    from fastconv.bench.engines import FastConv
    from fastconv.bench.run import Conditions
    from fastconv.cli.progress import progress

    most = float("inf") if options.most_gflop is None else options.most_gflop * 1e9
    chosen = [shape for shape in _shapes(options, options.batch) if shape.flops <= most]
    choices = []
    with progress(len(chosen)) as begin:
        for shape in chosen:
            case = ConvCase(shape, options.threads, options.precision)
            choices.append(choice.judge(case, options.rounds, tick=begin(str(shape))))
    conditions = Conditions.of([FastConv()], options.threads, options.precision)
    choice.show(choices, conditions, Console())
    if options.csv:
        choice.write_csv(choices, options.csv)
    if options.json:
        choice.write_json(choices, conditions, options.json)
    return 0


def _shapes(options: argparse.Namespace, batch: int | None) -> list[ConvShape]:
    """Return the shapes asked for; a batch takes the place of those of a file."""
    from fastconv.bench import shapes

    chosen = [shapes.parse(text) for text in options.shape]
    file = options.shapes
    if file and not file.endswith(".csv"):
        chosen += shapes.read_lines(file) if Path(file).exists() else [shapes.parse(file)]
        file = None
    if options.suite or file:
        suite = None if options.suite == "all" else options.suite
        chosen += shapes.read_csv(file or shapes.SUITES, suite, batch)
    if not chosen:
        raise ValueError(f"bench {options.kind}: needs a shape, --suite or --shapes, got none")
    return list(shapes.unique(chosen))


_Named = tuple[str, Callable[[], "Case"]]


def _convolutions(options: argparse.Namespace) -> Iterable[_Named]:
    from fastconv.bench.cases import ConvCase

    shapes = _shapes(options, 1)
    if options.batch:
        shapes = [replace(shape, n=batch) for shape in shapes for batch in options.batch]
    for shape, threads, precision in itertools.product(shapes, options.threads, options.precision):
        name = ", ".join([str(shape), *_terms(options, threads, precision)])
        yield name, functools.partial(ConvCase, shape, threads, precision, options.algorithm)


def _networks(options: argparse.Namespace) -> Iterable[_Named]:
    from fastconv.bench.cases import ModelCase

    batches = options.batch or [None]
    for text, batch, threads, precision in itertools.product(
        options.model, batches, options.threads, options.precision
    ):
        several = [f"batch {batch}"] if len(batches) > 1 else []
        name = ", ".join([text if ":" in text else Path(text).stem, *several, *_terms(options, threads, precision)])
        yield name, functools.partial(ModelCase.of, text, _extents(options), threads, precision, batch)


def _terms(options: argparse.Namespace, threads: int, precision: str) -> list[str]:
    """Say what sets a case apart from the others of a list."""
    terms = []
    if len(options.threads) > 1:
        terms.append(f"{threads} thread{'s' * (threads > 1)}")
    if len(options.precision) > 1:
        terms.append(precision)
    return terms


def _each_model(
    options: argparse.Namespace, begin: Callable[[str], Tick], measure: Callable[[Any, Tick], list[Any]]
) -> list[Any]:
    """Measure the models one by one."""
    from fastconv.bench.cases import ModelCase

    rows: list[Any] = []
    for text in options.model:
        tick = begin(text)
        rows += measure(ModelCase.of(text, _extents(options), options.threads, options.precision), tick)
    return rows


def _extents(options: argparse.Namespace) -> tuple[int, ...] | None:
    return tuple(int(extent) for extent in options.shape.split("x")) if options.shape else None
