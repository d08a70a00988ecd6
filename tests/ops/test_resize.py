"""Resizing against ONNX's reference and torch: all modes, policies and instruction sets; exact where weights are."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from tests.ops.network import integers, run_op, same

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
ONNX_NAMES = {"coordinate_mode": "coordinate_transformation_mode", "keep_aspect": "keep_aspect_ratio_policy"}


def resize(x: np.ndarray, *, scales=None, sizes=None, roi=None, channels_last=False, **attributes: Any) -> np.ndarray:
    inputs = [
        x,
        None if roi is None else np.float32(roi),
        None if scales is None else np.float32(scales),
        None if sizes is None else np.int64(sizes),
    ]
    return run_op("resize", inputs, attributes, constants={1, 2, 3}, channels_last=channels_last)[0]


def reference(x: np.ndarray, *, scales=None, sizes=None, roi=None, **attributes: Any) -> np.ndarray:
    """Run onnx's own Resize (opset 19), in float64."""
    from onnx.reference import ReferenceEvaluator

    arguments = {
        "roi": None if roi is None else np.float32(roi),
        "scales": None if scales is None else np.float32(scales),
        "sizes": None if sizes is None else np.int64(sizes),
    }
    names = ["x", *(name if value is not None else "" for name, value in arguments.items())]
    while not names[-1]:
        names.pop()
    attributes = {ONNX_NAMES.get(name, name): value for name, value in attributes.items()}
    node = onnx.helper.make_node("Resize", names, ["y"], **attributes)
    inputs = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, x.shape)]
    outputs = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, None)]
    constants = [onnx.numpy_helper.from_array(v, name) for name, v in arguments.items() if v is not None]
    graph = onnx.helper.make_graph([node], "resize", inputs, outputs, constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)])
    return ReferenceEvaluator(model).run(None, {"x": x.astype(np.float64)})[0]


def close(got: np.ndarray, expected: np.ndarray, x: np.ndarray) -> None:
    assert got.dtype == np.float32
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=4e-6 * max(1, np.abs(x).max()))


def image(*shape: int) -> np.ndarray:
    return default_rng(0).standard_normal(shape).astype(np.float32)


SIZES = [(1, 1), (2, 9), (3, 5), (6, 7), (7, 14), (13, 21)]


# ---- every mode


@pytest.mark.parametrize("coordinate", COORDINATES)
@pytest.mark.parametrize("nearest", NEAREST)
def test_nearest(isa, coordinate, nearest):
    x = image(2, 17, 6, 7)
    attributes = {"mode": "nearest", "coordinate_mode": coordinate, "nearest_mode": nearest}
    for size, last in itertools.product(SIZES, (False, True)):
        got = resize(x, sizes=(2, 17, *size), channels_last=last, **attributes)
        same(got, reference(x, sizes=(2, 17, *size), **attributes).astype(np.float32))


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("coordinate", COORDINATES)
@pytest.mark.parametrize("antialias", [0, 1])
@pytest.mark.parametrize("exclude_outside", [0, 1])
def test_linear_and_cubic(isa, mode, coordinate, antialias, exclude_outside):
    x = image(2, 17, 6, 7)
    attributes = {
        "mode": mode,
        "coordinate_mode": coordinate,
        "antialias": antialias,
        "exclude_outside": exclude_outside,
    }
    for size in SIZES:
        if coordinate == "pytorch_half_pixel" and 1 in size and (antialias or mode == "cubic"):
            continue  # the specification says coordinate 0 for a size of 1, the reference has -0.5
        close(resize(x, sizes=(2, 17, *size), **attributes), reference(x, sizes=(2, 17, *size), **attributes), x)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("coordinate", COORDINATES)
def test_scales(mode, coordinate):
    x = image(1, 3, 5, 8)
    attributes = {"mode": mode, "coordinate_mode": coordinate}
    for scales in ((1, 1, 0.8, 0.8), (1, 1, 0.6, 0.6), (1, 1, 2, 3), (1, 1, 1.7, 0.3), (1, 2, 1, 1)):
        close(resize(x, scales=scales, **attributes), reference(x, scales=scales, **attributes), x)


@pytest.mark.parametrize("a", [-0.5, -0.75, 0.25])
def test_cubic_coefficient(a):
    x = image(1, 2, 4, 5)
    attributes = {"mode": "cubic", "cubic_coeff_a": a}
    close(resize(x, sizes=(1, 2, 9, 3), **attributes), reference(x, sizes=(1, 2, 9, 3), **attributes), x)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("roi", [(0.4, 0.6, 0.6, 0.8), (-0.3, 0.2, 1.2, 0.9), (0.93, 0.2, 0.1, 1.4)])
def test_crop_and_resize(isa, mode, roi):
    x = image(2, 5, 6, 7)
    attributes = {"mode": mode, "coordinate_mode": "tf_crop_and_resize", "extrapolation_value": 7.5}
    for size in ((3, 5), (9, 8), (1, 4)):
        full = (0, 0, *roi[:2], 1, 1, *roi[2:])
        expected = reference(x, sizes=(2, 5, *size), roi=full, **attributes)
        close(resize(x, sizes=(2, 5, *size), roi=full, **attributes), expected, x)
        close(resize(x, sizes=size, roi=roi, axes=[2, 3], **attributes), expected, x)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_keep_aspect(policy, mode):
    x = image(1, 2, 5, 8)
    for axes, sizes in (([2, 3], [8, 9]), ([3, 2], [5, 11]), ([-2], [9])):
        attributes = {"mode": mode, "keep_aspect": policy}
        got = resize(x, sizes=sizes, axes=axes, **attributes)
        axes = [a % 4 for a in axes]
        close(got, reference(x, sizes=sizes, axes=axes, **attributes), x)


