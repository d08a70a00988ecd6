"""`fastconv bench layers`: families, standings, and runs that go on where they were interrupted."""

import contextlib
import csv
import math
from dataclasses import replace

import pytest

from fastconv.bench import torch_engines
from fastconv.bench.cases import ConvCase
from fastconv.bench.families import family, representatives
from fastconv.bench.layers import Layer, summary
from fastconv.bench.shapes import parse
from fastconv.cli import main

FAMILIES = {
    "1x64x28x28:64:3": "3x3 stride 1",
    "1x64x28x28:64:3:s2": "other dense",
    "1x64x28x28:64:1": "1x1",
    "1x3x32x32:64:7:s2": "first layer",
    "1x64x28x28:64:5:g64": "depthwise",
    "1x64x28x28:64:3:g8": "grouped",
    "1x64x28x28:64:3:d4": "dilated",
    "1x64x28x28:64:2:s2:p0:t": "transposed",
    "1x64x280:64:9": "1-D",
    "1x64x8x8x8:64:3": "3-D",
}
NAN = float("nan")


@pytest.mark.parametrize("text", FAMILIES)
def test_family(text):
    assert family(parse(text)) == FAMILIES[text]


def test_every_family_has_a_representative():
    assert {family(shape) for shape in representatives()} == set(FAMILIES.values()) - {"other dense"}


def layer(case, ours, theirs):
    return Layer(
        case, family(parse(case)), "direct", ours, 0.1, 1.0, 1e-7, "torch NHWC", theirs, 0.1, 1e-7, theirs, NAN
    )


def test_standings():
    lines = summary(
        [
            layer("1x8x9x9:8:3", 1.0, 4.0),
            layer("1x9x9x9:9:3", 0.05, 0.05),
            layer("1x8x9x9:8:1", 1.0, 0.5),
            layer("1x8x9x9:8:3:t", 1.0, NAN),
        ]
    )
    assert lines == [
        "3x3 stride 1: 2 layers, geometric mean 2.00x, least 1.00x; below 0.95x: 0, below 1.1x: 1",
        "1x1: 1 layers, geometric mean 0.50x, least 0.50x; below 0.95x: 1, below 1.1x: 1",
        "all: 3 layers, geometric mean 1.26x, least 0.50x; below 0.95x: 1, below 1.1x: 2",
        "all of 0.1 ms or more: 2 layers, geometric mean 1.41x, least 0.50x; below 0.95x: 1, below 1.1x: 1",
        "below 1.1x: 1x8x9x9:8:1, direct: 0.50x, 1.000 ms",
        "below 1.1x: 1x9x9x9:9:3, direct: 1.00x, 0.050 ms",
        "not compared, PyTorch cannot compute them: 1x8x9x9:8:3:t",
    ]


def test_depthwise_layers_stand_against_onednn_itself_too():
    one = replace(layer("1x8x9x9:8:3:g8", 1.0, 3.0), call_ms=4.0, exec_ms=2.0)
    said = "depthwise against oneDNN's own time: geometric mean 2.00x, least 2.00x; "
    assert said + "against torch's call: geometric mean 4.00x, least 4.00x" in summary([one])


def test_layers_too_short_for_onednns_clock_have_no_time_of_its_own(monkeypatch):
    pytest.importorskip("torch", reason="compares with PyTorch")
    lines = iter([["onednn_verbose,v1,primitive,exec,cpu,convolution,0"]] * 3)
    monkeypatch.setattr(torch_engines, "_captured_stdout", lambda: contextlib.nullcontext(next(lines)))
    case = ConvCase(parse("1x8x6x6:8:3:g8"))
    assert math.isnan(torch_engines.OneDnn().own_ms(case, rounds=3))


def test_an_interrupted_run_goes_on(tmp_path, capsys):
    pytest.importorskip("torch", reason="compares with PyTorch")
    file = tmp_path / "layers.csv"
    options = ["--rounds", "1", "--csv", str(file)]
    assert main(["bench", "layers", "1x64x28x28:64:3:g64", *options]) == 0
    (row,) = csv.DictReader(file.open())
    assert float(row["error"]) < 1e-6
    assert float(row["peer_error"]) < 1e-6
    assert 0 < float(row["exec_ms"]) < 100
    file.write_text(file.read_text().replace(row["ms"], "4321.5", 1))
    capsys.readouterr()
    assert main(["bench", "layers", "1x64x28x28:64:3:g64", "1x4x9:4:3", *options]) == 0
    printed = capsys.readouterr().out
    for said in ("4321.500", "all: 2 layers", "1-D: 1 layers", "threads: 1", "torch 2"):
        assert said in printed
    assert len(list(csv.DictReader(file.open()))) == 2
