"""The generator itself: what it promises about cases and data, and that nothing it should draw is missing."""

import numpy as np
import pytest

from tests.conv.case import EXACT, MEMORY_FORMS, ConvCase, in_memory
from tests.conv.generator import MAX_MACS, random_case


@pytest.fixture(scope="module")
def cases():
    return [random_case(0, i) for i in range(2000)]


def test_cases_are_reproducible(cases):
    assert cases[:50] == [random_case(0, i) for i in range(50)]
    assert random_case(1, 0) != random_case(0, 0)
    for case in cases:
        assert eval(repr(case), {"ConvCase": ConvCase}) == case
        assert "\n" not in repr(case)


def test_every_property_is_drawn(cases):
    share = {
        "batch 0": lambda c: c.n == 0,
        "un-batched": lambda c: c.n is None,
        "several images": lambda c: c.n is not None and c.n > 1,
        "transposed": lambda c: c.transposed,
        "transposed and grouped": lambda c: c.transposed and c.groups > 1,
        "transposed Winograd's window": lambda c: c.transposed and c.kernel in ((3, 3), (5, 5)) and c.stride == (1, 1),
        "output padding": lambda c: any(c.output_padding),
        "depthwise": lambda c: c.groups == c.c == c.k > 1,
        "depthwise with multiplier": lambda c: c.groups == c.c > 1 and c.k > c.c,
        "grouped": lambda c: 1 < c.groups < c.c,
        "few channels a group": lambda c: c.groups > 1 and c.c == c.k and c.c // c.groups in (2, 4, 8),
        "few channels a group, transposed": lambda c: c.transposed and c.groups > 1 and c.c // c.groups in (2, 4, 8),
        "dilated": lambda c: max(c.dilation) > 1,
        "dilated and strided": lambda c: max(c.dilation) > 1 and max(c.stride) > 1,
        "axes differ in stride": lambda c: len(set(c.stride)) > 1,
        "asymmetric padding": lambda c: any(a != b for a, b in c.pads),
        "padding wider than the kernel": lambda c: any(b > d * (r - 1) for (_, b), r, d in _axes(c)),
        "kernel larger than the image": lambda c: any(d * (r - 1) + 1 > n for (_, _), r, d, n in _axes(c, c.spatial)),
        "image smaller than the stride": lambda c: any(n < s for n, s in zip(c.spatial, c.stride)),
        "same": lambda c: c.padding == "same",
        "valid": lambda c: c.padding == "valid",
        "even kernel": lambda c: any(r % 2 == 0 for r in c.kernel),
        "pointwise": lambda c: max(c.kernel) == 1,
        "3x3 stride 1": lambda c: c.kernel == (3, 3) and c.stride == (1, 1) == c.dilation,
        "3x3 dilated": lambda c: c.kernel == (3, 3) and c.stride == (1, 1) != c.dilation and c.groups == 1,
        "3x3x3 stride 1": lambda c: c.kernel == (3, 3, 3) and c.stride == (1, 1, 1),
        "5x5 stride 1": lambda c: c.kernel == (5, 5) and c.stride == (1, 1) and c.groups == 1,
        "lines of 3": lambda c: c.kernel in ((3,), (1, 3), (3, 1)) and set(c.stride) == {1} and c.groups == 1,
        "many channels": lambda c: c.c > 128 or c.k > 128,
        "channels last": lambda c: c.layout == "NHWC",
        "wide rows": lambda c: c.spatial[-1] > 28,
    }
    share |= {f"{d}-D": (lambda c, d=d: c.ndim == d) for d in (1, 2, 3)}
    share |= {f"memory {form}": (lambda c, form=form: c.memory == form) for form in MEMORY_FORMS}
    rare = [name for name, holds in share.items() if sum(map(holds, cases)) < len(cases) / 100]
    assert not rare, f"fewer than 1 % of the cases: {rare}"
    assert len({c.c for c in cases} & set(range(1, 71))) > 60
    assert max(c.macs for c in cases) <= MAX_MACS


def _axes(case, *more):
    return zip(case.pads, case.kernel, case.dilation, *more)


def test_sums_are_exact_and_outputs_not_mostly_zero(cases):
    filled = []  # share of each case: one large transposed case, most of it bias alone, must not decide
    for case in cases[:500]:
        x, weight, bias = case.operands()
        bound = case.expected(np.abs(x), np.abs(weight), None if bias is None else np.abs(bias))
        growth = 9 * 9 if case.weight_step > 1 else 1
        assert bound.size == 0 or bound.max() * growth <= EXACT * 1.0, case
        if case.weight_step > 1:
            assert not np.any(weight % case.weight_step)
        y = case.expected(x, weight, bias)
        filled += [np.count_nonzero(y) / y.size] if y.size else []
    assert np.mean(filled) > 0.9


def test_expected_has_the_size_of_the_formulas(cases):
    for case in cases[:300]:
        y = case.expected(*case.operands())
        shape = (case.k, *case.output_size) if case.layout == "NCHW" else (*case.output_size, case.k)
        assert y.shape == (shape if case.n is None else (case.n, *shape))


@pytest.mark.parametrize("form", MEMORY_FORMS)
def test_memory_forms(form):
    a = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    b = in_memory(a, form)
    np.testing.assert_array_equal(a, b)
    assert b.flags.aligned == (form != "unaligned")
    assert b.flags.writeable == (form != "readonly")
    assert b.flags.c_contiguous == (form in ("contiguous", "readonly", "unaligned"))
