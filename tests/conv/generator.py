"""Random convolutions for the exact tests: case i of seed s is always the same.

Every case is first drawn at large, then bent into one of the kinds that some algorithm is written for. The sizes are
those at which kernels break: 1, tiny, one more or less than a multiple of a register tile, images smaller than the
kernel or the stride, padding wider than the kernel, channels that fill no vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from tests.conv.case import MEMORY_FORMS, ConvCase

MAX_MACS = MAX_OUTPUTS = 4_000_000
TRANSPOSED = 0.25
TILES = (6, 14, 16, 32)  # register tiles' pixels and channels
ODD_CHANNELS = (130, 153, 207)


def random_case(seed: int, index: int) -> ConvCase:
    """Case `index` of the sweep `seed`."""
    rng = Random(f"{seed} {index}")
    while True:
        case = _draw(rng)
        if min(case.output_size) >= 1 and case.macs <= MAX_MACS and case.outputs <= MAX_OUTPUTS:
            return case


def _draw(rng: Random) -> ConvCase:
    ndim = _one_of(rng, {1: 25, 2: 55, 3: 20})
    kernel = _axes(rng, ndim, lambda: _one_of(rng, {1: 25, 2: 15, 3: 35, 4: 10, 5: 10, 7: 5}))
    stride = _axes(rng, ndim, lambda: _one_of(rng, {1: 50, 2: 30, 3: 12, 4: 5, 7: 3}))
    dilation = _axes(rng, ndim, lambda: _one_of(rng, {1: 60, 2: 20, 3: 10, 5: 6, 17: 4}))
    case = ConvCase(
        ndim=ndim,
        transposed=rng.random() < TRANSPOSED,
        n=_one_of(rng, {None: 15, 0: 2, 1: 50, 2: 20, 3: 13}),
        c=_channels(rng),
        k=_channels(rng),
        groups=1,
        spatial=tuple(_size(rng, ndim) for _ in range(ndim)),
        kernel=kernel,
        stride=stride,
        padding="valid",
        dilation=dilation,
        output_padding=(0,) * ndim,
        bias=rng.random() < 0.5,
        layout=rng.choice(["NCHW", "NHWC"]),
        memory=rng.choices(MEMORY_FORMS, [5, 1, 1, 1, 1, 1])[0],
        weight_step=1,
        seed=rng.getrandbits(31),
    )
    kinds = {_general: 30, _winograd: 28, _depthwise: 16, _pointwise: 10, _stem: 8, _grouped: 12, _few_a_group: 10}
    case = _one_of(rng, kinds)(rng, case)
    if case.transposed:
        room = [max(axis) for axis in zip(case.stride, case.dilation)]
        case = replace(case, output_padding=tuple(rng.randrange(r) for r in room))
    return replace(case, padding=_padding(rng, case))


def _general(rng: Random, case: ConvCase) -> ConvCase:
    return case


def _winograd(rng: Random, case: ConvCase) -> ConvCase:
    """Windows of 3x3, 3x1, 1x3 (also 5), any depth, half of them dilated."""
    r = _one_of(rng, {3: 70, 5: 30})
    window = _one_of(rng, {(r, r): 76, (1, r): 12, (r, 1): 12}) if case.ndim > 1 else (r,)
    depth = (_one_of(rng, {1: 25, 2: 10, 3: 65}),) if case.ndim == 3 else ()
    dilation = case.dilation if rng.random() < 0.5 else (1,) * case.ndim
    step = 4 if r == 3 else 1
    ones = (1,) * case.ndim
    return replace(case, kernel=depth + window, stride=ones, dilation=dilation, weight_step=step)


def _depthwise(rng: Random, case: ConvCase) -> ConvCase:
    return replace(case, groups=case.c, k=case.c * _one_of(rng, {1: 70, 2: 15, 3: 10, 5: 5}))


def _pointwise(rng: Random, case: ConvCase) -> ConvCase:
    stride = case.stride if rng.random() < 0.4 else (1,) * case.ndim
    return replace(case, kernel=(1,) * case.ndim, stride=stride)


def _stem(rng: Random, case: ConvCase) -> ConvCase:
    kernel = _axes(rng, case.ndim, lambda: rng.choice([3, 5, 7, 11]))
    return replace(case, c=rng.randint(1, 4), kernel=kernel, dilation=(1,) * case.ndim)


def _grouped(rng: Random, case: ConvCase) -> ConvCase:
    groups = rng.randint(2, 8)
    c, k = (groups * rng.choice([1, 2, 3, 4, 7, 8, 13, 16, 17]) for _ in range(2))
    return replace(case, groups=groups, c=c, k=k)


def _few_a_group(rng: Random, case: ConvCase) -> ConvCase:
    groups, group = rng.choice([2, 3, 5, 8, 9, 17, 32]), rng.choice([2, 4, 8])
    return replace(case, groups=groups, c=groups * group, k=groups * group)


def _one_of(rng: Random, chances: dict) -> Any:
    """A key of `chances`, as likely as its value says."""
    return rng.choices(list(chances), list(chances.values()))[0]


def _axes(rng: Random, ndim: int, draw: Callable[[], int]) -> tuple[int, ...]:
    """Most often the same value on every axis."""
    return (draw(),) * ndim if rng.random() < 0.6 else tuple(draw() for _ in range(ndim))


def _channels(rng: Random) -> int:
    anything, near_vector = rng.randint(1, 70), rng.choice([8, 16, 32, 48, 64]) + rng.randint(-1, 1)
    return rng.choices([anything, near_vector, rng.choice(ODD_CHANNELS)], [66, 30, 4])[0]


def _size(rng: Random, ndim: int) -> int:
    most_tiles = {1: 9, 2: 3, 3: 1}[ndim]
    near_tiles = rng.choice(TILES) * rng.randint(1, most_tiles) + rng.randint(-1, 1)
    return rng.choices([rng.randint(1, 12), near_tiles, 1], [45, 45, 10])[0]


def _padding(rng: Random, case: ConvCase) -> str | tuple[tuple[int, int], ...]:
    """Mostly what networks use; else each end on its own, also wider than the kernel."""
    style = _one_of(rng, {"half": 35, "valid": 10, "zero": 10, "same": 12, "random": 25, "wide": 8})
    if style in ("valid", "same") and (case.transposed or max(case.stride) > 1):
        style = "half"
    reach = [d * (r - 1) for r, d in zip(case.kernel, case.dilation)]
    if style == "zero":
        return tuple((0, 0) for _ in reach)
    if style == "half":
        return tuple((e // 2, e // 2) for e in reach)
    if style == "random":
        return tuple((rng.randint(0, e), rng.randint(0, e)) for e in reach)
    if style == "wide":
        return tuple((rng.randint(0, e + 4), rng.randint(0, e + 8)) for e in reach)
    return style
