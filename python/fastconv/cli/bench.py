"""``fastconv bench conv`` and ``fastconv bench model``: ours and the peers in one table, on equal terms."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastconv.bench.run import Case, Row


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench", help="measure convolutions or models beside PyTorch, ONNX Runtime and OpenVINO"
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="conv|model")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--threads", type=int, default=1, metavar="N", help="for every engine (1)")
    shared.add_argument("--precision", default="highest", choices=("highest", "high", "medium"), help="fastconv's")
    shared.add_argument("--engines", metavar="A,B", help="peers to measure, by package (default: all installed)")
    shared.add_argument("--rounds", type=int, default=11, metavar="N", help="blocks of runs per engine (11)")
    shared.add_argument("--csv", type=Path, metavar="FILE", help="write the rows as CSV")
    shared.add_argument("--json", type=Path, metavar="FILE", help="write rows and conditions as JSON")
    shared.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown")
    shared.add_argument("--plot", type=Path, metavar="PNG", help="draw a bar chart")

    conv = kinds.add_parser("conv", parents=[shared], help="convolutions")
    conv.add_argument("shape", nargs="*", help="NxCxHxW:K:RxS[:s2][:p1][:d1][:g1][:t], as 1x64x56x56:64:3")
    conv.add_argument("--shapes", type=Path, metavar="CSV", help="all rows of a file like bench/shapes/conv_shapes.csv")
    conv.add_argument("--suite", metavar="NAME", help="a suite of the file, as resnet_50_v1_5")
    conv.add_argument("--batch", type=int, default=1, metavar="N", help="takes the place of the file's batches (1)")
    conv.add_argument("--algorithm", default="auto", help="fastconv's")

    model = kinds.add_parser("model", parents=[shared], help="whole networks")
    model.add_argument("model", nargs="+", help="ONNX files, or names of fastconv.models (random weights)")
    model.add_argument("--shape", metavar="NxCxHxW", help="of the first input")
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

    if options.threads < 1 or options.rounds < 1:
        raise ValueError(f"bench: threads and rounds must be >= 1, got {options.threads} and {options.rounds}")
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
    table.show(rows, conditions, Console())
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


def _convolutions(options: argparse.Namespace) -> list[tuple[str, Callable[[], Case]]]:
    from fastconv.bench import shapes
    from fastconv.bench.cases import ConvCase

    chosen = [shapes.parse(text) for text in options.shape]
    if options.suite or options.shapes:
        chosen += shapes.read_csv(options.shapes or shapes.SUITES, options.suite, options.batch)
    if not chosen:
        raise ValueError("bench conv: needs a shape, --suite or --shapes, got none")

    def make(shape: shapes.ConvShape) -> Callable[[], Case]:
        return lambda: ConvCase(shape, options.threads, options.precision, options.algorithm)

    return [(str(shape), make(shape)) for shape in shapes.unique(chosen)]


def _models(options: argparse.Namespace) -> list[tuple[str, Callable[[], Case]]]:
    from fastconv.bench.cases import ModelCase

    shape = tuple(int(extent) for extent in options.shape.split("x")) if options.shape else None

    def make(source: str) -> Callable[[], Case]:
        return lambda: ModelCase.of(source, shape, options.threads, options.precision)

    return [(Path(source).stem, make(source)) for source in options.model]
