"""A batch gives the bits of its images alone, whatever is taken in turns: compiled, and in sessions of any shape."""

from functools import partial

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core, models
from tests.models.test_running import LARGE, SIZES, make

IMAGES = 8
L2_BYTES = 128 << 10  # small images fill it


@pytest.fixture(autouse=True)
def small_cache(monkeypatch):
    monkeypatch.setattr(_core, "Network", partial(_core.Network, l2_bytes=L2_BYTES))


def results(y) -> list[np.ndarray]:
    return list(y.values()) if isinstance(y, dict) else [y]


def turns(network, shape) -> int:
    return max(step["turns"] for step in network._core.plan_summary({network.inputs[0].name: list(shape)})["steps"])


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_batch_gives_the_bits_of_its_images(name, threads):
    model = getattr(models, name)().eval() if name in LARGE else make(name)[0]
    shape = {"vgg16": (3, 64, 64)}.get(name, SIZES[name])
    x = np.random.default_rng(5).standard_normal((IMAGES, *shape), np.float32)
    threads(1)
    network = fc.compile(model, (None, *shape))
    alone = [results(network(x[i : i + 1])) for i in range(IMAGES)]
    expected = [np.concatenate(parts) for parts in zip(*alone, strict=True)]
    assert turns(network, x.shape) == (1 if name == "lenet5" else IMAGES)
    channels_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for count in (1, 2):
        threads(count)
        for given in (x, channels_last, x):
            for got, want in zip(results(network(given)), expected, strict=True):
                np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_1", "unet"])
def test_sessions_of_any_batch(name, threads):
    pytest.importorskip("onnx", reason="writes ONNX models")
    from fastconv.onnx import to_onnx

    model, _ = make(name)
    threads(1)
    session = fc.InferenceSession(to_onnx(model, (None, 3, None, None)).SerializeToString())
    for n, height in ((1, 64), (IMAGES, 64), (3, 96), (IMAGES, 64)):
        x = np.random.default_rng(n).standard_normal((n, 3, height, 64), np.float32)
        (whole,) = session.run(None, {"x": x})
        alone = [session.run(None, {"x": x[i : i + 1]})[0] for i in range(n)]
        np.testing.assert_array_equal(whole, np.concatenate(alone))
