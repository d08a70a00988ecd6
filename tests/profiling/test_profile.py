"""`fastconv profile`: every layer with its time and limit, as a table, a page, a trace and a picture."""

import itertools
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

import fastconv as fc
from fastconv.bench.cases import ModelCase
from fastconv.bench.ceilings import Ceilings
from fastconv.bench.clock import Clock
from fastconv.bench.run import Conditions
from fastconv.cli import main
from fastconv.profiling import layers, page, table, trace
from fastconv.profiling.layers import DEPTHWISE, FALLBACK, OTHER, Layer, Profile
from tests.onnx.models import model, node, tensor

CEILINGS = Ceilings(gflops=100.0, cached_gbs=40.0, memory_gbs=20.0)


def layer(name="a", op="conv", **more):
    numbers = {"ms": 1.0, "share": 0.25, "flops": 5e7, "bytes": 2_000_000, "least_ms": 0.5, "error": None}
    texts = {"what": op, "algorithm": "direct", "kernel": "gemm", "shape": (1, 4, 5)}
    return Layer(name, op, **{**texts, **numbers, **more})


def profile_of(*made):
    return Profile("net", "1x3x8x8", 4.0, list(made), 5_000_000, 7_000_000, CEILINGS, Conditions.of([], 1, "highest"))


