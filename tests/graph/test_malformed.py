"""Malformed nodes are refused or run; none reads out of bounds, divides by zero or takes the machine's memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastconv import _core
from tests.ops.network import run_op

X = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)


def test_hostile_arguments():
    # A process of its own: a node that is not refused in time would end this one. See hostile.py.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.graph.hostile", "--count=60"],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
    )
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0, f"{done.returncode} after {last}\n{done.stderr}"
    outcomes = json.loads(last)
    assert outcomes.keys() == _core.operators().keys()
    assert not [op for op, seen in outcomes.items() if not (seen.get("ran") and seen.get("ValueError"))]


def ints(*values):
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("conv", [X, X], {"strides": [2**62, 1]}, "conv 'conv_0': stride must be <= 281474976710656"),
        ("conv", [X, X], {"dilations": [2**62, 2**62]}, "conv 'conv_0': dilation must be <= 281474976710656"),
        ("conv", [X, X], {"pads_begin": [2**62, 1]}, "conv 'conv_0': padding must be <= 281474976710656"),
        ("conv", [X, X], {"pads_begin": [1]}, "conv 'conv_0': pads_begin must have 2 values, got 1"),
        ("conv", [np.ones((), np.float32), X], {}, "conv 'conv_0': input must have rank 3 to 5, got []"),
        ("max_pool", [X], {"kernel": [-1, 2]}, "max_pool 'max_pool_0': kernel must be >= 1, got -1"),
        (
            "max_pool",
            [X],
            {"kernel": [2, 2], "strides": [2**63 - 1, 1], "auto_pad": "same_upper"},
            "strides must be <= 2",
        ),
        ("topk", [X, np.full(1, np.nan, np.float32)], {}, "input 1 must be int64 or int32, got float32"),
        ("cumsum", [X, np.full(1, np.inf, np.float32)], {}, "input 1 must be int64 or int32, got float32"),
        ("cumsum", [X, ints(0, 1)], {}, "input 1 must have one element, got 2"),
        ("resize", [X, None, None, ints(2**59, 1, 1, 1)], {"keep_aspect": "not_smaller"}, "sizes must keep the others"),
        (
            "resize",
            [X, np.full(8, np.nan, np.float32), None, ints(1, 2, 7, 3)],
            {"coordinate_mode": "tf_crop_and_resize"},
            "roi must be finite, got nan",
        ),
        ("softmax", [np.ones((), np.float32)], {}, "softmax 'softmax_0': axis must be in [0, -1] for rank 0"),
        ("reshape", [X, ints(2**62, 4)], {}, "size: 4611686018427387904 * 4 must fit in 63 bits"),
        ("expand", [X, ints(2**44, 1, 1, 1, 1)], {}, "outputs must have at most 2^47 bytes, got float32"),
        ("tile", [X, ints(1, 1, 1, -(2**62))], {}, "repeats must be >= 0, got -4611686018427387904"),
        ("pad", [X, ints(0, 0, 0, 2**40, 0, 0, 0, 0)], {"mode": "wrap"}, "must repeat the input at most 2^20 times"),
        ("constant_of_shape", [ints(-1)], {}, "output extents must be >= 0, got [?]"),
        ("topk", [X, ints(2**62)], {}, "k must be in [0, 4], got 4611686018427387904"),
        ("gather", [X, ints(3)], {"axis": 1}, "indices must be in [-2, 2), got 3"),
        ("transpose", [X], {"perm": [0, 1, 2, 2]}, "perm must name each axis once, got 2 twice"),
        ("cast", [X], {"to": "float16"}, "cast 'cast_0': dtype: must be one of float32, float64"),
    ],
)
def test_the_message_says_which_rule(op, inputs, attributes, message):
    outputs = _core.operators()[op]["outputs"][0]
    with pytest.raises(ValueError) as raised:
        run_op(op, inputs, attributes, outputs=outputs, constants=range(1, 9))
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"{op} '{op}_0': ")


def test_a_known_result_may_be_empty():
    # Constants are folded when the network is made, by the operator's own step: not by one that divides by channels.
    graph = _core.Graph()
    empty = graph.constant(np.zeros((2, 0, 3), np.float32))
    none = graph.constant(np.zeros(0, np.float32))
    graph.output(graph.add("instance_norm", [empty, none, none])[0], "y")
    (y,) = _core.Network(graph).run({})
    assert y.shape == (2, 0, 3)


def test_a_computed_fill_value_is_refused_not_read():
    # The planner sees it in another format, as a value of its own.
    graph = _core.Graph()
    x = graph.input("x", "float32", [1, 1, 1, 1])
    (fill,) = graph.add("conv", [x, graph.constant(np.ones((1, 1, 1, 1), np.float32))])
    (y,) = graph.add("pad", [x, graph.constant(ints(0, 0, 1, 1, 0, 0, 1, 1)), fill])
    graph.output(y, "y")
    with pytest.raises(ValueError, match=r"^pad 'pad_1': input 2 must be known while planning, but it is"):
        _core.Network(graph).run({"x": np.ones((1, 1, 1, 1), np.float32)})
