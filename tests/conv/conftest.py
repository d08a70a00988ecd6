"""Sweeps: random exact cases in worker processes, one instruction set a worker, as many at once as there are cores.

FASTCONV_SWEEP is the number of cases over all instruction sets, FASTCONV_SWEEP_SEED chooses other ones. A million take
6800 s of processor time on an EPYC with AVX2 (6.8 ms a case, 100,000 cases, 2026-11-22); a worker holds one case at a
time. What became of them is told after every hundredth part.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import MACHINE_ISAS
from tests.conv.worker import Report

CASES = int(os.environ.get("FASTCONV_SWEEP", 20_000))
SEED = int(os.environ.get("FASTCONV_SWEEP_SEED", 0))
CASES_A_WORKER = 1000
REPOSITORY = Path(__file__).parents[2]


def run_worker(isa: str, start: int, stop: int, *options: str) -> Report:
    """The report of a new process on cases [start, stop); a process that dies is a failure of its last case."""
    command = [sys.executable, "-m", "tests.conv.worker", f"--seed={SEED}", f"--start={start}", f"--stop={stop}"]
    environment = os.environ | {"FASTCONV_ISA": isa, "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run([*command, *options], env=environment, cwd=REPOSITORY, capture_output=True, text=True)
    if result.returncode == 0:
        return Report.from_json(result.stdout)
    last_words = "\n".join(result.stderr.strip().splitlines()[-8:])
    return Report(failed=Counter(["process"]), lines=[f"died with {result.returncode} after\n{last_words}"])


def run_sweep(cases: int, *options: str, tell: Callable[[str], None] = lambda line: None) -> dict[str, Report]:
    """What became of `cases` cases, by instruction set; `tell` hears how far it is."""
    share = -(-cases // len(MACHINE_ISAS))
    jobs = [
        (isa, start, min(start + CASES_A_WORKER, (i + 1) * share), *options)
        for i, isa in enumerate(MACHINE_ISAS)
        for start in range(i * share, (i + 1) * share, CASES_A_WORKER)
    ]
    reports, begin, step = {isa: Report() for isa in MACHINE_ISAS}, time.monotonic(), -(-len(jobs) // 100)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for done, (job, report) in enumerate(zip(jobs, pool.map(lambda job: run_worker(*job), jobs)), 1):
            reports[job[0]].add(report)
            if done % step == 0:
                seconds = time.monotonic() - begin
                failed = sum(report.failed.total() for report in reports.values())
                left = seconds * (len(jobs) - done) / done
                tell(f"{done} of {len(jobs)} workers, {failed} failures, {seconds:.0f} s, about {left:.0f} s left")
    return reports


@pytest.fixture(scope="session")
def sweep(worker_runs: Counter[str], pytestconfig: pytest.Config) -> dict[str, Report]:
    """What became of FASTCONV_SWEEP cases, by instruction set; progress shows where it was set."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"sweep: {line}", flush=True)

    reports = run_sweep(CASES, tell=tell) if "FASTCONV_SWEEP" in os.environ else run_sweep(CASES)
    for report in reports.values():
        worker_runs.update(report.runs)
    return reports
