"""load_state_dict reads safetensors files, whole ones only."""

import json
import struct

import numpy as np
import pytest

import fastconv as fc

TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def written(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entries(arrays, dtype):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    return header, data


@pytest.fixture
def state():
    random = np.random.default_rng(0)
    return {"weight": random.integers(-8, 8, (4, 3, 3, 3)).astype("f"), "bias": random.integers(-8, 8, 4).astype("f")}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_types(tmp_path, state, dtype, as_path):
    header, data = entries({name: array.astype(TYPES[dtype]) for name, array in state.items()}, dtype)
    layer = fc.nn.Conv2d(3, 4, 3)
    layer.load_state_dict(as_path(written(tmp_path / "layer.safetensors", header, data)))
    for name, array in state.items():
        np.testing.assert_array_equal(layer.state_dict()[name], array)
        assert layer.state_dict()[name].dtype == np.float32


def test_bfloat16(tmp_path, state):
    halves = {name: (array.view(np.uint32) >> 16).astype(np.uint16) for name, array in state.items()}
    layer = fc.nn.Conv2d(3, 4, 3)
    layer.load_state_dict(written(tmp_path / "layer.safetensors", *entries(halves, "BF16")))
    np.testing.assert_array_equal(layer.weight, state["weight"])


def test_counters(tmp_path):
    norm = fc.nn.BatchNorm2d(3)
    norm.load_state_dict({**norm.state_dict(), "running_mean": np.arange(3.0)})
    header, data = {}, b""
    for name, array in norm.state_dict().items():
        kind = "I64" if array.dtype == np.int64 else "F32"
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    other = fc.nn.BatchNorm2d(3)
    other.load_state_dict(written(tmp_path / "norm.safetensors", header, data))
    np.testing.assert_array_equal(other.running_mean, [0, 1, 2])


def test_damaged_files(tmp_path, state):
    header, data = entries(state, "F32")
    good = written(tmp_path / "good.safetensors", header, data).read_bytes()
    bad = [b"", good[:5], good[:40], good[:-1], b"\xff" * 8 + good[8:], good.replace(b"F32", b"F33")]
    bad += [good.replace(b"data_offsets", b"data_offsetz"), good.replace(b'"shape": [4]', b'"shape": [5]')]
    bad += [good.replace(b'"shape": [4]', b'"shape": "4"'), struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 1) + b"{"]
    path = tmp_path / "bad.safetensors"
    for content in bad:
        path.write_bytes(content)
        layer = fc.nn.Conv2d(3, 4, 3)
        with pytest.raises(ValueError, match=r"load_state_dict: .*bad.safetensors' is not a safetensors file"):
            layer.load_state_dict(path)


def test_names_are_checked(tmp_path, state):
    header, data = entries({"weight": state["weight"]}, "F32")
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: 'bias'"):
        fc.nn.Conv2d(3, 4, 3).load_state_dict(written(tmp_path / "part.safetensors", header, data))
