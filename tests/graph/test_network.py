"""A network's plans: which it makes, keeps and shares, and that it computes the same whoever runs it, and when."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.random import default_rng

from fastconv import _core
from tests.conftest import FLOAT_ISAS

MOST_PLANS = 3


def array(*shape: int, seed: int = 0) -> np.ndarray:
    return default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def conv_network(max_plans: int = 8) -> _core.Network:
    """Two convolutions and a pool of images of any size; the first convolution's workspace holds its threads' tiles."""
    graph = _core.Graph()
    x = graph.input("x", "float32", [-1, 16, -1, -1])
    around = {"pads_begin": [1, 1], "pads_end": [1, 1]}
    (y,) = graph.add("conv", [x, graph.constant(array(32, 16, 3, 3)), graph.constant(array(32))], around)
    (y,) = graph.add("relu", [y])
    (y,) = graph.add("conv", [y, graph.constant(array(8, 32, 1, 1))])
    (y,) = graph.add("max_pool", [y], {"kernel": [2, 2], "strides": [2, 2]})
    graph.output(y, "y")
    return _core.Network(graph, max_plans=max_plans)


def run(network: _core.Network, x: np.ndarray) -> np.ndarray:
    (y,) = network.run({"x": x})
    return y


def alone(x: np.ndarray) -> np.ndarray:
    """What a network that has met nothing else makes of x."""
    return run(conv_network(), x)


# ---- which plans are kept


def planned(capfd: pytest.CaptureFixture[str]) -> int:
    """Plans made since the last call, by the lines of FASTCONV_VERBOSE."""
    return len(re.findall(r"^fastconv: plan \d+ for", capfd.readouterr().err, re.MULTILINE))


@pytest.fixture
def verbose(monkeypatch):
    monkeypatch.setenv("FASTCONV_VERBOSE", "1")


def test_the_least_recently_used_plan_goes(capfd, verbose):
    network = conv_network(MOST_PLANS)
    sizes = [array(1, 16, 6 + i, 8) for i in range(MOST_PLANS + 1)]
    expected = [alone(x) for x in sizes]
    planned(capfd)
    for x in sizes[:MOST_PLANS]:
        run(network, x)
    assert (planned(capfd), network.plan_count) == (MOST_PLANS, MOST_PLANS)
    run(network, sizes[0])  # now the second is the one not used for longest
    assert planned(capfd) == 0
    run(network, sizes[MOST_PLANS])
    assert (planned(capfd), network.plan_count) == (1, MOST_PLANS)
    for i in (0, 2, MOST_PLANS):
        np.testing.assert_array_equal(run(network, sizes[i]), expected[i])
    assert planned(capfd) == 0
    np.testing.assert_array_equal(run(network, sizes[1]), expected[1])
    assert (planned(capfd), network.plan_count) == (1, MOST_PLANS)


def test_one_plan_is_the_least(capfd, verbose):
    with pytest.raises(ValueError, match=r"^network: max_plans must be >= 1, got 0$"):
        conv_network(0)
    network = conv_network(1)
    for height in (6, 8, 6, 6):
        run(network, array(1, 16, height, 8))
        assert network.plan_count == 1
    assert planned(capfd) == 3


def fixed_network(*shape: int) -> _core.Network:
    """A product of x, of this shape, and a matrix of five rows."""
    graph = _core.Graph()
    x = graph.input("x", "float32", shape)
    graph.output(graph.add("matmul", [x, graph.constant(array(5, 7))])[0], "y")
    return _core.Network(graph)


def test_a_plan_made_ahead_is_the_first_runs(capfd, verbose):
    network, x = fixed_network(3, 5), array(3, 5)
    network.plan_ahead()
    assert (planned(capfd), network.plan_count) == (1, 1)
    y = run(network, x)
    network.plan_ahead()
    assert planned(capfd) == 0
    np.testing.assert_array_equal(y, run(fixed_network(3, 5), x))


def test_no_plan_is_made_ahead_of_what_is_not_known():
    network = conv_network()
    network.plan_ahead()
    assert network.plan_count == 0
    network = resize_network()
    network.plan_ahead()
    assert network.plan_count == 0
    x = array(1, 2, 4, 4)
    np.testing.assert_array_equal(network.run({"x": x, "sizes": np.array((8, 4))})[0], resized(x, (8, 4)))


def test_a_plan_made_ahead_fails_as_a_run_would():
    network = fixed_network(3, 4)
    for plan in (network.plan_ahead, lambda: run(network, array(3, 4))):
        with pytest.raises(ValueError, match=r"^matmul 'matmul_0': a's last axis must equal b's last but one, got "):
            plan()


def test_precision_is_checked_before_any_plan():
    graph = _core.Graph()
    graph.output(graph.add("relu", [graph.input("x", "float32", [1])])[0], "y")
    with pytest.raises(ValueError, match=r"^precision: must be one of highest, high, medium, got exact$"):
        _core.Network(graph, precision="exact")


def test_another_number_of_threads_is_another_plan(threads, capfd, verbose):
    network, x = conv_network(), array(1, 16, 40, 40)
    expected = alone(x)
    planned(capfd)
    for count, made in ((1, 1), (4, 1), (2, 1), (4, 0), (1, 0)):
        threads(count)
        np.testing.assert_array_equal(run(network, x), expected)
        assert planned(capfd) == made


def test_a_plan_for_more_threads_has_memory_for_them(threads):
    network, x = conv_network(), array(1, 16, 40, 40)
    bytes_of = []
    for count in (1, 4):
        threads(count)
        bytes_of.append(network.plan_summary({"x": x})["workspace_bytes"])
    assert bytes_of[0] < bytes_of[1]


def test_another_instruction_set_is_another_plan(capfd, verbose):
    before, available = _core.isa(), FLOAT_ISAS
    network, x, made = conv_network(), array(1, 16, 12, 12), 0
    try:
        for isa in [*available, *available]:
            _core.set_isa(isa)
            result = run(network, x)
            kernels = [step["algorithm"] for step in network.plan_summary({"x": x})["steps"]]
            assert any(kernel.endswith(f"__{isa}") for kernel in kernels)
            made += planned(capfd)
            np.testing.assert_array_equal(result, alone(x))
            planned(capfd)
    finally:
        _core.set_isa(before)
    assert network.plan_count == made == len(available)


def test_one_convolution_may_meet_more_threads_than_it_was_planned_for(threads):
    """A plan alone (_core.Conv) has no key: it goes by the threads it has memory for."""
    description = _core.ConvDescription()
    description.in_channels = description.out_channels = 32
    description.batch, description.input_size, description.kernel_size = 2, [64, 64], [3, 3]
    description.algorithm = "winograd4"
    x, weights = array(2, 32, 64, 64), array(32, 32, 3, 3)
    results = []
    for planned_for in (1, 2, 8):
        threads(planned_for)
        conv = _core.Conv(description, weights)
        for count in (1, 2, 5, 16):
            threads(count)
            results.append(np.full(conv.output_shape, np.nan, np.float32))
            conv.run(x, results[-1])
    for result in results:
        np.testing.assert_array_equal(result, results[0])


# ---- inputs whose values shape the result


def resize_network() -> _core.Network:
    graph = _core.Graph()
    x, sizes = graph.input("x", "float32", [1, 2, 4, 4]), graph.input("sizes", "int64", [2])
    (y,) = graph.add("resize", [x, None, None, sizes], {"axes": [2, 3], "coordinate_mode": "asymmetric"})
    (shape,) = graph.add(
        "concat", [graph.constant(np.array([-1])), graph.add("shape", [y], {"start": 3})[0]], {"axis": 0}
    )
    graph.output(graph.add("reshape", [y, shape])[0], "y")
    return _core.Network(graph)


def resized(x: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    rows, columns = (np.arange(size) * 4 // size for size in sizes)
    return x[:, :, rows[:, None], columns].reshape(-1, sizes[1])


def test_sizes_may_be_an_input():
    network, x = resize_network(), array(1, 2, 4, 4)
    for sizes in ((8, 4), (4, 8), (8, 4), (1, 2), (4, 8)):
        (y,) = network.run({"x": x, "sizes": np.array(sizes)})
        np.testing.assert_array_equal(y, resized(x, sizes))
    assert network.plan_count == 3
    x = array(1, 2, 4, 4, seed=1)  # other data, the same plans
    np.testing.assert_array_equal(network.run({"x": x, "sizes": np.array((1, 2))})[0], resized(x, (1, 2)))
    assert network.plan_count == 3


def test_sizes_must_be_there_for_a_plan():
    network, x = resize_network(), array(1, 2, 4, 4)
    assert network.run({"x": x, "sizes": np.array((0, 2))})[0].shape == (0, 2)
    assert network.run({"x": x, "sizes": np.zeros(2, np.int64)})[0].size == 0
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^input 'sizes': value must be known while planning, got none$"):
            network.plan_summary({"x": x, "sizes": [2]})
        with pytest.raises(ValueError, match=r"^resize 'resize_0': sizes must be >= 0, got -1$"):
            network.run({"x": x, "sizes": np.array((-1, 2))})
    assert network.plan_count == 2


def test_two_arguments_found_one_after_the_other():
    """The first plan does not know yet that the second input is an argument too."""
    graph = _core.Graph()
    x, a, b = (graph.input(name, "int64", [n]) for name, n in (("x", 4), ("a", 1), ("b", 1)))
    (start,) = graph.add("slice", [x, a, graph.constant(np.array([4]))])
    (y,) = graph.add("tile", [start, b])
    graph.output(y, "y")
    network = _core.Network(graph)
    data = np.arange(4)
    for first, times in ((1, 2), (1, 3), (2, 2), (1, 2)):
        (y,) = network.run({"x": data, "a": np.array([first]), "b": np.array([times])})
        np.testing.assert_array_equal(y, np.tile(data[first:], times))
    assert network.plan_count == 3


def test_what_is_computed_from_data_shapes_nothing():
    graph = _core.Graph()
    x = graph.input("x", "int64", [1000])
    graph.output(graph.add("reshape", [graph.input("y", "float32", [6]), x])[0], "z")
    with pytest.raises(ValueError, match=r"^reshape 'reshape_0': input 1 must be known while planning, but it is com"):
        _core.Network(graph).run({"x": np.ones(1000, np.int64), "y": array(6)})


# ---- memory


def test_the_arena_is_shared():
    """Eight pools of 3x3 after each other are one of 17x17; the input stays alive to the end."""
    window = {"kernel": [3, 3], "pads_begin": [1, 1], "pads_end": [1, 1]}
    graph, single = _core.Graph(), _core.Graph()
    x = value = graph.input("x", "float32", [1, 8, 32, 32])
    for _ in range(8):
        (value,) = graph.add("max_pool", [value], window)
    graph.output(graph.add("sub", [value, x])[0], "y")
    network, data = _core.Network(graph), array(1, 8, 32, 32)
    summary = network.plan_summary({"x": data})
    assert summary["unshared_bytes"] >= 8 * data.nbytes
    assert summary["arena_bytes"] <= 3 * data.nbytes
    y = single.input("x", "float32", [1, 8, 32, 32])
    single.output(single.add("max_pool", [y], {"kernel": [17, 17], "pads_begin": [8, 8], "pads_end": [8, 8]})[0], "y")
    (largest,) = _core.Network(single).run({"x": data})
    for _ in range(2):  # no run sees what the one before left
        np.testing.assert_array_equal(network.run({"x": data})[0], largest - data)


# ---- many threads


def test_threads_with_other_shapes_get_what_serial_runs_get():
    inputs = [array(1 + i % 3, 16, 8 + 2 * i, 20 - i) for i in range(8)]
    expected = [alone(x) for x in inputs]
    network, start = conv_network(MOST_PLANS), Barrier(8)  # plans come and go meanwhile

    def work(i: int) -> list[bool]:
        start.wait()
        return [np.array_equal(run(network, inputs[k % 8]), expected[k % 8]) for k in range(i, i + 40)]

    with ThreadPoolExecutor(8) as pool:
        assert all(all(same) for same in pool.map(work, range(8)))
    assert network.plan_count <= MOST_PLANS


# ---- errors, nothing, and what is told


def test_errors_leave_the_network_usable():
    network, x = conv_network(), array(1, 16, 6, 6)
    expected = run(network, x)
    calls = [
        ({"x": array(1, 15, 6, 6)}, ValueError, r"^input 'x': shape must be \[\?, 16, \?, \?\], got \[1, 15, 6, 6\]$"),
        ({"x": array(16, 6, 6)}, ValueError, r"^input 'x': shape must be"),
        ({"x": x.astype(np.float64)}, TypeError, r"^input 'x': dtype must be float32, got float64$"),
        ({"x": array(1, 16, 1, 1)}, ValueError, r"^max_pool 'max_pool_3': the kernel must fit the padded input"),
        ({}, ValueError, r"^network: input 'x' is required, got none$"),
        ({"x": x, "z": x}, ValueError, r"^network: inputs must be the network's, got 'z'$"),
    ]
    for feed, error, message in calls:
        for _ in range(2):
            with pytest.raises(error, match=message):
                network.run(feed)
        np.testing.assert_array_equal(run(network, x), expected)
    assert network.plan_count == 1


def test_a_plan_too_large_for_memory_leaves_the_network_usable():
    graph = _core.Graph()
    x, times = graph.input("x", "float32", [4]), graph.input("times", "int64", [1])
    (y,) = graph.add("relu", [graph.add("tile", [x, times])[0]])
    graph.output(graph.add("reduce_sum", [y])[0], "y")
    network = _core.Network(graph)
    for _ in range(2):
        with pytest.raises(MemoryError):
            network.run({"x": np.ones(4, np.float32), "times": np.array([2**42])})
        assert network.run({"x": np.ones(4, np.float32), "times": np.array([3])})[0] == 12


def test_a_batch_of_none():
    network = conv_network()
    for x in (array(0, 16, 6, 6), array(2, 16, 6, 6), array(0, 16, 6, 6)):
        assert run(network, x).shape == (len(x), 8, 3, 3)
    assert run(network, array(2, 16, 6, 6)).tobytes() == alone(array(2, 16, 6, 6)).tobytes()


PROGRAM = """
import numpy as np
from fastconv import _core
graph = _core.Graph()
graph.output(graph.add("relu", [graph.input("x", "float32", [-1, 3])])[0], "y")
network = _core.Network(graph)
for rows in (2, 4, 2):
    network.run({"x": np.ones((rows, 3), np.float32)})
