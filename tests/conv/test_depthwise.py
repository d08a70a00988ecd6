"""The depthwise algorithm, for one channel a group and for few, on every instruction set.

It must equal the specification bit for bit. The shapes are those at which its kernels break: register tiles and vectors
that are not full, rows narrower than the kernel, taps beside the row on one side or both, strips of long rows, many
channels.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core, reference
from tests.conv.case import ConvCase

TILE = 14  # outputs of the largest register tile
CASES = 150  # random ones per instruction set and multiplier


def depthwise(channels, spatial, kernel, stride=1, padding=None, dilation=1, multiplier=1, group=1, **more):
    """The case of these numbers; a kernel, stride or dilation for all axes may be an int, padding None is "same"."""
    ndim = len(spatial)
    kernel, stride, dilation = ((a,) * ndim if isinstance(a, int) else a for a in (kernel, stride, dilation))
    if padding is None:
        padding = tuple(reference.same_padding(r, d) for r, d in zip(kernel, dilation))
    case = ConvCase(
        ndim=ndim,
        transposed=False,
        n=1,
        c=channels,
        k=channels * multiplier,
        groups=channels // group,
        spatial=spatial,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        output_padding=(0,) * ndim,
        bias=True,
        layout="NHWC",
        memory="contiguous",
        weight_step=1,
        seed=channels,
    )
    return replace(case, **more)


def run(case, x, weight, bias):
    expected = case.expected(x, weight, bias)
    out = np.full(expected.shape, np.nan, np.float32)
    getattr(fc, case.function)(x, weight, bias, **case.arguments, algorithm="depthwise", out=out)
    return out, expected


def round_up(count, multiple):
    return -(-count // multiple) * multiple


def check(case):
    out, expected = run(case, *case.operands())
    np.testing.assert_array_equal(out, expected, err_msg=repr(case))


def runs_of(isa):
    return sum(k["runs"] for k in _core.kernels() if k["name"].startswith("depthwise_") and k["isa"] == isa)


@pytest.mark.parametrize("kernel", range(1, 8))
@pytest.mark.parametrize("stride", (1, 2, 3))
def test_kernels_and_strides(isa, kernel, stride):
    before = runs_of(isa)
    for width in (*range(1, 2 * TILE + 3), 5 * TILE):
        for channels in (1, 16, 37):
            check(depthwise(channels, (kernel + 1, width), kernel, stride))
    assert runs_of(isa) > before


@pytest.mark.parametrize("kernel", (8, 9, 10, 11, 31))
@pytest.mark.parametrize("stride", (1, 2))
def test_many_taps(isa, kernel, stride):
    """Whole fours of taps, and each number of taps left."""
    for width in (1, kernel - 1, TILE, 2 * TILE + 1, 5 * TILE):
        for channels in (16, 37):
            check(depthwise(channels, (width,), kernel, stride))
            check(depthwise(channels, (2, width + kernel), (2, kernel), stride, padding=((1, 0), (0, 2))))


@pytest.mark.parametrize("group", (2, 4, 8))
@pytest.mark.parametrize("kernel", (1, 2, 3, 5))
def test_groups(isa, kernel, group):
    before = runs_of(isa)
    for groups in (1, 2, 3, 5, 16):
        for width in (1, 2, 3, TILE // 2, TILE - 1, TILE, TILE + 1, 5 * TILE):
            for stride in (1, 2, 3):
                check(depthwise(groups * group, (kernel + 1, width), kernel, stride, group=group))
            check(depthwise(groups * group, (3, width), kernel, 2, group=group, transposed=True))
    assert runs_of(isa) > before


@pytest.mark.parametrize("dilation", (2, 3, 7))
def test_dilations(isa, dilation):
    for kernel in (2, 3, 5):
        for width in (1, 2, dilation + 1, 3 * TILE):
            check(depthwise(20, (9, width), kernel, stride=(1, 2), dilation=(1, dilation)))
            check(depthwise(20, (9, width), kernel, dilation=dilation))


@pytest.mark.parametrize("pads", [(0, 2), (2, 0), (1, 4), (6, 9), (40, 0), (0, 40)])
@pytest.mark.parametrize("stride", (1, 2))
def test_paddings(isa, pads, stride):
    for kernel in (1, 3, 5):
        for width in (kernel, TILE, 20):
            check(depthwise(18, (6, width), kernel, stride, padding=((0, 3), pads), memory="readonly"))


def test_long_rows_are_cut_into_strips(isa):
    for kernel in (3, 5, 9):
        for width in (56, 57, 112, 113, 300):
            check(depthwise(33, (width,), kernel))
            check(depthwise(5, (2, width), kernel, stride=2))
            check(depthwise(5, (width // 2,), kernel, stride=2, transposed=True))


def test_many_channels_are_cut_into_blocks(isa):
    for channels in (207, 960, 1153):
        for kernel in (3, 5):
            check(depthwise(channels, (7, 7), kernel))
    for group in (2, 4, 8):
        check(depthwise(1000, (7, 7), 3, group=group))


@pytest.mark.parametrize(("multiplier", "group"), [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 4), (1, 8)])
def test_random(isa, multiplier, group):
    rng = Random(multiplier * group)

    def axes(ndim, *values):
        return tuple(rng.choice(values) for _ in range(ndim))

    for _ in range(CASES):
        ndim = rng.randint(1, 3)
        kernel, dilation = axes(ndim, 1, 2, 3, 3, 4, 5, 6, 7), axes(ndim, 1, 1, 2, 3)
        reach = [(r - 1) * d for r, d in zip(kernel, dilation)]
        pads = tuple((rng.randint(0, e + 1), rng.randint(e // 2, e + 2)) for e in reach)
        case = depthwise(
            round_up(rng.choice((1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 50)), group),
            tuple(rng.randint(max(1, e + 1 - sum(p)), e + 20 // ndim) for e, p in zip(reach, pads)),
            kernel,
            axes(ndim, 1, 1, 2, 3),
            pads,
            dilation,
            multiplier,
            group,
            transposed=rng.random() < 0.25,
            n=rng.choice((None, 1, 2)),
            bias=rng.random() < 0.5,
            layout=rng.choice(("NCHW", "NHWC")),
            memory=rng.choice(("contiguous", "strided", "permuted", "unaligned")),
            seed=rng.getrandbits(31),
        )
        if min(case.output_size) >= 1:
            check(case)


@pytest.mark.parametrize("group", (1, 4))
def test_channels_of_a_wider_array(isa, group):
    """Slices of NHWC arrays have pixels that are further apart than their channels: no copy, and no touching others."""
    case = depthwise(20, (9, 15), 3, group=group)
    x, weight, bias = case.operands()
    wide_x, wide_out = np.full((1, 9, 15, 50), np.nan, np.float32), np.full((1, 9, 15, 30), np.nan, np.float32)
    wide_x[..., 7:27] = x
    fc.conv2d(wide_x[..., 7:27], weight, bias, **case.arguments, algorithm="depthwise", out=wide_out[..., 3:23])
    np.testing.assert_array_equal(wide_out[..., 3:23], case.expected(x, weight, bias))
    assert np.isnan(wide_out[..., :3]).all() and np.isnan(wide_out[..., 23:]).all()


@pytest.mark.parametrize(("multiplier", "group"), [(1, 1), (2, 1), (1, 2), (1, 4), (1, 8)])
@pytest.mark.parametrize("kernel", (3, 5))
def test_threads_and_batch_change_no_bit(isa, multiplier, group, kernel):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 40, 61, 72), np.float32)
    weight = rng.standard_normal((72 * multiplier, group, kernel, kernel), np.float32)
    arguments = {"padding": kernel // 2, "groups": 72 // group, "layout": "NHWC", "algorithm": "depthwise"}
    before, results = fc.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            fc.set_num_threads(threads)
            results.append(fc.conv2d(x, weight, **arguments))
    finally:
        fc.set_num_threads(before)
    results.append(np.concatenate([fc.conv2d(x[i : i + 1], weight, **arguments) for i in range(3)]))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("stride", (1, 2))
def test_maps_beyond_the_caches_equal_their_slices(isa, stride):
    """They are read in another order, and ahead."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((1, 256, 260, 80), np.float32), rng.standard_normal((80, 1, 3, 3), np.float32)
    arguments = {"stride": stride, "padding": 1, "layout": "NHWC", "algorithm": "depthwise"}
    whole = fc.conv2d(x, weight, groups=80, **arguments)
    for c in range(0, 80, 16):
        part = fc.conv2d(np.ascontiguousarray(x[..., c : c + 16]), weight[c : c + 16], groups=16, **arguments)
        np.testing.assert_array_equal(whole[..., c : c + 16], part)


