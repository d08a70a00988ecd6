"""`compile(tune=True)` and ``fastconv tune`` measure each convolution once, and later networks take what was fastest.

Times are made up here, so that the outcome is known.
"""

import pickle
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core, _wisdom, nn, tuning
from fastconv.bench import shapes
from fastconv.bench.engines import description
from fastconv.cli import main
from fastconv.onnx import to_onnx

SHAPE = (1, 16, 12, 12)
KEY = "16x12x12:16:3x3:p1x1"


@pytest.fixture
def model():
    return nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 8, 1)).eval()


@pytest.fixture
def clock(monkeypatch):
    """Times by algorithm, for tests to change, and how often a network was run."""
    ms = {"direct": 1.0, "im2col": 2.0, "col2im": 2.5, "winograd2": 3.0, "winograd4": 4.0, "runs": Counter()}
    real = tuning._times

    def times(steps):
        ms["runs"]["all"] += 1
        return [(key, name, ms[name]) for key, name, _ in real(steps)]

    monkeypatch.setattr(tuning, "_times", times)
    return ms


def algorithms(network, shape=SHAPE):
    steps = network._core.plan_summary({network.inputs[0].name: list(shape)})["steps"]
    return {step["convolution"]: step["algorithm"].split()[0] for step in steps if step["convolution"]}


@pytest.mark.parametrize("fastest", ["direct", "im2col", "col2im", "winograd2", "winograd4"])
def test_the_fastest_is_taken(fastest, model, clock, new_process):
    clock[fastest] = 0.1
    assert algorithms(fc.compile(model, SHAPE, tune=True))[KEY] == fastest
    new_process()
    assert algorithms(fc.compile(model, SHAPE))[KEY] == fastest
    assert algorithms(fc.compile(model, (None, 16, None, None)))[KEY] == fastest
    assert algorithms(fc.compile(model, (1, 16, 13, 12)), (1, 16, 13, 12)).keys().isdisjoint({KEY})


def test_what_is_about_as_fast_is_not_taken(model, clock):
    taken = algorithms(fc.compile(model, SHAPE, tune=False))[KEY]
    other = "im2col" if taken != "im2col" else "direct"
    clock |= {"direct": 9, "im2col": 9, "col2im": 9, "winograd2": 9, "winograd4": 9, taken: 1.0, other: 0.98}
    assert algorithms(fc.compile(model, SHAPE, tune=True))[KEY] == taken


def test_known_ones_are_not_measured_again(model, clock, new_process):
    fc.compile(model, SHAPE, tune=True)
    runs = clock["runs"]["all"]
    assert runs == tuning.ROUNDS * 5
    fc.compile(model, SHAPE, tune=True)
    new_process()
    fc.compile(model, SHAPE, tune=True)
    assert clock["runs"]["all"] == runs


def test_it_can_be_turned_off(model, clock):
    plain = algorithms(fc.compile(model, SHAPE))
    slow = "im2col" if plain[KEY] != "im2col" else "direct"
    clock[slow] = 0.1
    fc.compile(model, SHAPE, tune=True)
    assert algorithms(fc.compile(model, SHAPE))[KEY] == slow
    assert algorithms(fc.compile(model, SHAPE, tune=False)) == plain


def test_sessions_know_and_can_be_told_not_to(model, clock, monkeypatch):
    given = []
    real = _core.Network
    monkeypatch.setattr(_core, "Network", lambda *a, **k: given.append(k.get("algorithms")) or real(*a, **k))
    clock["im2col"] = 0.1
    data = to_onnx(model, SHAPE).SerializeToString()
    fc.compile(data, tune=True)
    given.clear()
    fc.InferenceSession(data)
    assert given == [_wisdom.known("highest")]
    assert given[0][KEY] == "im2col"
    options = fc.SessionOptions()
    options.add_session_config_entry("fastconv.wisdom", "0")
    fc.InferenceSession(data, options)
    assert given[1] == {}
    options.add_session_config_entry("fastconv.wisdom", "maybe")
    with pytest.raises(ValueError, match=r"fastconv\.wisdom"):
        fc.InferenceSession(data, options)