"""


def verbose_lines(program, value):
    """What a program prints to stderr, line by line, with FASTCONV_VERBOSE set to a value."""
    environment = {name: text for name, text in os.environ.items() if name != "FASTCONV_VERBOSE"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({} if value is None else {"FASTCONV_VERBOSE": value})
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_verbose():
    """A line for each plan, and one for each run, which says whose."""
    lines = verbose_lines(PROGRAM, "1")
    plan = r"fastconv: plan {} for \[{}, 3\]: 1 steps, arena \d+ bytes, constants 0 bytes"
    run = r"fastconv: run of plan {}: \d+\.\d{{3}} ms"
    wanted = [plan.format(1, 2), run.format(1), plan.format(2, 4), run.format(2), run.format(1)]
    assert len(lines) == len(wanted)
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(wanted, lines)), lines


@pytest.mark.parametrize("value", ["0", "", None])
def test_not_verbose(value):
    assert verbose_lines(PROGRAM, value) == []


def test_verbose_convolutions():
    call = "fc.conv2d(np.ones((2, 8, 6, 5), 'f'), np.ones((4, 8, 3, 3), 'f'), algorithm='direct')"
    plan, run = verbose_lines(f"import numpy as np, fastconv as fc; {call}", "1")
    assert re.fullmatch(r"fastconv: plan for conv2d 2x8x6x5:4:3x3: direct gemm_\w+, workspace \d+ bytes", plan), plan
    assert re.fullmatch(r"fastconv: run of conv2d 2x8x6x5:4:3x3: \d+\.\d{3} ms", run), run
