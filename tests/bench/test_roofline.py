"""`fastconv bench roofline`: layers under measured ceilings."""

import csv

import pytest

from fastconv.bench.ceilings import Ceilings, measure_ceilings
from fastconv.cli import main


def test_attainable_is_the_lower_roof():
    ceilings = Ceilings(gflops=100.0, cached_gbs=40.0, memory_gbs=20.0)
    assert ceilings.attainable(2.0) == 40.0
    assert ceilings.attainable(50.0) == 100.0


def test_ceilings_are_plausible():
    ceilings = measure_ceilings(threads=2, rounds=1)
    assert 0.01 < ceilings.gflops < 1e5
    assert 0.1 < ceilings.memory_gbs < 1e4
    assert 0.1 < ceilings.cached_gbs < 1e5


def test_the_table_and_the_picture(tmp_path, capsys):
    files = [str(tmp_path / name) for name in ("layers.csv", "roofline.png")]
    options = ["--rounds", "1", "--csv", files[0], "--plot", files[1]]
    assert main(["bench", "roofline", "lenet5", *options]) == 0
    printed = capsys.readouterr().out
    assert "ceilings measured" in printed
    rows = list(csv.DictReader((tmp_path / "layers.csv").open()))
    assert [row["op"] for row in rows] == ["conv", "conv", "gemm", "gemm", "gemm"]
    # 1x1x32x32:6:5:p0 moves 1024 + 150 + 6 + 6*28*28 floats for 2*6*28*28*25 operations.
    assert float(rows[0]["intensity"]) == pytest.approx(2 * 6 * 28 * 28 * 25 / 4 / (1024 + 156 + 6 * 28 * 28), rel=0.02)
    for row in rows:
        assert float(row["gflops"]) > 0
        assert 0 < float(row["share"]) < 1
    assert (tmp_path / "roofline.png").read_bytes().startswith(b"\x89PNG")
