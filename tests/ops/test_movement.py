"""Operators that move cells, bit for bit against NumPy: every element size, both memory formats, every kernel."""

import numpy as np
import pytest
from numpy.random import default_rng

from fastconv import _core
from tests.ops.network import integers, run_op, same

DTYPES = ("float32", "int64", "int32", "uint8", "bool", "float64")


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def random_shape(rng, rank: int, most: int = 2000) -> list[int]:
    """Draw extents with at most about `most` cells: mostly small ones, some longer than a vector."""
    shape = [int(rng.choice([1, 2, 3, 5, 8])) for _ in range(rank)]
    if rank:
        shape[rng.integers(rank)] = int(rng.choice([1, 7, 16, 17, 33, 70]))
    while np.prod(shape) > most:
        shape[int(np.argmax(shape))] //= 2
    return shape


@pytest.fixture
def rng(seed):
    return default_rng(seed)


# ---- transpose


@pytest.mark.parametrize("seed", range(80))
def test_transpose(isa, rng):
    rank = int(rng.integers(1, 7))
    x = integers(rng, random_shape(rng, rank), rng.choice(DTYPES))
    perm = [int(a) for a in rng.permutation(rank)]
    same(run_op("transpose", [x], {"perm": perm}, channels_last=bool(rng.integers(2)))[0], x.transpose(perm))
    same(run_op("transpose", [x])[0], x.T)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130])
@pytest.mark.parametrize("columns", [1, 3, 8, 15, 16, 17, 48, 63, 130, 5000])
def test_transpose_of_a_matrix(isa, rows, columns):
    x = np.arange(2 * rows * columns, dtype=np.float32).reshape(2, rows, columns)
    same(run_op("transpose", [x], {"perm": [0, 2, 1]})[0], x.transpose(0, 2, 1))


def test_transpose_moves_bits():
    x = np.arange(2**18, dtype=np.uint32).reshape(512, 512) << 14  # NaNs, denormals
    same(run_op("transpose", [x.view(np.float32)])[0].view(np.uint32), x.T)


def copy_runs(name: str) -> int:
    (row,) = (row for row in _core.kernels() if row["name"] == name)
    return row["runs"]


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_size_of_element_moves(dtype, size):
    """Cells that stay together move as one element of as many bytes; every second one is no run and no transpose."""
    cells = size // np.dtype(dtype).itemsize
    if cells == 0:
        return
    x = integers(default_rng(size), (37, 19, cells), dtype)
    kernel = f"copy_x{size}__scalar"
    before = copy_runs(kernel)
    same(run_op("slice", [x, ints(0), ints(19), ints(1), ints(2)], constants={1, 2, 3, 4})[0], x[:, ::2])
    assert copy_runs(kernel) > before


# ---- concat, split, slice


@pytest.mark.parametrize("seed", range(60))
def test_concat_and_split(isa, rng):
    rank, parts = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    axis, dtype, last = int(rng.integers(-rank, rank)), rng.choice(DTYPES), bool(rng.integers(2))
    shapes = [random_shape(rng, rank)] * parts
    shapes = [[*s[:axis], int(rng.integers(0, 9)), *s[axis:][1:]] for s in shapes]
    arrays = [integers(rng, s, dtype) for s in shapes]
    whole = np.concatenate(arrays, axis)
    same(run_op("concat", arrays, {"axis": axis}, channels_last=last)[0], whole)
    if whole.size == 0:
        return
    sizes = ints(*(a.shape[axis] for a in arrays))
    pieces = run_op("split", [whole, sizes], {"axis": axis}, outputs=parts, constants={1}, channels_last=last)
    for piece, array in zip(pieces, arrays):
        same(piece, array)


def test_split_into_equal_parts():
    x = np.arange(14, dtype=np.float32).reshape(7, 2)
    got = run_op("split", [x], outputs=3)
    for g, e in zip(got, (x[:3], x[3:6], x[6:])):
        same(g, e)