@pytest.mark.parametrize("ndim", [1, 2, 3, 4])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_any_number_of_axes(isa, ndim, mode):
    x = image(1, 3, *(5, 4, 3, 2)[:ndim])
    sizes = (1, 3, *(7, 5, 6, 3)[:ndim])
    for last in (False, True):
        close(resize(x, sizes=sizes, mode=mode, channels_last=last), reference(x, sizes=sizes, mode=mode), x)
    if ndim == 2:  # any axes, of values without channels too
        close(resize(x, sizes=(2, 5, 5, 4), mode=mode), reference(x, sizes=(2, 5, 5, 4), mode=mode), x)
        close(resize(x[0, 0], sizes=(7, 3), mode=mode), reference(x[0, 0], sizes=(7, 3), mode=mode), x)


# ---- exact: weights that are powers of two, on integers; vectors and their tails


@pytest.mark.parametrize("channels", [1, 3, 7, 8, 9, 16, 17, 33, 64, 65, 130])
def test_twice_as_large(isa, channels):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = integers(default_rng(1), (2, channels, 7, 9))
    for last in (False, True):
        attributes = {"mode": "nearest", "coordinate_mode": "asymmetric", "nearest_mode": "floor"}
        same(resize(x, scales=(1, 1, 2, 2), channels_last=last, **attributes), x.repeat(2, 2).repeat(2, 3))
        got = resize(x, scales=(1, 1, 2, 2), channels_last=last, mode="linear")
        same(got, torch.nn.functional.interpolate(torch.from_numpy(x), scale_factor=2, mode="bilinear").numpy())


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_as_torch(mode, align_corners):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = image(2, 5, 9, 6)
    for size in ((17, 13), (5, 4), (1, 6)):
        options = {"size": size, "mode": mode, "align_corners": align_corners}
        expected = torch.nn.functional.interpolate(torch.from_numpy(x), **options).numpy()
        coordinate = "align_corners" if align_corners else "half_pixel"
        close(resize(x, sizes=(2, 5, *size), mode=mode[2:], coordinate_mode=coordinate), expected, x)


def test_bits_are_kept_where_nothing_is_summed():
    x = np.float32([np.nan, -0.0, np.inf, 1e-45]).reshape(1, 1, 4)
    got = resize(x, scales=(1, 1, 2), mode="nearest")
    same(got.view(np.uint32), x.repeat(2, 2).view(np.uint32))
    same(resize(x, sizes=(1, 1, 4), mode="cubic").view(np.uint32), x.view(np.uint32))


def test_threads_change_no_bit(threads):
    x = image(1, 19, 40, 50)
    results = []
    for count in (1, 2):
        threads(count)
        results.append(resize(x, sizes=(1, 19, 71, 33), mode="cubic"))
    same(results[1], results[0])


def test_size_of_a_product_in_float32():
    """0.7f is less than 0.7; ONNX's shape inference and ONNX Runtime make 10 * 0.7f a 7 nevertheless."""
    assert resize(image(1, 1, 10), scales=(1, 1, 0.7)).shape == (1, 1, 7)


def test_empty_values():
    assert resize(image(0, 2, 3), scales=(1, 1, 2)).shape == (0, 2, 6)
    assert resize(image(1, 2, 3), sizes=(1, 2, 0)).shape == (1, 2, 0)


X = np.zeros((1, 2, 4, 4), np.float32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of scales and sizes must be given, got neither"),
        ({"scales": (1, 1, 2, 2), "sizes": (1, 2, 8, 8)}, "one of scales and sizes must be given, got both"),
        ({"scales": (2, 2)}, "scales must have 4 values, got 2"),
        ({"scales": (1, 1, 0, 2)}, "scales must be > 0 and finite, got 0"),
        ({"scales": (1, 1, np.nan, 2)}, "scales must be > 0 and finite, got nan"),
        ({"scales": (1, 1, np.inf, 2)}, "scales must be > 0 and finite, got inf"),
        ({"sizes": (1, 2, -1, 2)}, "sizes must be >= 0, got -1"),
        ({"sizes": (2, 2), "axes": [2, -2]}, "axes must name an axis once, got 2 twice"),
        ({"sizes": (2, 2), "axes": [2, 4]}, "axis must be in .*, got 4"),
        ({"sizes": (1, 2, 8, 8), "mode": "area"}, "mode must be one of nearest, linear, cubic, got area"),
        ({"sizes": (1, 2, 8, 8), "coordinate_mode": "corner"}, "coordinate_mode must be one of .*, got corner"),
        ({"sizes": (1, 2, 8, 8), "nearest_mode": "round"}, "nearest_mode must be one of .*, got round"),
        ({"sizes": (1, 2, 8, 8), "keep_aspect": "never"}, "keep_aspect must be .*, got never"),
        ({"sizes": (1, 2, 8, 8), "antialias": 1}, "antialias must be 0 with mode nearest, got 1"),
        ({"sizes": (1, 2, 8, 8), "coordinate_mode": "tf_crop_and_resize"}, "roi must have 8 values, got 0"),
    ],
)
def test_errors_name_the_rule(options, message):
    with pytest.raises(ValueError, match=message):
        resize(X, **options)


def test_an_image_without_cells_cannot_grow():
    with pytest.raises(ValueError, match="axis 2 must have cells to show, got extent 0"):
        resize(X[:, :, :0], sizes=(1, 2, 8, 8))
