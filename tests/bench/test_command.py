"""`fastconv bench`: every installed engine computes the same thing, and the table says what it must."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
from rich.console import Console

from fastconv.bench import choice as bench_choice
from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError, relative_error
from fastconv.bench.choice import Choice, show
from fastconv.bench.engines import ENGINES, installed
from fastconv.bench.litert_engine import LiteRt
from fastconv.bench.run import Conditions, Row
from fastconv.bench.shapes import parse
from fastconv.bench.table import against_fastest, cells, footnotes, ratios
from fastconv.bench.timing import Timing
from fastconv.bench.torch_engines import Inductor
from fastconv.cli import main

CASES = [
    "1x5x9x8:6:3:s2",
    "2x4x7x6:8:3x2:p1x0-0x1:g2",
    "1x4x7x6:8:3x2:p1x0-0x1",
    "1x6x11:4:3:d2",
    "1x3x4x5x6:2:3",
    "1x4x5x6:6:3:s2:p1:o1:t",
    "1x1x6x5:4:3",
]
QUICK = [e for e in ENGINES if not isinstance(e, (Inductor, LiteRt))]  # they take networks alone: tested below


@pytest.mark.parametrize("engine", QUICK, ids=lambda e: f"{e.name}-{e.layout}")
@pytest.mark.parametrize("text", CASES)
@pytest.mark.filterwarnings("error")
def test_engines_compute_the_same_convolution(engine, text):
    if not engine.available():
        pytest.skip(f"{engine.name} is not installed")
    case = ConvCase(parse(text))
    for array in (case.x, case.weight, case.bias):
        array.setflags(write=False)
    if engine.name == "torch" and engine.layout == "NHWC" and case.shape.rank == 1:
        with pytest.raises(UnsupportedError, match="one spatial axis"):
            engine.conv(case)
        return
    if engine.name == "ncnn" and (case.shape.rank != 2 or case.shape.n > 1 or case.shape.transposed):
        with pytest.raises(UnsupportedError, match="2-D convolutions of one image"):
            engine.conv(case)
        return
    try:
        result = engine.conv(case).result()
    except UnsupportedError as reason:
        assert (engine.name, str(reason)) == ("openvino-bf16", "the processor has no bf16")
        return
    assert result.dtype == np.float32
    assert relative_error(result, case.exact()) < (1e-2 if engine.name == "openvino-bf16" else 2e-6)


@pytest.mark.parametrize("engine", QUICK, ids=lambda e: f"{e.name}-{e.layout}")
def test_engines_compute_the_same_network(engine):
    if not engine.available():
        pytest.skip(f"{engine.name} is not installed")
    pytest.importorskip("torch", reason="torch computes the network in float64")
    case = ModelCase.of("squeezenet1_1", (1, 3, 65, 65), threads=1, precision="highest")
    exact = case.exact()
    assert exact is not None
    reason = {"fastconv NHWC": "layout of their inputs", "onednn NHWC": "single convolutions"}
    if f"{engine.name} {engine.layout}" in reason:
        with pytest.raises(UnsupportedError, match=reason[f"{engine.name} {engine.layout}"]):
            engine.model(case)
        return
    try:
        error = relative_error(engine.model(case).result(), exact)
    except UnsupportedError as reason:
        assert (engine.name, str(reason)) == ("openvino-bf16", "the processor has no bf16")
        return
    assert (1e-4 < error < 5e-2) if engine.name == "openvino-bf16" else error < 1e-5


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++")
def test_inductor_computes_the_same_network():
    pytest.importorskip("torch", reason="inductor is PyTorch's")
    case = ModelCase.of("lenet5", None, threads=1, precision="highest")
    assert relative_error(Inductor().model(case).result(), case.exact()) < 1e-5
    with pytest.raises(UnsupportedError, match="whole networks"):
        Inductor().conv(ConvCase(parse(CASES[0])))


OURS = {
    "fastconv.torch": "torch.compile, backend fastconv",
    "fastconv.torch-freezing": "torch.compile, backend fastconv, freezing",
    "fastconv.torch.convert": "fastconv.torch.convert, by an example",
    "fastconv.torch.convert-freezing": "fastconv.torch.convert, by an example, freezing",
}


@pytest.mark.parametrize("name", OURS)
def test_our_ways_through_torch_compute_the_same_network(name, caplog):
    pytest.importorskip("torch", reason="torch.compile is PyTorch's")
    case = ModelCase.of("lenet5", None, threads=1, precision="high")
    engine = installed([name])[-1]  # behind fastconv's own
    runner = engine.model(case)
    assert relative_error(runner.result(), case.exact()) < 1e-5
    assert runner.how == OURS[name]
    assert engine.precision(case) == "high"
    assert not [record for record in caplog.records if record.name == "fastconv"]  # nothing left to torch, or to dynamo


def test_the_fastest_peer_is_told():
    def row(case, engine, layout, ms):
        return Row(case, engine, layout, ms, 0.1, 1.0, 1.0, None, "")

    nan = float("nan")
    rows = [row("a", "fastconv", "NCHW", 2.0), row("a", "fastconv", "NHWC", 1.0), row("a", "torch", "NCHW", 3.0)]
    rows += [row("a", "torch", "NHWC", 1.5), row("b", "fastconv", "NCHW", 1.0), row("b", "torch", "NCHW", nan)]
    rows += [row("a", name, "NCHW", 1.25) for name in OURS]  # ourselves, by other doors
    assert against_fastest(rows) == {"a": 1.5}


def row(engine, ratio=2.0, **more):
    return Row("a", engine, "NCHW", ratio, 0.1, 1.0, ratio, None, "", **more)


def test_ratios_between_precisions_are_marked():
    ours, equal = row("fastconv", 1.0, precision="highest"), row("torch")
    mixed = row("openvino-bf16", 0.5, precision="bfloat16")
    assert [cells(r)[5] for r in (ours, equal, mixed)] == ["1.00", "2.00", "0.50*"]
    assert ratios([ours, equal, mixed]) == {"fastconv NCHW": 1.0, "torch NCHW": 2.0, "openvino-bf16 NCHW*": 0.5}
    assert against_fastest([ours, equal, mixed]) == {"a": 2.0}
    (note,) = footnotes([ours, equal, mixed])
    assert note == "* between different precisions: openvino-bf16 in bfloat16, fastconv in highest"
    # "medium" has bfloat16's budget, "high" that of no format.
    assert not row("openvino-bf16", precision="bfloat16", base_precision="medium").is_mixed
    assert row("torch", base_precision="high").is_mixed
    assert row("torch", base_precision="medium").is_mixed
    assert not row("fastconv", precision="high", base_precision="high").is_mixed


def test_a_clock_that_drifts_is_told():
    assert footnotes([row("fastconv", drift=0.09)]) == []
    (note,) = footnotes([row("fastconv", drift=0.27)])
    assert note.startswith("warning: the clock drifted")
    assert "a 27%" in note


def test_intervals_are_shown():
    assert cells(row("torch", ratio_low=1.9, ratio_high=2.25))[6] == "1.90-2.25"
    assert cells(row("fastconv", 1.0, ratio_low=1.0, ratio_high=1.0))[6] == "-"
    assert cells(row("torch"))[6] == "-"


def test_lists_are_combined(tmp_path, capsys):
    file = tmp_path / "rows.csv"
    lists = ["--threads", "1,2", "--batch", "1,3", "--precision", "highest,high", "--engines", "onnxruntime"]
    assert main(["bench", "conv", "--shapes", "1x4x6x6:4:3", *lists, "--rounds", "6", "--csv", str(file)]) == 0
    rows = list(csv.DictReader(file.open()))
    cases = dict.fromkeys(r["case"] for r in rows)
    assert len(cases) == 8
    assert next(iter(cases)) == "1x4x6x6:4:3, 1 thread, highest"
    assert list(cases)[-1] == "3x4x6x6:4:3, 2 threads, high"
    for r in rows:
        assert f"{r['threads']} thread" in r["case"]
        assert r["case"].startswith(f"{r['batch']}x4")
        assert r["case"].endswith(f", {r['base_precision']}")
        assert float(r["ratio_low"]) <= float(r["ratio"]) <= float(r["ratio_high"])
    printed = capsys.readouterr().out
    assert "* between different precisions: onnxruntime in float32, fastconv in high" in printed
    assert "threads: 1, 2" in printed
    assert "fastconv's precision: highest, high" in printed


@pytest.mark.parametrize("wrong", [["--threads", "0"], ["--threads", "1,x"], ["--batch", ""], ["--precision", "best"]])
def test_lists_that_are_none_are_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        main(["bench", "conv", "1x4x6x6:4:3", *wrong])
    assert "must be" in capsys.readouterr().err


def test_other_kinds_mark_ratios_between_precisions(capsys):
    pytest.importorskip("torch", reason="compares with PyTorch")
    assert main(["bench", "layers", "1x8x6x6:8:3", "--precision", "high", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert "fastconv computes in high, the others in float32" in printed
    assert re.search(r"\d\.\d\d\*", printed)


def test_unknown_engines_are_refused():
    with pytest.raises(ValueError, match=r"engines: must be among .*onnxruntime.*, got 'tensorrt'"):
        installed(["tensorrt"])


def test_the_table_in_every_form(tmp_path, capsys):
    files = {form: tmp_path / f"table.{form}" for form in ("csv", "json", "markdown", "plot")}
    options = [part for form, path in files.items() for part in (f"--{form}", str(path))]
    assert main(["bench", "conv", "1x8x6x6:8:3", "1x4x9:4:3", "--rounds", "1", *options]) == 0
    printed = capsys.readouterr().out
    for said in ("ratio", "95%", "error", "GF/s", "spread", "threads: 1", "highest", "fastconv NHWC"):
        assert said in printed
    measured = [engine for engine in installed() if not isinstance(engine, LiteRt)]  # which has no convolutions
    engines = len(measured)
    rows = list(csv.DictReader(files["csv"].open()))
    assert len(rows) == 2 * engines
    ours = rows[0]
    assert (ours["case"], ours["engine"], float(ours["ratio"])) == ("1x8x6x6:8:3", "fastconv", 1.0)
    assert float(ours["ms"]) > 0
    assert float(ours["error"]) < 1e-6
    written = json.loads(files["json"].read_text())
    assert written["conditions"]["versions"].keys() == {engine.name for engine in measured}
    assert len(written["rows"]) == 2 * engines
    assert files["markdown"].read_text().count("\n| ") == 2 * engines + 2
    assert files["plot"].read_bytes().startswith(b"\x89PNG")


def test_choice_judges_every_algorithm_that_applies(tmp_path, capsys):
    file, more = tmp_path / "choice.csv", tmp_path / "choice.json"
    shapes = ["1x16x8x8:16:3", "1x8x6x6:8:3:g8", "1x64x900x900:64:3"]
    options = ["--rounds", "1", "--most-gflop", "1", "--csv", str(file), "--json", str(more)]
    assert main(["bench", "choice", *shapes, *options]) == 0
    assert " of 2 convolutions (" in capsys.readouterr().out
    rows = list(csv.DictReader(file.open()))
    names = {case: {row["algorithm"] for row in rows if row["case"] == case} for case in shapes}
    assert names[shapes[0]] == {"direct", "im2col", "col2im", "winograd2", "winograd4"}
    assert names[shapes[1]] == {"depthwise", "direct", "im2col", "col2im"}
    assert not names[shapes[2]]
    assert [sum(int(row["taken"]) for row in rows if row["case"] == case) for case in shapes] == [1, 1, 0]
    written = json.loads(more.read_text())
    assert [row["case"] for row in written["rows"]] == shapes[:2]
    assert written["summary"]["worst"] == max(row["regret"] for row in written["rows"])
    assert written["conditions"]["threads"] == 1


def test_regret_counts_where_it_repeats(monkeypatch):
    seen = iter([{"direct": 2.0, "im2col": 1.0}, {"direct": 1.0, "im2col": 1.0}])
    monkeypatch.setattr(bench_choice, "measure", lambda runs, **_: _medians(next(seen)))
    assert bench_choice.judge(ConvCase(parse("1x16x6x6:16:1")), 1).regret == 0


def _medians(ms):
    return {name: Timing((value,)) for name, value in ms.items()}


def test_regret_is_told(capsys):
    choices = [Choice("a", "direct", {"direct": 1.2, "im2col": 1.0}), Choice("b", "direct", {"direct": 1.0})]
    assert choices[0].regret == pytest.approx(0.2)
    show(choices, Conditions.of([], 1, "highest"), Console(width=200))
    printed = capsys.readouterr().out
    assert "20%" in printed
    assert "1 of 2 convolutions (50.0%); worst 20% slower, geometric mean 9.5%" in printed


def test_nothing_to_measure(capsys):
    assert main(["bench", "conv"]) == 1
    assert "needs a shape" in capsys.readouterr().err