@pytest.mark.parametrize("seed", range(120))
def test_slice(isa, rng):
    rank = int(rng.integers(1, 6))
    x = integers(rng, random_shape(rng, rank), rng.choice(DTYPES))
    axes = rng.permutation(rank)[: rng.integers(1, rank + 1)]
    index, starts, ends, steps = [slice(None)] * rank, [], [], []
    for axis in axes:
        n = x.shape[axis]
        start, end = (int(v) for v in rng.integers(-n - 3, n + 4, 2))
        step = int(rng.choice([-7, -2, -1, 1, 2, 3]))
        if rng.random() < 0.2:
            end = 2**63 - 1 if step > 0 else -(2**63)
        index[axis] = slice(max(start, -n), end, step)  # ONNX's clamping, which is not NumPy's for negative steps
        starts.append(start)
        ends.append(end)
        steps.append(step)
    signed = [int(a) - rank if rng.integers(2) else int(a) for a in axes]
    inputs = [x, ints(*starts), ints(*ends), ints(*signed), ints(*steps)]
    (got,) = run_op("slice", inputs, constants={1, 2, 3, 4}, channels_last=bool(rng.integers(2)))
    same(got, x[tuple(index)])


def test_slice_by_huge_steps():
    x = np.arange(10, dtype=np.int64)
    for step in (2**63 - 1, -(2**63)):
        (got,) = run_op(
            "slice", [x, ints(3), ints(10 if step > 0 else -11), ints(0), ints(step)], constants=range(1, 5)
        )
        same(got, x[3:4])


def test_slice_by_limits_that_arrive_with_the_run():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    same(run_op("slice", [x, ints(1), ints(3)])[0], x[1:3])


# ---- pad


@pytest.mark.parametrize("seed", range(120))
def test_pad(isa, rng):
    rank = int(rng.integers(1, 6))
    x = integers(rng, random_shape(rng, rank, 400), rng.choice(DTYPES))
    mode = str(rng.choice(["constant", "reflect", "edge", "wrap"]))
    begin, end = (rng.integers(0, rng.choice([2, 4, 8]), rank) for _ in range(2))
    pads = list(zip(begin, end))
    options = {"constant_values": x.dtype.type(3)} if mode == "constant" else {}
    inputs = [x, np.concatenate([begin, end])] + ([np.array(3).astype(x.dtype)] if options else [])
    (got,) = run_op("pad", inputs, {"mode": mode}, constants={1, 2}, channels_last=bool(rng.integers(2)))
    same(got, np.pad(x, pads, mode, **options))


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_negative_pads_cut_first(mode):
    x = np.arange(2 * 9, dtype=np.float32).reshape(1, 2, 9)
    (got,) = run_op("pad", [x, ints(-2, 3, 4, -1), None, ints(-1, 1)], {"mode": mode}, constants={1, 3})
    same(got, np.pad(x[:, :1, 2:], ((0, 0), (3, 0), (0, 4)), mode))


def test_pads_beyond_the_image():
    x = np.arange(3, dtype=np.float32)
    same(run_op("pad", [x, ints(11, 8)], {"mode": "reflect"}, constants={1})[0], np.pad(x, (11, 8), "reflect"))
    same(run_op("pad", [x, ints(-4, 6)], constants={1})[0], np.zeros(5, np.float32))
    same(run_op("pad", [x[:0], ints(2, 1)], constants={1})[0], np.zeros(3, np.float32))


# ---- expand, tile


@pytest.mark.parametrize("seed", range(60))
def test_expand(isa, rng):
    rank = int(rng.integers(1, 6))
    shape = random_shape(rng, rank)
    x = integers(rng, [n if rng.integers(2) else 1 for n in shape][rng.integers(0, rank + 1) :], rng.choice(DTYPES))
    target = [n if rng.random() < 0.7 or n != m else 1 for n, m in zip(shape, [1] * (rank - x.ndim) + [*x.shape])]
    (got,) = run_op("expand", [x, ints(*target)], constants={1}, channels_last=bool(rng.integers(2)))
    same(got, np.broadcast_to(x, np.broadcast_shapes(x.shape, target)))