@pytest.mark.parametrize("channels", (1, 2, 4, 8))
def test_pointwise_pixels_abreast(isa, channels):
    """Pixels beside each other fill a vector: any number of them, also the few behind the last whole vector."""
    for pixels in (*range(1, 2 * 16 + 2), 5 * TILE * 16 + 3):
        case = depthwise(channels, (pixels,), 1, group=channels)
        for more in ({}, {"n": 3, "bias": False, "layout": "NCHW"}, {"transposed": True, "memory": "unaligned"}):
            check(replace(case, **more))
    check(depthwise(channels, (3, 5, 7), 1, group=channels))
    check(depthwise(channels, (9, 5), 1, group=channels, stride=2, padding=((1, 0), (0, 1))))


@pytest.mark.parametrize("channels", (2, 4, 8))
def test_pixels_abreast_meet_only_their_own_inputs(isa, channels):
    x = np.ones((1, 37, channels), np.float32)
    x[0, 20, 1] = np.inf
    y = fc.conv1d(x, np.ones((channels, channels, 1), np.float32), layout="NHWC", algorithm="depthwise")
    assert np.isposinf(y[0, 20]).all()
    assert np.isposinf(y).sum() == channels and not np.isnan(y).any()


def test_pixels_of_a_wider_array_are_not_taken_abreast(isa):
    case = depthwise(4, (9, 15), 1, group=4)
    x, weight, bias = case.operands()
    wide_x, wide_out = np.full((1, 9, 15, 7), np.nan, np.float32), np.full((1, 9, 15, 6), np.nan, np.float32)
    wide_x[..., 2:6] = x
    for given, out in ((wide_x[..., 2:6], wide_out[..., 1:5]), (x, wide_out[..., 1:5]), (wide_x[..., 2:6], x.copy())):
        fc.conv2d(given, weight, bias, **case.arguments, algorithm="depthwise", out=out)
        np.testing.assert_array_equal(out, case.expected(x, weight, bias))
    assert np.isnan(wide_out[..., :1]).all() and np.isnan(wide_out[..., 5:]).all()


