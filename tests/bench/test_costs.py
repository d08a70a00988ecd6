"""`fastconv bench overhead`, `session` and `threads`: what calls and sessions cost, what threads gain."""

import csv

import pytest

from fastconv.bench import compiled
from fastconv.bench.engines import FastConv, OnnxRuntime
from fastconv.bench.overhead import BASE
from fastconv.bench.scaling import Scaling, engines
from fastconv.cli import main


def rows_of(arguments, path):
    assert main(["bench", *arguments, "--rounds", "1", "--csv", str(path)]) == 0
    return list(csv.DictReader(path.open()))


def test_overhead(tmp_path, capsys):
    rows = {row["what"]: row for row in rows_of(["overhead"], tmp_path / "calls.csv")}
    printed = capsys.readouterr().out
    assert "a Network's run over its kernels" in printed
    assert "threads: 1" in printed
    computing = [row for row in rows.values() if row["error"]]
    assert len(computing) == 3 + 3 * (BASE in rows)  # torch's own call, compiled and converted by us
    assert all(float(row["error"]) < 1e-6 for row in computing)
    assert all(0 < float(row["us"]) < 1e5 for row in rows.values())
    if BASE in rows:
        assert "over a Network's run and dynamo's own" in printed
        parts = [compiled.NETWORK, compiled.DYNAMO]
        assert all(float(rows[part]["us"]) < float(rows[compiled.COMPILED]["us"]) for part in (*parts, compiled.FROZEN))
    assert float(rows["the Network's kernels alone"]["us"]) < float(rows["fastconv.nn.Conv2d"]["us"]) * 10


def test_session(tmp_path, capsys):
    pytest.importorskip("torch", reason="torch computes the network in float64")
    rows = rows_of(["session", "lenet5"], tmp_path / "sessions.csv")
    names = [engine.name for engine in (FastConv(), OnnxRuntime()) if engine.available()]
    assert [row["engine"] for row in rows] == names
    for row in rows:
        assert float(row["error"]) < 1e-5
        # A fresh process: this one, which loaded torch, is far larger.
        assert 15 < float(row["peak_mb"]) < 200
        assert all(float(row[key]) > 0 for key in ("import_ms", "create_ms", "first_ms", "run_ms"))
    assert "peak MB" in capsys.readouterr().out


def test_a_session_that_fails_says_why(tmp_path, capsys):
    (tmp_path / "no.onnx").write_bytes(b"nothing")
    assert main(["bench", "session", str(tmp_path / "no.onnx")]) == 1
    assert "fastconv bench:" in capsys.readouterr().err


def test_threads(tmp_path, capsys):
    rows = rows_of(["threads", "lenet5"], tmp_path / "threads.csv")
    assert [row["engine"] for row in rows] == [engine.name for engine in engines()]
    assert all(float(row["one_ms"]) > 0 and float(row["all_ms"]) > 0 for row in rows)
    assert "threads: 2" in capsys.readouterr().out


def test_gain():
    assert Scaling("m", "fastconv", 3.0, 0.1, 2.0, 0.1, None).gain == pytest.approx(1.5)