def test_networks_keep_what_they_were_made_with(model, clock):
    clock["im2col"] = 0.1
    network = fc.compile(model, (None, 16, None, None), tune=False)
    tuned = fc.compile(model, SHAPE, tune=True)
    assert algorithms(network)[KEY] != "im2col"
    assert algorithms(pickle.loads(pickle.dumps(network)))[KEY] != "im2col"
    assert algorithms(pickle.loads(pickle.dumps(tuned)))[KEY] == "im2col"


def test_batch_and_threads_have_no_say(model, clock, threads):
    clock["winograd2"] = 0.1
    fc.compile(model, SHAPE, tune=True)
    network = fc.compile(model, (None, 16, 12, 12))
    assert algorithms(network, (5, 16, 12, 12)) == algorithms(network)
    x = np.random.default_rng(0).standard_normal((5, 16, 12, 12)).astype(np.float32)
    threads(1)
    together = network(x)
    threads(2)
    assert np.array_equal(network(x), together)
    assert np.array_equal(np.concatenate([network(x[i : i + 1]) for i in range(5)]), together)


@pytest.mark.parametrize("name", ["winograd6", "depthwise", "reference", "auto", "nonsense", ""])
def test_the_error_budget_and_what_applies_come_first(name, model):
    plain = fc.compile(model, SHAPE, tune=False)
    told = fc.compile(model, SHAPE, tune=False)._graph
    network = fc.network.Network(told, "highest", algorithms={KEY: name})
    assert algorithms(network) == algorithms(plain)


def test_within_a_wider_budget_more_is_measured(model, clock):
    clock["winograd6"] = 0.1
    assert algorithms(fc.compile(model, SHAPE, precision="high", tune=True))[KEY] == "winograd6"
    assert algorithms(fc.compile(model, SHAPE))[KEY] != "winograd6"


def test_free_extents_are_refused(model):
    with pytest.raises(ValueError, match=r"tune: every extent must be given"):
        fc.compile(model, (None, 16, 12, 12), tune=True)


def test_real_times(model):
    measured = tuning.tune(fc.compile(model, SHAPE)._graph, "highest", rounds=2)
    assert measured[KEY].keys() == {"direct", "im2col", "col2im", "winograd2", "winograd4"}
    assert all(ms > 0 for times in measured.values() for ms in times.values())
    x = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    np.testing.assert_allclose(fc.compile(model, SHAPE)(x), fc.compile(model, SHAPE, tune=False)(x), atol=1e-5)


def test_the_command(tmp_path, capsys, model, cache, new_process):
    file = tmp_path / "model.onnx"
    file.write_bytes(to_onnx(model, SHAPE).SerializeToString())
    assert main(["tune", str(file), "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert KEY in printed
    assert "measured 2 convolutions" in printed
    assert str(cache) in printed
    new_process()
    assert main(["tune", str(file), "--rounds", "1"]) == 0
    assert "measured 0 convolutions; the model has none that was not measured before" in capsys.readouterr().out
    assert main(["tune", "lenet5", "--rounds", "1"]) == 0
    assert main(["tune", "no_such_model"]) == 1
    assert main(["tune", str(file), "--rounds", "0"]) == 1


def test_keys_tell_convolutions_apart():
    def key(shape):
        words = description(SimpleNamespace(shape=shape, precision="high", algorithm="auto"), "NHWC")
        return _core.convolution_key(words)

    suites = list(shapes.unique(shapes.read_csv(shapes.SUITES, batch=1)))
    twins = [key(shape) for shape in suites if shape.rank == 1]  # 1-D rows written as 2-D ones are the same problem
    keys = [key(shape) for shape in suites if shape.rank > 1]
    assert len(set(keys)) == len(keys)
    assert len(set(twins)) == len(twins)
    assert [key(shape) for shape in shapes.read_csv(shapes.SUITES, batch=7)[:9]] == [
        key(shape) for shape in shapes.read_csv(shapes.SUITES, batch=1)[:9]
    ]
    assert key(shapes.parse("1x16x12x12:16:3")) == KEY
    for stride in ("s2", "d2"):  # of stride 1 it is computed as a forward one
        assert key(shapes.parse(f"1x8x9:4:3:{stride}:p1-0:o1:g2:t")) == f"8x9:4:3:{stride}:p1-0:o1:g2:t"