def test_infinite_inputs_stay_in_their_group(isa):
    x = np.ones((1, 5, 16), np.float32)
    x[0, 2, 5] = np.inf
    weight = np.ones((16, 4, 3), np.float32)
    y = fc.conv1d(x, weight, padding=1, groups=4, layout="NHWC", algorithm="depthwise")
    assert np.isposinf(y[0, 1:4, 4:8]).all()
    assert np.isposinf(y).sum() == 12 and not np.isnan(y).any()


def test_padding_does_not_meet_infinite_weights(isa):
    """Taps in the padding are dropped, not multiplied by zero."""
    weight = np.full((16, 1, 3), np.inf, np.float32)
    y = fc.conv1d(np.ones((1, 5, 16), np.float32), weight, padding=1, groups=16, layout="NHWC", algorithm="depthwise")
    assert np.isposinf(y).all()


def test_auto_takes_it_for_depthwise_problems(isa):
    before = runs_of(isa)
    fc.conv2d(np.ones((1, 8, 5, 5), np.float32), np.ones((16, 1, 3, 3), np.float32), groups=8)
    assert runs_of(isa) == before + 1


@pytest.mark.parametrize("group", (2, 4, 8))
def test_auto_takes_it_for_few_channels_a_group(isa, group):
    before = runs_of(isa)
    fc.conv2d(np.ones((1, 32, 5, 5), np.float32), np.ones((32, group, 3, 3), np.float32), groups=32 // group)
    assert runs_of(isa) == before + 1


@pytest.mark.parametrize("channels", (1, 2, 4, 8))
def test_auto_takes_it_for_pointwise_layers_of_few_channels(isa, channels):
    before = runs_of(isa)
    fc.conv2d(np.ones((1, channels, 5, 5), np.float32), np.ones((channels, channels, 1, 1), np.float32))
    assert runs_of(isa) == before + 1


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 3), (16, 16), (2, 4), (4, 2)])
def test_refuses_other_groups_with_a_reason(inputs, outputs):
    x, weight = np.ones((1, 2 * inputs, 5, 5), np.float32), np.ones((2 * outputs, inputs, 3, 3), np.float32)
    message = f"conv2d: algorithm depthwise needs groups of .*, got groups of {inputs} and {outputs}"
    with pytest.raises(ValueError, match=message):
        fc.conv2d(x, weight, groups=2, algorithm="depthwise")
