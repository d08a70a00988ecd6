"""Pooling, as operators of the graph and as functions: exact on integers against the reference, ONNX's and torch's."""

import numpy as np
import pytest
from numpy.random import default_rng

import fastconv as fc
from fastconv import pooling
from tests.conv.guarded import guarded
from tests.ops.network import integers, run_op, same

torch = pytest.importorskip("torch", reason="torch is not installed")
functional = torch.nn.functional
CHANNELS = (1, 3, 4, 7, 8, 13, 16, 17, 31, 32, 63, 64, 65, 130)


def random_window(rng, size: int) -> tuple[int, int, tuple[int, int], int]:
    """Draw a kernel, a stride, pads and a dilation that fit an axis; the kernel may exceed the image."""
    dilation = int(rng.integers(1, 4))
    kernel = int(rng.integers(1, 6))
    pads = tuple(int(p) for p in rng.integers(0, kernel, 2))
    while dilation * (kernel - 1) + 1 > size + sum(pads):
        dilation, kernel, pads = 1, max(1, kernel - 1), (pads[0], pads[1])
    return kernel, int(rng.integers(1, 5)), pads, dilation


def random_pool(rng):
    """Draw an image and a window for each of one to three axes, as the operators' attributes and the reference's."""
    ndim = int(rng.integers(1, 4))
    spatial = rng.integers(1, (40, 14, 7)[ndim - 1], ndim)
    x = integers(rng, (rng.integers(1, 3), rng.choice(CHANNELS), *spatial))
    kernel, stride, pads, dilation = zip(*(random_window(rng, int(n)) for n in spatial))
    attributes = {
        "kernel": kernel,
        "strides": stride,
        "pads_begin": [p[0] for p in pads],
        "pads_end": [p[1] for p in pads],
        "dilations": dilation,
        "ceil_mode": int(rng.integers(2)),
    }
    return ndim, x, attributes, pads


@pytest.mark.parametrize("seed", range(150))
def test_max_pool(isa, seed):
    rng = default_rng(seed)
    ndim, x, attributes, pads = random_pool(rng)
    values, places = fc.reference._pool.max_pool(
        ndim,
        x,
        attributes["kernel"],
        attributes["strides"],
        pads,
        attributes["dilations"],
        bool(attributes["ceil_mode"]),
        True,
    )
    last = bool(rng.integers(2))
    (got,) = run_op("max_pool", [x], attributes, channels_last=last)
    same(got, values.astype(np.float32))
    got, got_places = run_op("max_pool", [x], {**attributes, "indices": "plane"}, outputs=2, channels_last=last)
    same(got, values.astype(np.float32))
    same(got_places, places)


@pytest.mark.parametrize("seed", range(150))
def test_avg_pool(isa, seed):
    rng = default_rng(seed)
    ndim, x, attributes, pads = random_pool(rng)
    attributes["dilations"] = [1] * ndim
    count_include_pad, divisor = bool(rng.integers(2)), int(rng.integers(0, 4))
    expected = fc.reference._pool.avg_pool(
        ndim,
        x,
        attributes["kernel"],
        attributes["strides"],
        pads,
        bool(attributes["ceil_mode"]),
        count_include_pad,
        divisor or None,
    )
    attributes |= {"count_include_pad": int(count_include_pad), "divisor_override": divisor}
    (got,) = run_op("avg_pool", [x], attributes, channels_last=bool(rng.integers(2)))
    same(got, expected.astype(np.float32))


@pytest.mark.parametrize("seed", range(60))
def test_adaptive_pools(isa, seed):
    rng = default_rng(seed)
    ndim = int(rng.integers(1, 4))
    spatial = rng.integers(1, 12, ndim)
    sizes = [int(n) for n in rng.integers(1, 15, ndim)]
    x = integers(rng, (2, rng.choice(CHANNELS), *spatial))
    reference = fc.reference._pool
    (got,) = run_op("adaptive_avg_pool", [x], {"output_size": sizes})
    same(got, reference.adaptive_avg_pool(ndim, x, sizes).astype(np.float32))
    got, places = run_op("adaptive_max_pool", [x], {"output_size": sizes}, outputs=2)
    values, expected = reference.adaptive_max_pool(ndim, x, sizes, True)
    same(got, values.astype(np.float32))
    same(places, expected)


# ---- what only ONNX has: windows by auto_pad, dilated means, indices in the whole tensor


