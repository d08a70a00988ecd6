"""Sweeps: random exact cases in worker processes, one instruction set a worker, as many at once as there are cores.

FASTCONV_SWEEP is the number of cases over all instruction sets, FASTCONV_SWEEP_SEED chooses other ones.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
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
    environment = os.environ | {"FASTCONV_ISA": isa, "OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run([*command, *options], env=environment, cwd=REPOSITORY, capture_output=True, text=True)
    if result.returncode == 0:
        return Report.from_json(result.stdout)
    last_words = "\n".join(result.stderr.strip().splitlines()[-8:])
    return Report(failed=Counter(["process"]), lines=[f"died with {result.returncode} after\n{last_words}"])


def run_sweep(cases: int, *options: str) -> dict[str, Report]:
    """What became of `cases` cases, by instruction set."""
    share = -(-cases // len(MACHINE_ISAS))
    jobs = [
        (isa, start, min(start + CASES_A_WORKER, (i + 1) * share), *options)
        for i, isa in enumerate(MACHINE_ISAS)
        for start in range(i * share, (i + 1) * share, CASES_A_WORKER)
    ]
    reports = {isa: Report() for isa in MACHINE_ISAS}
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for job, report in zip(jobs, pool.map(lambda job: run_worker(*job), jobs)):
            reports[job[0]].add(report)
    return reports


@pytest.fixture(scope="session")
def sweep(worker_runs: Counter[str]) -> dict[str, Report]:
    """What became of FASTCONV_SWEEP cases, by instruction set."""
    reports = run_sweep(CASES)
    for report in reports.values():
        worker_runs.update(report.runs)
    return reports
