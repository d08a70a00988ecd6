"""Results depend neither on the number of threads nor on the batch, and runs may be concurrent or in a forked child."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastconv as fc
from tests.conv.check import ALGORITHMS
from tests.conv.conftest import REPOSITORY

# x, weight, arguments: large enough that two threads share the work
PROBLEMS = {
    "3x3": ((4, 32, 30, 30), (48, 32, 3, 3), {"padding": 1}),
    "3x3 stride 2": ((4, 32, 31, 31), (48, 32, 3, 3), {"padding": 1, "stride": 2}),
    "dilated": ((4, 32, 30, 30), (48, 32, 3, 3), {"padding": 2, "dilation": 2}),
    "1x1": ((4, 64, 28, 28), (96, 64, 1, 1), {}),
    "stem": ((4, 3, 65, 65), (32, 3, 7, 7), {"padding": 3, "stride": 2}),
    "depthwise": ((4, 96, 28, 28), (96, 1, 3, 3), {"padding": 1, "groups": 96}),
    "few channels a group": ((4, 96, 28, 28), (96, 4, 3, 3), {"padding": 1, "groups": 24}),
    "grouped": ((4, 64, 28, 28), (96, 16, 3, 3), {"padding": 1, "groups": 4}),
    "one row": ((4, 128, 1, 300), (64, 128, 1, 5), {}),
    "deep": ((4, 512, 7, 7), (128, 512, 3, 3), {"padding": 1}),
}
TRANSPOSED = {
    "4x4 stride 2": ((4, 64, 14, 14), (64, 32, 4, 4), {"padding": 1, "stride": 2}),
    "3x3": ((4, 64, 14, 14), (64, 32, 3, 3), {"padding": 1}),
}
CALLS = [(fc.conv2d, name, *problem) for name, problem in PROBLEMS.items()]
CALLS += [(fc.conv_transpose2d, name, *problem) for name, problem in TRANSPOSED.items()]


@pytest.fixture(params=CALLS, ids=lambda call: f"{call[0].__name__} {call[1]}")
def problem(request):
    """A function of (x, algorithm) that gives None where the algorithm refuses, and an x."""
    function, _, x_shape, weight_shape, arguments = request.param
    rng = np.random.default_rng(0)
    weight = rng.standard_normal(weight_shape).astype(np.float32)

    def run(x, algorithm):
        try:
            return function(x, weight, **arguments, algorithm=algorithm)
        except ValueError as refusal:
            assert "algorithm" in str(refusal)

    return run, rng.standard_normal(x_shape).astype(np.float32)


@pytest.fixture(autouse=True)
def restore_threads(threads):
    """Every test here leaves the number of threads as it was."""


def test_threads_batch_and_repeats_do_not_change_a_bit(problem):
    run, x = problem
    fc.set_num_threads(1)
    results = {algorithm: y for algorithm in ALGORITHMS if (y := run(x, algorithm)) is not None}
    assert {"auto", "direct", "reference"} <= set(results)
    for algorithm, one in results.items():
        fc.set_num_threads(1)
        np.testing.assert_array_equal(run(x, algorithm), one)
        np.testing.assert_array_equal(run(x[2], algorithm), one[2])
        np.testing.assert_array_equal(run(x[1:3], algorithm), one[1:3])
        for threads in (2, 3):
            fc.set_num_threads(threads)
            np.testing.assert_array_equal(run(x, algorithm), one)
            np.testing.assert_array_equal(run(x[3:], algorithm), one[3:])


def test_eight_python_threads_at_once(problem):
    run, x = problem
    fc.set_num_threads(2)
    want = run(x, "auto")
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: run(x, "auto"), range(32)):
            np.testing.assert_array_equal(got, want)


def test_eight_python_threads_with_different_problems():
    """Plans, packed weights and scratch memory of one call must not leak into another's."""
    rng = np.random.default_rng(1)
    fc.set_num_threads(2)
    jobs = []
    for i in range(64):
        c, k, size = 4 + i % 5, 3 + i % 7, 8 + i % 11
        x = rng.standard_normal((1, c, size, size)).astype(np.float32)
        weight = rng.standard_normal((k, c, 3, 3)).astype(np.float32)
        jobs.append((x, weight, fc.conv2d(x, weight)))
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda job: fc.conv2d(job[0], job[1]), jobs * 4)
        for (_, _, want), got in zip(jobs * 4, results):
            np.testing.assert_array_equal(got, want)


def test_a_forked_child_runs():
    """Threads do not survive a fork; a child that waited for its parent's would hang."""
    code = """
import os, numpy as np, fastconv as fc
fc.set_num_threads(2)
x = np.random.default_rng(0).standard_normal((2, 64, 56, 56)).astype(np.float32)
w = np.random.default_rng(1).standard_normal((64, 64, 3, 3)).astype(np.float32)
want = fc.conv2d(x, w, padding=1)
for generation in range(2):
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status))
    assert np.array_equal(fc.conv2d(x, w, padding=1), want)
os._exit(17)
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, start_new_session=True)
    try:
        assert process.wait(timeout=60) == 17
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the children too
        pytest.fail("a forked child hangs")


@pytest.mark.parametrize("threads", (0, -1, 2**62))
def test_a_bad_number_of_threads_is_refused(threads):
    with pytest.raises(ValueError, match=f"got {threads}"):
        fc.set_num_threads(threads)