def onnx_pool(op: str, x: np.ndarray, outputs: int = 1, **attributes) -> list[np.ndarray]:
    """Run one ONNX node (opset 22) in the reference implementation."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    from onnx.reference import ReferenceEvaluator

    names = [f"y{i}" for i in range(outputs)]
    node = onnx.helper.make_node(op, ["x"], names, **attributes)
    info = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)]
    results = [onnx.ValueInfoProto(name=name) for name in names]
    graph = onnx.helper.make_graph([node], "pool", info, results)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)])
    return ReferenceEvaluator(model).run(None, {"x": x})


@pytest.mark.parametrize("auto_pad", ["same_upper", "same_lower", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_auto_pad(auto_pad, stride, kernel):
    x = integers(default_rng(1), (1, 3, 5, 8))
    (got,) = run_op("max_pool", [x], {"kernel": [kernel] * 2, "strides": [stride] * 2, "auto_pad": auto_pad})
    pads = [(0, 0), (0, 0)]
    if auto_pad != "valid":
        totals = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:]]
        pads = [(t // 2, t - t // 2) for t in totals]
        if auto_pad == "same_lower":
            pads = [(after, before) for before, after in pads]
        assert got.shape[2:] == tuple(-(-n // stride) for n in x.shape[2:])
    same(got, fc.reference._pool.max_pool(2, x, kernel, stride, pads).astype(np.float32))
    if kernel >= stride and auto_pad == "same_upper":  # elsewhere ONNX's reference cuts the image, or pads as upper
        options = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "auto_pad": auto_pad.upper()}
        same(got, onnx_pool("MaxPool", x, **options)[0])


@pytest.mark.parametrize("count_include_pad", [0, 1])
@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_dilated_mean(count_include_pad, ceil_mode, dilation):
    x = integers(default_rng(2), (2, 5, 9, 11))
    common = {"strides": [2, 3], "dilations": [dilation, dilation], "ceil_mode": ceil_mode}
    common["count_include_pad"] = count_include_pad
    (got,) = run_op("avg_pool", [x], {"kernel": [3, 2], "pads_begin": [1, 0], "pads_end": [2, 1], **common})
    (expected,) = onnx_pool("AveragePool", x, kernel_shape=[3, 2], pads=[1, 0, 2, 1], **common)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("storage_order", [0, 1])
@pytest.mark.parametrize("channels_last", [False, True])
def test_indices_in_the_whole_tensor(storage_order, channels_last):
    x = default_rng(3).permutation(2 * 3 * 5 * 7).reshape(2, 3, 5, 7).astype(np.float32)
    attributes = {"kernel": [2, 3], "strides": [2, 1], "storage_order": storage_order}
    values, places = run_op("max_pool", [x], attributes, outputs=2, channels_last=channels_last)
    flat = x.reshape(2, 3, 35) if storage_order == 0 else x.transpose(0, 1, 3, 2).reshape(2, 3, 35)
    same(flat.reshape(-1)[places], values)


def test_windows_without_a_cell():
    x = np.ones((1, 2, 2), np.float32)
    attributes = {"kernel": [2], "pads_begin": [3], "pads_end": [0]}
    same(run_op("max_pool", [x], attributes)[0], np.float32([[[-np.inf, -np.inf, 1, 1]] * 2]))
    same(run_op("avg_pool", [x], attributes)[0], np.float32([[[0, 0, 1, 1]] * 2]))


# ---- special values, memory


@pytest.mark.parametrize("channels", [1, 8, 17, 64, 70])
def test_nan_wins_and_infinity_counts(isa, channels):
    rng = default_rng(4)
    x = integers(rng, (1, channels, 9, 9))
    x[rng.random(x.shape) < 0.1] = np.nan
    x[rng.random(x.shape) < 0.3] = -np.inf
    expected, places = functional.max_pool2d(torch.from_numpy(x), 3, 2, 1, return_indices=True)
    attributes = {"kernel": [3, 3], "strides": [2, 2], "pads_begin": [1, 1], "pads_end": [1, 1], "indices": "plane"}
    same(run_op("max_pool", [x], attributes)[0], expected.numpy())
    got, got_places = run_op("max_pool", [x], attributes, outputs=2)
    same(got, expected.numpy())
    same(got_places, places.numpy())


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("at_end", [False, True])
def test_reads_no_further_than_the_image(isa, channels, at_end):
    x = integers(default_rng(5), (1, 6, 5, channels))
    memory = guarded(x, at_end=at_end)
    for function in (pooling.max_pool2d, pooling.avg_pool2d):
        same(function(memory, 3, 2, 1, layout="NHWC"), function(x, 3, 2, 1, layout="NHWC"))


# ---- the functions, as torch's


def both(name: str, x: np.ndarray, *arguments, **options):
    """Return what fastconv's function and torch's return for the same arguments."""
    expected = getattr(functional, name)(torch.from_numpy(x), *arguments, **options)
    expected = [e.numpy() for e in expected] if isinstance(expected, tuple) else [expected.numpy()]
    for layout in ("NCHW", "NHWC"):
        last = layout == "NHWC"
        axis = -int(name[-2]) - 1
        got = getattr(pooling, name)(np.moveaxis(x, axis, -1) if last else x, *arguments, layout=layout, **options)
        assert isinstance(got, tuple) == (len(expected) > 1)
        for g, e in zip(got if isinstance(got, tuple) else (got,), expected):
            same(np.moveaxis(g, -1, axis) if last else g, e)


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("batch", [(), (0,), (2,)])
def test_functions_as_torch(ndim, batch):
    x = integers(default_rng(6), (*batch, 5, *(7, 6, 9)[:ndim]))
    both(f"max_pool{ndim}d", x, 3)
    both(f"max_pool{ndim}d", x, 3, 2, 1, 2 if ndim == 1 else 1, True, return_indices=True)
    both(f"max_pool{ndim}d", x, [2] * ndim, None, 1, ceil_mode=True)
    both(f"avg_pool{ndim}d", x, (3,) * ndim, 2, 1, True, False)
    both(f"avg_pool{ndim}d", x, 2)
    both(f"adaptive_max_pool{ndim}d", x, 4, True)
    if ndim > 1:
        both(f"avg_pool{ndim}d", x, 3, 2, 1, divisor_override=5)
    cube = integers(default_rng(7), (*batch, 4, *[8] * ndim))  # torch divides axis by axis: exact for powers of two
    both(f"adaptive_avg_pool{ndim}d", cube, 4)
    if ndim > 1:
        both(f"adaptive_avg_pool{ndim}d", cube, (None, *[1] * (ndim - 1)))


def test_arrays_as_they_come():
    x = integers(default_rng(8), (2, 5, 9, 8))
    expected = pooling.max_pool2d(x, 2)
    strided = np.zeros((2, 10, 9, 16), np.float32)[:, ::2, :, ::-2]
    strided[...] = x
    strided.setflags(write=False)
    same(pooling.max_pool2d(strided, 2), expected)
    result = pooling.max_pool2d(torch.from_numpy(x), 2)
    assert isinstance(result, torch.Tensor)
    same(result.numpy(), expected)


X = np.zeros((1, 2, 5, 5), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pooling.max_pool2d(X, 0), ValueError, "max_pool2d: kernel_size must be >= 1, got 0"),
        (lambda: pooling.max_pool2d(X, 3, 0), ValueError, "max_pool2d: stride must be >= 1, got 0"),
        (lambda: pooling.max_pool2d(X, 3, 1, 2), ValueError, "max_pool2d: padding must be at most half the kernel"),
        (lambda: pooling.avg_pool2d(X, 3, 1, -1), ValueError, "avg_pool2d: padding must be >= 0, got -1"),
        (lambda: pooling.max_pool2d(X, 3, dilation=0), ValueError, "dilation must be >= 1, got 0"),
        (lambda: pooling.max_pool2d(X, (3, 3, 3)), ValueError, "kernel_size must be an int or 2 ints"),
        (lambda: pooling.max_pool2d(X, 3.0), TypeError, "kernel_size must be an int or 2 ints, got 3.0"),
        (lambda: pooling.max_pool2d(X, 7), ValueError, "kernel must fit the padded input, got 7 cells for 5"),
        (lambda: pooling.max_pool2d(X, 2**62), ValueError, "must"),
        (lambda: pooling.max_pool2d(X, 3, dilation=2**62), ValueError, "must"),
        (lambda: pooling.avg_pool2d(X, 3, divisor_override=0), ValueError, "divisor_override must be >= 1, got 0"),
        (lambda: pooling.max_pool2d(X[0, 0], 3), ValueError, "input must have 4 axes, or 3 without a batch"),
        (lambda: pooling.max_pool2d(X.astype(np.float64), 3), TypeError, "input must be float32, got float64"),
        (lambda: pooling.max_pool2d(X, 3, layout="CHWN"), ValueError, "layout must be one of 'NCHW', 'NHWC'"),
        (lambda: pooling.adaptive_avg_pool2d(X, (1, 2, 3)), ValueError, "output_size must be an int or 2 ints"),
        (lambda: pooling.adaptive_avg_pool2d(X, -1), ValueError, "output_size must be >= 0, got -1"),
        (lambda: run_op("max_pool", [X]), ValueError, "kernel must be given"),
        (lambda: run_op("max_pool", [X], {"kernel": [2, 2], "auto_pad": "same"}), ValueError, "auto_pad must be"),
        (lambda: run_op("max_pool", [X], {"kernel": [2, 2], "indices": "row"}), ValueError, "indices must be"),
        (lambda: run_op("max_pool", [X], {"kernel": [2]}), ValueError, "one value for each spatial axis"),
        (lambda: run_op("avg_pool", [X], {"kernel": [2, 2]}, outputs=2), ValueError, "outputs must be 1, got 2"),
        (lambda: run_op("max_pool", [X.astype(np.int64)], {"kernel": [2, 2]}), ValueError, "must be float32"),
    ],
)
def test_errors_name_the_rule(call, error, message):
    with pytest.raises(error, match=message):
        call()
