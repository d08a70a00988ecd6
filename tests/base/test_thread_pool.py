"""The pool of threads: every chunk once, no races, no time lost where a core is taken, none spent after a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolchain import run, tool

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/base").glob("*.cc"))


@pytest.mark.parametrize(
    ("flags", "arguments"),
    [(["-O2"], ["2000", "forks"]), (["-O1", "-g", "-fsanitize=thread"], ["300"])],
    ids=["forked children", "ThreadSanitizer"],
)
def test_every_chunk_runs_once(flags, arguments, tmp_path):
    program = tmp_path / "stress"
    compiler, stress = tool("g++"), ROOT / "tests/base/stress.cpp"
    run(compiler, "-std=c++20", *flags, f"-I{ROOT / 'src'}", stress, *SOURCES, "-o", program, "-pthread", "-ldl")
    assert run(program, *arguments, timeout=120) == "right\n"


def told(code: str) -> str:
    """What a new process prints that has run a network of several layers on two threads."""
    start = """
import os, sys, time
import numpy as np, fastconv as fc
fc.set_num_threads(2)
layers = [fc.nn.Conv2d(32, 32, 3, padding=1) for _ in range(20)]
network = fc.compile(fc.nn.Sequential(*layers).eval(), (1, 32, 56, 56))
x = np.ones((1, 32, 56, 56), np.float32)
want = network(x)

def milliseconds(threads):
    fc.set_num_threads(threads)
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        network(x)
        times.append(time.perf_counter() - begin)
    return sorted(times)[10] * 1e3

def tasks():
    return len(os.listdir("/proc/self/task"))
"""
    return run(sys.executable, "-c", start + code, cwd=ROOT, timeout=120).strip()


def test_a_core_that_is_taken_costs_no_more_than_its_work():
    """Two threads on one core, as where another program holds the other; OpenMP took a hundred times as long."""
    code = """
os.sched_setaffinity(0, {0})
print(*map(min, zip(*[(milliseconds(1), milliseconds(2)) for _ in range(5)])))
"""
    one, two = map(float, told(code).split())
    assert two < 2 * one + 1


def test_nothing_spins_after_a_run():
    """The least of ten: where a core is taken from the machine meanwhile, the time it lost counts as the process's."""
    code = """
def spent():
    network(x)
    begin = time.process_time()
    time.sleep(0.05)
    return time.process_time() - begin
print(min(spent() for _ in range(10)))
"""
    assert float(told(code)) < 0.002


def test_as_many_threads_as_asked_for_and_no_more():
    assert told("fc.set_num_threads(3); before = tasks(); network(x); network(x); print(tasks() - before)") in (
        "1",
        "2",
    )
    assert told("fc.set_num_threads(1); before = tasks(); network(x); print(tasks() - before)") == "0"


def test_a_forked_child_has_threads_too():
    code = """
child = os.fork()
if child == 0:
    before = tasks()
    same = np.array_equal(network(x), want)
    print(same, tasks() - before, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    assert told(code) == "True 1"


def test_pytorchs_threads_are_used_where_they_are():
    """Its OpenMP looks for work for milliseconds after each call: threads of our own would fight it for the core."""
    pytest.importorskip("torch")
    code = """
import torch
torch.set_num_threads(2)
time.sleep(0.2)  # it is looked for ten times a second
torch.nn.functional.conv2d(torch.ones(1, 64, 56, 56), torch.ones(64, 64, 3, 3))
before = tasks()
same = np.array_equal(network(x), want)
child = os.fork()  # its threads do not survive a fork; ours start anew
if child == 0:
    os._exit(0 if np.array_equal(network(x), want) else 1)
print(same, tasks() <= before, os.waitpid(child, 0)[1])
"""
    try:
        assert told(code) == "True True 0"
    except subprocess.TimeoutExpired:
        pytest.fail("a forked child hangs")
