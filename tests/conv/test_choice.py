"""The choice among algorithms is a pure function: of the problem without its batch, the machine and the precision."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core
from fastconv.bench import shapes
from fastconv.bench.engines import description

ISAS = ("scalar", "avx2", "avx512", "avx512bf16", "amx")  # also those this machine lacks: the choice asks no processor
MB = 1 << 20
SUITES = list(shapes.unique(shapes.read_csv(shapes.SUITES, batch=1)))


def choice(shape, isa="avx2", l2_bytes=MB, precision="highest"):
    if isinstance(shape, str):
        shape = shapes.parse(shape)
    words = description(SimpleNamespace(shape=shape, precision=precision, algorithm="auto"), "NHWC")
    return _core.choose_algorithm(words, isa, l2_bytes)


def choices(isa, precision="highest", batch=1):
    return [choice(dataclasses.replace(shape, n=batch), isa, 2 * MB, precision) for shape in SUITES]


@pytest.mark.parametrize("isa", ISAS)
def test_the_same_whatever_batch_and_threads(isa, threads):
    threads(1)
    alone = choices(isa)
    assert choices(isa, batch=2) == alone
    assert choices(isa, batch=64) == alone
    threads(2)
    assert choices(isa) == alone


@pytest.mark.parametrize("isa", ISAS)
def test_every_algorithm_is_somebodys_choice(isa):
    more = {"im2col"} if isa != "scalar" else set()  # whose tiles of four rows are filled by any image
    if isa == "amx":
        more |= {"direct_bf16x3", "direct_bf16x6"}
    assert {*choices(isa), *choices(isa, "high")} == more | {
        "depthwise",
        "direct",
        "col2im",
        "winograd2",
        "winograd3",
        "winograd4",
        "winograd6",
    }


def test_the_choice_is_what_runs(any_isa):
    l2_bytes = fc.cpu_info()["l2_bytes"]
    for text in ("1x32x14x14:32:3", "1x64x12x12:64:1", "1x32x12x12:32:3:g32", "1x64x3x3:64:3:s2"):
        shape = shapes.parse(text)
        _, weight, bias = shape.operands()
        words = description(SimpleNamespace(shape=shape, precision="highest", algorithm="auto"), "NHWC")
        assert _core.Conv(words, weight, bias).algorithm == choice(shape, any_isa, l2_bytes)


# Measured on the avx2 machine of kernels/costs.cc. Winograd pays from a few tiles on; rows shorter than a register tile
# are gathered; few output channels have a kernel that fills its vectors with products.
@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1x64x56x56:64:3", "winograd4"),
        ("1x192x17x17:192:1x7", "winograd3"),
        ("1x64x1000:64:31", "winograd3"),
        ("1x512x400:512:5", "winograd2"),
        ("1x256x14x14:256:3", "winograd4"),
        ("1x512x7x7:512:3", "winograd2"),
        ("1x128x768x768:3:3", "direct"),
        ("1x320x96x96:4:3", "direct"),
        ("1x3x224x224:64:7:s2", "direct"),
        ("1x256x14x14:1024:1", "direct"),
        ("1x16x7x1x1:16:5x1x1:d5x1x1:p9x0x0-20x0x0", "direct"),
        ("1x144x28x28:144:3:g144", "depthwise"),
        ("1x256x28x28:256:3:g4", "winograd4"),
        ("1x256x28x28:256:3:g32", "depthwise"),
        ("1x256x14x14:128:3:t", "winograd4"),
        ("1x256x14x14:128:3:s2:o1:t", "direct"),
        ("1x256x3x3:832:3:d2:p0:t", "col2im"),
    ],
)
def test_known_choices(text, taken):
    assert choice(text) == taken


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1x64x56x56:64:3", "winograd6"),
        ("1x128x56x56:128:3:s2", "direct_bf16"),
        ("1x256x14x14:1024:1", "direct_bf16"),
        ("1x3x224x224:64:7:s2", "direct_bf16"),
        ("1x144x28x28:144:3:g144", "depthwise"),
        ("1x16x28x28:24:4:s2:t", "direct_bf16"),
    ],
)
def test_known_choices_in_bfloat16(text, taken):
    assert choice(text, "avx512bf16", precision="medium") == taken


@pytest.mark.parametrize("text", ["1x64x56x56:64:3", "1x256x14x14:256:3", "1x512x7x7:512:3", "1x256x14x14:1024:1"])
def test_tiles_are_faster_than_winograd(text):
    assert choice(text, "amx", precision="medium") == "direct_bf16"


@pytest.mark.parametrize("isa", ISAS)
def test_bfloat16_only_where_it_is_admitted_and_fast(isa):
    assert "direct_bf16" not in choices(isa, "high")
    assert ("direct_bf16" in choices(isa, "medium")) == (isa in ("avx512bf16", "amx"))


# Algorithms on bfloat16 that can be the fastest. AVX512-BF16 multiplies twice as fast as float32: too slow for three or
# six products.
FAST_SPLITS = {"avx512bf16": {"direct_bf16"}, "amx": {"direct_bf16", "direct_bf16x3", "direct_bf16x6"}}


def test_only_what_can_be_the_fastest_is_measured(any_isa):
    words = description(
        SimpleNamespace(shape=shapes.parse("1x64x9x9:64:3"), precision="medium", algorithm="auto"), "NHWC"
    )
    names = {name for name in _core.applicable_algorithms(words) if "bf16" in name}
    assert names == FAST_SPLITS.get(any_isa, set())
    chosen = {name for precision in ("highest", "high", "medium") for name in choices(any_isa, precision)}
    assert {name for name in chosen if "bf16" in name} == names


@pytest.mark.parametrize("isa", ISAS)
def test_a_transposed_convolution_of_stride_1_is_chosen_for_as_the_forward_one(isa):
    twins = {"1x64x28x28:64:3:t": "1x64x28x28:64:3", "1x256x14x14:24:3:d2:p0:t": "1x256x14x14:24:3:d2:p4"}
    for transposed, forward in twins.items():
        assert choice(transposed, isa) == choice(forward, isa)


def test_caches_are_an_argument():
    # F(4,3) quadruples the weights of this layer: it pays where they stay in the cache.
    taken = {l2_bytes: choice("1x64x8x8:64:3", l2_bytes=l2_bytes) for l2_bytes in (MB // 4, 64 * MB)}
    assert taken == {MB // 4: "winograd2", 64 * MB: "winograd4"}


@pytest.mark.parametrize("precision", ("highest", "medium"))
@pytest.mark.parametrize(
    "text", ["3x32x14x14:32:3", "3x64x12x12:64:1", "3x32x12x12:32:3:g32", "3x64x3x3:64:3:s2", "3x16x20x20:24:5"]
)
def test_results_are_the_same_bits_whatever_batch_and_threads(any_isa, text, precision, threads):
    shape = shapes.parse(text)
    x, weight, bias = shape.operands()

    def run(images):
        with fc.precision(precision):
            return fc.conv2d(images, weight, bias, shape.stride, shape.pad_begin, shape.dilation, shape.groups)

    threads(1)
    together = run(x)
    threads(2)
    assert np.array_equal(run(x), together)
    assert np.array_equal(np.concatenate([run(x[i : i + 1]) for i in range(len(x))]), together)
