"""Every model runs; as ONNX it gives the same elsewhere; compiled, saved and loaded it stays the same."""

import numpy as np
import pytest

import fastconv as fc
from fastconv import models

SIZES = {
    "alexnet": (3, 224, 224),
    "deeplabv3_resnet50": (3, 65, 72),
    "efficientnet_b0": (3, 96, 64),
    "googlenet": (3, 96, 96),
    "lenet5": (1, 32, 32),
    "mobilenet_v2": (3, 64, 96),
    "mobilenet_v3_large": (3, 96, 64),
    "resnet18": (3, 64, 65),
    "resnet50": (3, 64, 64),
    "squeezenet1_1": (3, 64, 65),
    "unet": (3, 32, 48),
    "vgg16": (3, 224, 224),
    "xception": (3, 96, 96),
}
LARGE = {"alexnet", "vgg16"}


def make(name):
    fc.manual_seed(2)
    model = getattr(models, name)()
    rng = np.random.default_rng(1)
    state = {key: np.array(array) for key, array in model.state_dict().items()}
    for key, array in state.items():
        if key.endswith("running_var"):
            array[...] = rng.uniform(0.1, 0.3, array.shape)
        elif key.endswith("running_mean"):
            array[...] = rng.normal(0, 0.1, array.shape)
    model.load_state_dict(state)
    return model, rng.standard_normal((1, *SIZES[name])).astype(np.float32)


def close(got, expected):
    assert got.shape == expected.shape
    assert np.isfinite(got).all()
    assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", sorted(set(SIZES) - LARGE))
def test_onnx_gives_the_same_elsewhere(name):
    pytest.importorskip("onnx", reason="writes ONNX models")
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs the models written as ONNX")
    from fastconv.onnx import to_onnx

    model, x = make(name)
    proto = to_onnx(model, x.shape)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})
    results = model(x)
    results = list(results.values()) if isinstance(results, dict) else [results]
    for got, other in zip(results, expected, strict=True):
        close(got, other)