@pytest.mark.parametrize("seed", range(60))
def test_tile(isa, rng):
    rank = int(rng.integers(1, 6))
    x = integers(rng, random_shape(rng, rank, 300), rng.choice(DTYPES))
    repeats = [int(r) for r in rng.integers(1, 4, rank)]
    same(
        run_op("tile", [x, ints(*repeats)], constants={1}, channels_last=bool(rng.integers(2)))[0], np.tile(x, repeats)
    )


# ---- gather


@pytest.mark.parametrize("seed", range(60))
def test_gather(rng):
    rank = int(rng.integers(1, 5))
    x = integers(rng, random_shape(rng, rank), rng.choice(DTYPES))
    axis = int(rng.integers(-rank, rank))
    index = rng.integers(-x.shape[axis], x.shape[axis], random_shape(rng, int(rng.integers(0, 3)), 20))
    index = np.asarray(index, rng.choice(["int32", "int64"]))
    for constants in ((), (1,)):
        same(run_op("gather", [x, index], {"axis": axis}, constants=constants)[0], np.take(x, index, axis))
    shape = [int(rng.integers(0, n + 1)) for n in x.shape]
    shape[axis] = int(rng.integers(0, 9))
    index = rng.integers(-x.shape[axis], x.shape[axis], shape)
    part = x[tuple(slice(n) if a != axis % rank else slice(None) for a, n in enumerate(shape))]
    (got,) = run_op("gather_elements", [x, index], {"axis": axis})
    same(got, np.take_along_axis(part, index, axis))


def test_indices_that_arrive_with_the_run_are_clamped():
    x = np.arange(5, dtype=np.float32)
    same(run_op("gather", [x, ints(-6, 7, 2**62, -(2**63))])[0], x[[0, 4, 4, 0]])


# ---- depth_to_space, space_to_depth


def shuffled(x: np.ndarray, block: int, mode: str) -> np.ndarray:
    """depth_to_space in NumPy."""
    n, c, h, w = x.shape
    if mode == "DCR":
        parts = x.reshape(n, block, block, c // block**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(n, c // block**2, block, block, h, w).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c // block**2, h * block, w * block)


@pytest.mark.parametrize("block", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 2, 5, 16, 17])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_blocks(isa, block, channels, dtype, channels_last):
    x = integers(default_rng(0), (2, channels * block**2, 3, 5), dtype)
    for mode in ("DCR", "CRD"):
        attributes = {"blocksize": block, "mode": mode}
        same(run_op("depth_to_space", [x], attributes, channels_last=channels_last)[0], shuffled(x, block, mode))
    space = shuffled(x, block, "DCR")
    same(run_op("space_to_depth", [space], {"blocksize": block}, channels_last=channels_last)[0], x)


# ---- empty values, errors


def test_empty_values():
    x = np.zeros((2, 0, 3), np.float32)
    assert run_op("transpose", [x], {"perm": [1, 2, 0]})[0].shape == (0, 3, 2)
    assert run_op("tile", [x, ints(1, 2, 2)], constants={1})[0].shape == (2, 0, 6)
    assert run_op("tile", [x + 1, ints(0, 2, 2)], constants={1})[0].shape == (0, 0, 6)
    assert run_op("slice", [np.ones(4, np.float32), ints(3), ints(2)], constants={1, 2})[0].shape == (0,)
    assert run_op("gather", [np.ones((4, 2), np.float32), ints()])[0].shape == (0, 2)
    assert run_op("expand", [np.ones((1, 2), np.float32), ints(0, 2)], constants={1})[0].shape == (0, 2)