def lenet():
    return ModelCase.of("lenet5", None, 1, "highest")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the command writes of lenet5, by its option."""
    folder = tmp_path_factory.mktemp("profile")
    written = {form: folder / f"lenet.{form}" for form in ("html", "trace", "plot")}
    options = [part for form, path in written.items() for part in (f"--{form}", str(path))]
    assert main(["profile", "lenet5", "--runs", "2", "--error", *options]) == 0
    return written


# --- what is measured ------------------------------------------------------------------------------------------------


def test_layers_are_those_of_the_plan():
    case = lenet()
    profile, steps = layers.measure(case, CEILINGS, runs=3, errors=True, clock=Clock())
    planned = fc.compile(case.model).profile(*case.feed.values(), runs=1)
    assert [(x.name, x.op, x.shape) for x in profile.layers] == [
        (p["name"], p["op"], tuple(p["shape"])) for p in planned
    ]
    assert [" ".join(filter(None, (x.algorithm, x.kernel))) for x in profile.layers] == [
        p["algorithm"] for p in planned
    ]
    assert [step["ms"] for step in steps] == [x.ms for x in profile.layers]
    assert sum(x.share for x in profile.layers) == pytest.approx(1)
    assert all(x.error < 1e-5 for x in profile.layers if x.op in ("conv", "gemm"))
    assert profile.inputs == "1x1x32x32"
    # The layers make up the run: their sum is near it, both ways.
    assert profile.layers_ms / 10 < profile.run_ms < profile.layers_ms * 10 + 0.1
    assert profile.gflops == pytest.approx(case.flops / profile.run_ms / 1e6)
    assert profile.drift > 0
    assert profile.constants_bytes > 4 * 60_000  # lenet's 60 thousand parameters


def test_errors_are_measured_on_demand(monkeypatch):
    monkeypatch.setattr("fastconv._compile.layer_errors", None)  # not to be called
    profile, _ = layers.measure(lenet(), CEILINGS, runs=1, errors=False, clock=Clock())
    assert {x.error for x in profile.layers} == {None}
    assert "error" not in table.headings(profile)


def test_the_limit_is_the_slower_of_arithmetic_and_memory():
    assert CEILINGS.least_ms(flops=1e8, moved_bytes=1e6) == pytest.approx(1.0)
    assert CEILINGS.least_ms(flops=1e6, moved_bytes=4e6) == pytest.approx(0.2)
    profile, _ = layers.measure(lenet(), CEILINGS, runs=1, errors=False, clock=Clock())
    for x in profile.layers:
        assert x.least_ms == pytest.approx(max(x.flops / 1e8, x.bytes / 2e7))
        assert x.limit == pytest.approx(x.least_ms / x.ms)


def test_the_whole():
    profile = profile_of(layer(), layer(ms=3.0, share=0.75, flops=1.5e8, least_ms=0.5))
    assert profile.layers_ms == 4.0
    assert profile.limit == pytest.approx(0.25)
    assert profile.gflops == pytest.approx(50)
    assert profile.summary() == "net, 1x3x8x8: 4.000 ms a run, 50 GF/s, 25% of the machine's limit, 2 layers"


def test_kinds():
    assert layer(op="conv").kind == "convolution"
    assert layer(op="conv", algorithm="depthwise").kind == DEPTHWISE
    assert layer(op="Asinh", algorithm="", kernel="onnx.reference").kind == FALLBACK
    assert layer(op="relu").kind == OTHER
    shares = profile_of(layer(op="concat", share=0.25), layer(share=0.75)).by_kind()
    assert list(shares.items()) == [("convolution", 0.75), ("moving data", 0.25)]


def test_operators_without_a_native_one_have_times(tmp_path, capsys):
    whole = model(
        [node("Conv", ["x", "w"], ["c"]), node("Asinh", ["c"], ["y"])],
        [tensor("x", (1, 3, 8, 8))],
        [tensor("y", None)],
        {"w": np.ones((4, 3, 3, 3), np.float32)},
    )
    (tmp_path / "asinh.onnx").write_bytes(whole.SerializeToString())
    written = tmp_path / "page.html"
    arguments = ["profile", str(tmp_path / "asinh.onnx"), "--runs", "1", "--error", "--html", str(written)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert re.search(r"Asinh .* onnx\.reference", printed)
    assert "memory and errors: not measured, the network has operators that are not native" in printed
    assert "Asinh" in written.read_text()


# --- how it is shown --------------------------------------------------------------------------------------------------


def test_the_table(capsys):
    assert main(["profile", "lenet5", "--runs", "1", "--threads", "1", "--precision", "high"]) == 0
    out = capsys.readouterr().out
    for said in ("layer", "algorithm", "kernel", "GF/s", "limit", "MB", "conv + tanh", "threads: 1", "precision: high"):
        assert said in out
    assert "ceilings measured" in out
    assert re.search(r"lenet5, 1x1x32x32: \d+\.\d+ ms a run, \d+ GF/s, \d+% of the machine's limit.*, 8 layers", out)


class Page(HTMLParser):
    """Counts tags, and collects bars' widths, hovers' texts and cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.hovers, self.strip, self.cells, self.open = [], [], [], [], []
        self.feed(text)
        assert not self.open, "tags that are not closed"

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        if tag not in ("meta",):
            self.open.append((tag, found.get("class")))
        if "title" in found:
            self.hovers.append(found["title"])
        if tag == "i" and self.open[-2] == ("div", "strip"):
            self.strip.append(float(re.search(r"width:([\d.]+)%", found["style"]).group(1)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "td":
            self.cells.append(data)


def test_the_page_tells_all_and_loads_nothing(files):
    text = files["html"].read_text()
    read = Page(text)
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    assert not re.search(r"https?:|url\(|@import|src=", text)
    assert sum(read.strip) == pytest.approx(100, abs=0.01)
    assert len(read.hovers) == 2 * 8  # on the line of all layers, and on each one's bar
    profile, _ = layers.measure(lenet(), CEILINGS, runs=1, errors=False, clock=Clock())
    for x in profile.layers:
        assert read.cells.count(x.name) >= 1
        assert sum(hover.startswith(x.name + "\n") for hover in read.hovers) >= 2
    assert "% of the machine&#x27;s limit" in text
    assert any("GF/s" in hover and "\nerror " in hover for hover in read.hovers)


def test_a_clock_that_drifts_is_told(capsys):
    for drift, told in ((0.09, False), (0.31, True)):
        profile = replace(profile_of(layer()), drift=drift)
        table.show(profile, Console(width=200))
        for shown in (capsys.readouterr().out, page.to_html(profile)):
            assert ("took up to 31% longer at times" in shown) == told


def test_bars_are_as_long_as_their_times():
    long, short = layer("long", ms=4.0, share=0.8, least_ms=1.0), layer("short", ms=1.0, share=0.2, least_ms=2.0)
    text = page.to_html(profile_of(long, short))
    bars = re.findall(r"'track'><i style='width:([\d.]+)%[^>]*></i><b style='left:([\d.]+)%", text)
    assert bars == [("100.000", "25.000"), ("25.000", "50.000")]


def test_names_are_text_on_the_page():
    text = page.to_html(profile_of(layer("<script>alert('x')</script>", what="a & b")))
    assert "<script>" not in text
    read = Page(text)
    assert "<script>alert('x')</script>" in read.cells
    assert read.hovers[0].startswith("<script>alert('x')</script>\na & b")


def test_the_trace_has_onnx_runtimes_form(files, tmp_path, monkeypatch):
    events = json.loads(files["trace"].read_text())
    assert all(event.keys() == {"cat", "pid", "tid", "dur", "ts", "ph", "name", "args"} for event in events)
    assert {event["ph"] for event in events} == {"X"}
    whole, *nodes = events
    assert (whole["cat"], whole["name"]) == ("Session", "model_run")
    assert {event["cat"] for event in nodes} == {"Node"}
    assert [event["args"]["op_name"] for event in nodes].count("conv") == 2
    for before, after in itertools.pairwise(nodes):
        assert 0 <= after["ts"] - before["ts"] - before["dur"] <= 1  # one after the other, in whole microseconds
    assert nodes[-1]["ts"] + nodes[-1]["dur"] == pytest.approx(whole["dur"], abs=len(nodes))
    assert nodes[0]["args"]["kernel"]


def test_times_in_the_trace(tmp_path):
    trace.write_trace(profile_of(layer("a", ms=1.5), layer("b", ms=0.25)), tmp_path / "t.json")
    whole, a, b = json.loads((tmp_path / "t.json").read_text())
    assert (whole["ts"], whole["dur"]) == (0, 1750)
    assert [(e["name"], e["ts"], e["dur"]) for e in (a, b)] == [("a", 0, 1500), ("b", 1500, 250)]


def test_the_roofline(files):
    assert files["plot"].read_bytes().startswith(b"\x89PNG")


# --- what is profiled -------------------------------------------------------------------------------------------------


def test_inputs_from_files(tmp_path, monkeypatch, capsys):
    seen = []
    measured = layers.measure
    monkeypatch.setattr(layers, "measure", lambda case, *rest: (seen.append(case.feed), measured(case, *rest))[1])
    tokens = np.array([[2, 0, 1]], np.int64)
    table_of_numbers = np.arange(12, dtype=np.float32).reshape(3, 4)
    whole = model(
        [node("Gather", ["t", "i"], ["g"]), node("MatMul", ["g", "w"], ["y"])],
        [tensor("i", (1, 3), 7)],
        [tensor("y", None)],
        {"t": table_of_numbers, "w": np.ones((4, 2), np.float32)},
    )
    (tmp_path / "gather.onnx").write_bytes(whole.SerializeToString())
    assert main(["profile", str(tmp_path / "gather.onnx"), "--runs", "1"]) == 1
    assert "inputs must be float32" in capsys.readouterr().err
    np.save(tmp_path / "i.npy", tokens)
    arguments = ["profile", str(tmp_path / "gather.onnx"), "--runs", "1", "--input", str(tmp_path / "i.npy")]
    assert main(arguments) == 0
    np.testing.assert_array_equal(seen[-1]["i"], tokens)


def test_functions(tmp_path, monkeypatch, capsys):
    (tmp_path / "profiled.py").write_text(
        "import fastconv as fc\n\n\ndef net():\n    return fc.nn.Sequential(fc.nn.Conv2d(3, 4, 3), fc.nn.ReLU())\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["profile", "profiled:net", "--shape", "1x3x9x9", "--runs", "1"]) == 0
    sys.modules.pop("profiled")
    printed = capsys.readouterr().out
    assert "net, 1x3x9x9:" in printed
    assert "conv + relu" in printed


@pytest.mark.parametrize("wrong", [["--runs", "0"], ["--threads", "0"]])
def test_refused(wrong, capsys):
    assert main(["profile", "lenet5", *wrong]) == 1
    assert "threads and runs must be >= 1" in capsys.readouterr().err
