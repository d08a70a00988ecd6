"""What a session costs before its first result, and its memory: fastconv beside ONNX Runtime, in fresh processes.

The command is ``fastconv bench session``.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from fastconv.bench.cases import ModelCase, UnsupportedError, relative_error
from fastconv.bench.engines import FastConv, OnnxRuntime
from fastconv.bench.run import Conditions

_WORKER = Path(__file__).with_name("session_worker.py")
_FIGURES = ("import_ms", "create_ms", "first_ms", "run_ms", "peak_mb")
LEGEND = (
    "medians over fresh processes: import of the engine, creation of the session from a file, the first run, a later "
    "run; peak: the process's largest resident memory; error: relative, against float64"
)


@dataclass(frozen=True)
class Session:
    """One engine's figures for one model: medians over processes."""

    model: str
    engine: str
    import_ms: float
    create_ms: float
    first_ms: float
    run_ms: float
    peak_mb: float
    error: float | None


def measure_sessions(
    case: ModelCase, rounds: int, tick: Callable[[int], object] = lambda blocks: None
) -> list[Session]:
    """Start `rounds` processes for each engine in turns, ONNX Runtime's only where it is installed and reads the model.

    `tick` is called after each process with the number of them all.
    """
    modules, contents = {"fastconv": "fastconv.onnxruntime"}, {"fastconv": (case.kind, case.model)}
    if OnnxRuntime().available():
        with contextlib.suppress(UnsupportedError):
            contents["onnxruntime"] = "onnx", case.onnx
            modules["onnxruntime"] = "onnxruntime"
    exact = case.exact()
    figures: dict[str, list[dict[str, float]]] = {engine: [] for engine in modules}
    errors: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as name:
        feed, output = (Path(name) / file for file in ("feed.npz", "output.npy"))
        models = {engine: Path(name, f"{engine}.{kind}") for engine, (kind, _) in contents.items()}
        for engine, path in models.items():
            path.write_bytes(contents[engine][1])
        np.savez(feed, **case.feed)  # type: ignore[arg-type]
        for _ in range(rounds):
            for engine, module in modules.items():
                arguments = [module, str(models[engine]), str(case.threads), str(feed), str(output)]
                # By its text: run by its path, its folder's files would stand in for modules of the same name.
                command = [sys.executable, "-c", _WORKER.read_text(), *arguments]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise RuntimeError(f"{engine}: {done.stderr.strip().splitlines()[-1]}")
                figures[engine].append(json.loads(done.stdout))
                errors[engine] = None if exact is None else relative_error(np.load(output), exact)
                tick(rounds * len(modules))
    rows = []
    for engine, seen in figures.items():
        medians = {key: statistics.median(f[key] for f in seen) for key in _FIGURES}
        rows.append(Session(case.name, engine, error=errors[engine], **medians))
    return rows


def conditions(threads: int) -> Conditions:
    """State them; sessions have fastconv's default precision."""
    return Conditions.of([e for e in (FastConv(), OnnxRuntime()) if e.available()], threads, "highest")


def show(sessions: Sequence[Session], stated: Conditions, console: Console) -> None:
    """Print the table."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("model", "engine", "import ms", "create ms", "first ms", "run ms", "peak MB", "error"):
        table.add_column(heading, justify="left" if heading in ("model", "engine") else "right")
    for s in sessions:
        times = (f"{ms:.1f}" for ms in (s.import_ms, s.create_ms, s.first_ms, s.run_ms))
        table.add_row(s.model, s.engine, *times, f"{s.peak_mb:.0f}", "-" if s.error is None else f"{s.error:.1e}")
    console.print(str(stated), table, LEGEND)