X = np.zeros((2, 3, 4, 4), np.float32)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("transpose", [X], {"perm": [0, 1, 2]}, "perm must name each of 4 axes once, got 3"),
        ("transpose", [X], {"perm": [0, 1, 2, 2]}, "perm must name each axis once, got 2 twice"),
        ("transpose", [X], {"perm": [0, 1, 2, 4]}, "axis must be in .*, got 4"),
        ("concat", [X, X[:, :, :3]], {"axis": 1}, "inputs must agree on axis 2, got 4 and 3"),
        ("concat", [X, X[0]], {"axis": 1}, "inputs must have one rank, got 4 and 3"),
        ("concat", [X, X.astype(np.int64)], {"axis": 1}, "inputs must have one dtype, got float32 and int64"),
        ("concat", [X], {"axis": 4}, "axis must be in .*, got 4"),
        ("split", [X, ints(1, 1)], {"axis": 1}, "sizes must add up to the axis' extent 3, got 2"),
        ("split", [X, ints(4, -1)], {"axis": 1}, "sizes must be >= 0, got -1"),
        ("split", [X, ints(1, 1, 1)], {"axis": 1}, "sizes must have one value for each of 2 outputs, got 3"),
        ("slice", [X, ints(0), ints(1), ints(0), ints(0)], {}, "steps must not be 0"),
        ("slice", [X, ints(0, 0), ints(1, 1), ints(1, -3)], {}, "axes must name an axis once, got 1 twice"),
        ("slice", [X, ints(0), ints(1, 2)], {}, "must have one length, got 1, 2"),
        ("pad", [X, ints(1, 1)], {}, "pads must have a begin and an end for each of 4 axes, got 2"),
        ("pad", [X, ints(0, 0, -5, 0, 0, 0, 0, 0)], {}, "pads must leave an extent >= 0 on axis 2, got -1"),
        ("pad", [X, ints(0) * np.zeros(8, np.int64)], {"mode": "mirror"}, "mode must be .*, got mirror"),
        ("pad", [X[:0], ints(1, 0, 0, 0, 0, 0, 0, 0)], {"mode": "edge"}, "must have cells to repeat on axis 0, got 0"),
        ("pad", [X, np.zeros(8, np.int64), ints(1)], {}, "value must be one float32, got 1 int64"),
        ("pad", [X, ints(2**62, 2**62, 0, 0, 2**62, 0, 0, 0)], {}, "must fit in 63 bits"),
        ("expand", [X, ints(2, 5, 4, 4)], {}, "shape must broadcast with the input on axis 1, got 5 for 3"),
        ("expand", [X, ints(-1, 3, 4, 4)], {}, "shape must be >= 0, got -1"),
        ("tile", [X, ints(2, 2)], {}, "repeats must have one value for each of 4 axes, got 2"),
        ("tile", [X, ints(2**40, 2**40, 1, 1)], {}, "must fit in 63 bits"),
        ("gather", [X, ints(3)], {"axis": 1}, r"indices must be in \[-3, 3\), got 3"),
        ("gather", [X, X], {"axis": 1}, "indices must be int64 or int32, got float32"),
        ("gather_elements", [X, ints(1)], {"axis": 1}, "indices must have rank 4, got 1"),
        ("gather_elements", [X, np.zeros((3, 1, 1, 1), np.int64)], {"axis": 1}, "must not exceed the input on axis 0"),
        ("depth_to_space", [X], {"blocksize": 2}, r"channels must be a multiple of blocksize\^2 = 4, got 3"),
        ("depth_to_space", [X], {"blocksize": 0}, "blocksize must be >= 1, got 0"),
        ("depth_to_space", [X[0]], {"blocksize": 1}, "input must have rank 4, got 3"),
        ("depth_to_space", [X], {"blocksize": 1, "mode": "RDC"}, "mode must be DCR or CRD, got RDC"),
        ("space_to_depth", [X], {"blocksize": 3}, "extents must be multiples of blocksize 3, got 4"),
    ],
)
def test_errors_name_the_rule(op, inputs, attributes, message):
    with pytest.raises(ValueError, match=message):
        run_op(op, inputs, attributes, constants=range(1, 5), outputs=2 if op == "split" else 1)
