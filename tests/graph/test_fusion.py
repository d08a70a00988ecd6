"""What the passes join, seen in a plan's steps; and that joined and separate networks agree.

A network whose every value is an output cannot be fused: nobody may swallow a value that somebody reads. So each case
is built twice, and the two are compared: bit for bit where fusion only saves memory traffic, within rounding where
weights are multiplied beforehand.
"""

from collections.abc import Callable

import numpy as np
import pytest

from fastconv import _core


class Builder:
    """A graph in the making; calls are operators, and numbers and arrays are constants."""

    def __init__(self, keep: bool) -> None:
        self.graph, self.keep, self.count, self.feed = _core.Graph(), keep, 0, {}
        self.rng = np.random.default_rng(20)

    def floats(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def input(self, *shape: int) -> int:
        self.feed[f"x{len(self.feed)}"] = self.floats(*shape)
        return self.graph.input(f"x{len(self.feed) - 1}", "float32", list(shape))

    def __getattr__(self, op: str) -> Callable[..., int]:
        def add(*operands, **attributes) -> int:
            values = [v if isinstance(v, int) or v is None else self.graph.constant(np.asarray(v)) for v in operands]
            (result,) = self.graph.add(op, values, attributes, name=op)
            if self.keep:
                self.output(result)
            return result

        return add

    def output(self, value: int) -> None:
        self.graph.output(value, f"y{self.count}")
        self.count += 1


def f32(value: float) -> np.ndarray:
    return np.float32(value)


def build(case, keep: bool) -> tuple[list[dict], np.ndarray]:
    """Plan and run a case; gives the steps that are no conversions, and the last output."""
    b = Builder(keep)
    last = case(b)
    if not keep:
        b.output(last)
    network = _core.Network(b.graph)
    steps = network.plan_summary(b.feed)["steps"]
    return [s for s in steps if s["op"] not in ("reformat", "copy")], network.run(b.feed)[-1]


def conv(b: Builder, x: int, c: int = 5, k: int = 8, bias: bool = True, **attributes) -> int:
    attributes = {"pads_begin": [1, 1], "pads_end": [1, 1], **attributes}
    return b.conv(x, b.floats(k, c, 3, 3), b.floats(k) if bias else None, **attributes)


def conv_relu(b):
    return b.relu(conv(b, b.input(2, 5, 9, 7)))


def conv_residual(b):
    return b.add(conv(b, b.input(1, 5, 9, 7)), b.input(1, 8, 9, 7))


def two_residuals(b):
    return b.add(b.add(conv(b, b.input(1, 5, 9, 7)), b.input(1, 8, 9, 7)), b.input(1, 8, 9, 7))


def residual_conv_without_bias_relu6(b):
    other = b.input(1, 8, 9, 7)
    return b.clip(b.add(other, conv(b, b.input(1, 5, 9, 7), bias=False)), f32(0), f32(6))


def waits_for_the_other_branch(b):
    x = b.input(1, 8, 9, 7)
    y = conv(b, x, c=8)
    return b.relu(b.add(y, b.max_pool(x, kernel=[3, 3], pads_begin=[1, 1], pads_end=[1, 1])))


def depthwise_hard_swish(b):
    x = b.input(1, 6, 9, 7)
    return b.hard_swish(b.conv(x, b.floats(6, 1, 3, 3), b.floats(6), groups=6))


def pixels_abreast_residual_gelu(b):
    x = b.input(2, 4, 9, 7)
    return b.gelu(b.add(b.conv(x, b.floats(4, 4, 1, 1), b.floats(4)), x))


def winograd_residual_relu(b):
    x = b.input(1, 32, 28, 28)
    y = b.conv(x, b.floats(32, 32, 3, 3), b.floats(32), pads_begin=[1, 1], pads_end=[1, 1])
    return b.relu(b.add(y, x))


def winograd_of_phases_residual(b):
    x = b.input(1, 64, 20, 23)
    y = b.conv(x, b.floats(64, 64, 3, 3), pads_begin=[2, 3], pads_end=[2, 3], dilations=[2, 3])
    return b.relu(b.add(y, x))


def winograd_of_columns_residual_gelu(b):
    x = b.input(1, 64, 60, 20)
    y = b.conv(x, b.floats(64, 64, 3, 1), pads_begin=[1, 0], pads_end=[1, 0])
    return b.gelu(b.add(y, x))


def winograd_of_slices_residual(b):
    x = b.input(1, 32, 6, 14, 20)
    y = b.conv(x, b.floats(32, 32, 3, 3, 3), pads_begin=[1, 1, 1], pads_end=[1, 1, 1])
    return b.relu(b.add(y, x))


def transposed_sigmoid(b):
    return b.sigmoid(b.conv_transpose(b.input(1, 4, 5, 6), b.floats(4, 3, 2, 2), b.floats(3), strides=[2, 2]))


def matmul_bias_residual_gelu(b):
    x = b.input(2, 7, 12)
    return b.gelu(b.add(b.add(b.matmul(x, b.floats(12, 12)), b.floats(12)), x))


def gemm_tanh(b):
    return b.tanh(b.gemm(b.input(4, 6), b.floats(9, 6), b.floats(9), trans_b=1))


def gemm_residual(b):
    return b.add(b.gemm(b.input(4, 6), b.floats(9, 6), b.floats(1, 9), trans_b=1), b.input(4, 9))


def batched_matmul_residual(b):
    return b.add(b.matmul(b.input(2, 3, 4, 5), b.input(2, 3, 5, 6)), b.input(2, 3, 4, 6))


EXACT = {
    conv_relu: ["conv:relu"],
    conv_residual: ["conv:add"],
    two_residuals: ["conv:add", "add:"],
    residual_conv_without_bias_relu6: ["conv:add clamp"],
    waits_for_the_other_branch: ["max_pool:", "conv:add relu"],
    depthwise_hard_swish: ["conv:hard_swish"],
    pixels_abreast_residual_gelu: ["conv:add gelu"],
    winograd_residual_relu: ["conv:add relu"],
    winograd_of_phases_residual: ["conv:add relu"],
    winograd_of_columns_residual_gelu: ["conv:add gelu"],
    winograd_of_slices_residual: ["conv:add relu"],
    transposed_sigmoid: ["conv_transpose:sigmoid"],
    matmul_bias_residual_gelu: ["matmul:add gelu"],
    gemm_tanh: ["gemm:tanh"],
    gemm_residual: ["gemm:add"],
    batched_matmul_residual: ["matmul:add"],
}


@pytest.mark.parametrize("case", EXACT, ids=lambda case: case.__name__)
def test_layers_take_in_what_follows(isa, case):
    steps, fused = build(case, keep=False)
    assert all("winograd" in s["algorithm"] for s in steps) == case.__name__.startswith("winograd")
    assert [f"{s['op']}:{s['epilogue']}" for s in steps] == EXACT[case]
    separate_steps, separate = build(case, keep=True)
    assert not any(s["epilogue"] for s in separate_steps)
    np.testing.assert_array_equal(fused, separate)


def norm(b, x: int, channels: int) -> int:
    return b.batch_norm(
        x, b.floats(channels), b.floats(channels), b.floats(channels), b.floats(channels) ** 2, epsilon=1e-3
    )


def conv_norm(b):
    return norm(b, conv(b, b.input(2, 5, 9, 7)), 8)


def conv_norm_without_bias_relu(b):
    return b.relu(norm(b, conv(b, b.input(2, 5, 9, 7), bias=False), 8))


def depthwise_norm(b):
    return norm(b, b.conv(b.input(1, 6, 9, 7), b.floats(6, 1, 3, 3), groups=6), 6)


def grouped_transposed_norm(b):
    x = b.input(1, 4, 5, 6)
    return norm(b, b.conv_transpose(x, b.floats(4, 3, 2, 2), b.floats(6), strides=[2, 2], groups=2), 6)


def gemm_norm(b):
    return norm(b, b.gemm(b.input(4, 6), b.floats(9, 6), b.floats(9), trans_b=1), 9)


def gemm_untransposed_scale(b):
    return b.mul(b.gemm(b.input(4, 6), b.floats(6, 9), alpha=0.5), b.floats(9))


def conv_spelled_out_norm(b):
    y = b.sub(conv(b, b.input(1, 5, 9, 7)), b.floats(1, 8, 1, 1))
    return b.add(b.floats(8, 1, 1), b.mul(b.div(y, b.floats(1, 8, 1, 1)), f32(3)))


def conv_from_a_number(b):
    return b.sub(f32(2), conv(b, b.input(1, 5, 9, 7)))


FOLDED = {
    conv_norm: ["conv:"],
    conv_norm_without_bias_relu: ["conv:relu"],
    depthwise_norm: ["conv:"],
    grouped_transposed_norm: ["conv_transpose:"],
    gemm_norm: ["gemm:"],
    gemm_untransposed_scale: ["gemm:"],
    conv_spelled_out_norm: ["conv:"],
    conv_from_a_number: ["conv:"],
}


@pytest.mark.parametrize("case", FOLDED, ids=lambda case: case.__name__)
def test_known_scales_become_the_layers(case):
    steps, folded = build(case, keep=False)
    assert [f"{s['op']}:{s['epilogue']}" for s in steps] == FOLDED[case]
    separate_steps, separate = build(case, keep=True)
    assert len(separate_steps) > len(steps)
    np.testing.assert_allclose(folded, separate, rtol=1e-5, atol=1e-5 * np.abs(separate).max())


def zeros_around(b):
    pads = np.array([0, 0, 1, 0, 0, 0, 2, 3], np.int64)
    return conv(b, b.pad(b.input(1, 5, 9, 7), pads, f32(0)))


def zeros_of_its_own(b):
    return conv(b, b.input(1, 5, 9, 7), pads_begin=[2, 1], pads_end=[3, 4])


def test_zeros_around_an_input_become_padding():
    steps, folded = build(zeros_around, keep=False)
    assert [s["op"] for s in steps] == ["conv"]
    np.testing.assert_array_equal(folded, build(zeros_of_its_own, keep=False)[1])


def silu(b, x):
    return b.mul(b.sigmoid(x), x)


def hard_swish_of_clip(b, x):
    return b.div(b.mul(x, b.clip(b.add(x, f32(3)), f32(0), f32(6))), f32(6))


def hard_swish_scaled_gate(b, x):
    return b.mul(x, b.mul(b.clip(b.add(f32(3), x), f32(0), f32(6)), f32(1 / 6)))


def hard_swish_of_hard_sigmoid(b, x):
    return b.mul(x, b.hard_sigmoid(x, alpha=1 / 6, beta=0.5))


def hard_sigmoid(b, x):
    return b.div(b.clip(b.add(x, f32(3)), f32(0), f32(6)), f32(6))


def mish(b, x):
    return b.mul(x, b.tanh(b.softplus(x)))


def gelu_half_last(b, x):
    return b.mul(b.mul(x, b.add(b.erf(b.div(x, f32(2**0.5))), f32(1))), f32(0.5))


def gelu_half_first(b, x):
    return b.mul(b.mul(f32(0.5), x), b.add(f32(1), b.erf(b.mul(x, f32(0.5**0.5)))))


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        (silu, "silu"),
        (hard_swish_of_clip, "hard_swish"),
        (hard_swish_scaled_gate, "hard_swish"),
        (hard_swish_of_hard_sigmoid, "hard_swish"),
        (hard_sigmoid, "hard_sigmoid"),
        (mish, "mish"),
        (gelu_half_last, "gelu"),
        (gelu_half_first, "gelu"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_spelled_out_activations_are_known(spelled, name):
    def alone(b):
        return spelled(b, b.input(3, 50))

    def behind_a_layer(b):
        return spelled(b, conv(b, b.input(1, 5, 9, 7)))

    steps, named = build(alone, keep=False)
    assert [s["op"] for s in steps] == [name]
    x = Builder(keep=False).floats(3, 50)
    np.testing.assert_allclose(named, expected_activation(name, x.astype(np.float64)), rtol=3e-6, atol=1e-6)
    steps, _ = build(behind_a_layer, keep=False)
    assert [(s["op"], s["epilogue"]) for s in steps] == [("conv", name)]


def expected_activation(name: str, x: np.ndarray) -> np.ndarray:
    from math import erf

    return {
        "silu": lambda: x / (1 + np.exp(-x)),
        "hard_sigmoid": lambda: np.clip(x + 3, 0, 6) / 6,
        "hard_swish": lambda: x * np.clip(x + 3, 0, 6) / 6,
        "mish": lambda: x * np.tanh(np.log1p(np.exp(x))),
        "gelu": lambda: 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2))),
    }[name]()


def near_silu(b):
    x = b.input(3, 50)
    return b.mul(b.sigmoid(x), b.neg(x))


def near_hard_swish(b):
    x = b.input(3, 50)
    return b.mul(x, b.hard_sigmoid(x))  # its default slope is 0.2


def clipped_at_five(b):
    x = b.input(3, 50)
    return b.div(b.mul(x, b.clip(b.add(x, f32(3)), f32(0), f32(5))), f32(6))


def near_gelu(b):
    x = b.input(3, 50)
    return b.mul(b.mul(x, b.add(b.erf(x), f32(1))), f32(0.5))


def a_quotient(b):
    x = b.input(3, 50)
    return b.div(b.sigmoid(x), x)


def scale_of_a_pixel(b):
    return b.mul(conv(b, b.input(1, 5, 9, 7)), b.floats(9, 7))


def scale_that_broadcasts(b):
    return b.mul(conv(b, b.input(1, 5, 9, 7)), b.floats(3, 8, 1, 1))


def smaller_branch(b):
    return b.add(conv(b, b.input(2, 5, 9, 7)), b.input(1, 8, 1, 1))


def larger_branch(b):
    return b.add(conv(b, b.input(1, 5, 9, 7)), b.input(2, 8, 9, 7))


def added_to_itself(b):
    y = conv(b, b.input(1, 5, 9, 7))
    return b.add(y, y)


def read_twice(b):
    y = conv(b, b.input(1, 5, 9, 7))
    return b.add(b.relu(y), b.max_pool(y, kernel=[3, 3], pads_begin=[1, 1], pads_end=[1, 1]))


def padded_with_ones(b):
    return conv(b, b.pad(b.input(1, 5, 9, 7), np.array([0, 0, 1, 0, 0, 0, 2, 3], np.int64), f32(1)))


def padded_channels(b):
    return conv(b, b.pad(b.input(1, 4, 9, 7), np.array([0, 1, 0, 0, 0, 0, 0, 0], np.int64)))


def relu_between(b):
    return b.add(b.relu(conv(b, b.input(1, 5, 9, 7))), b.input(1, 8, 9, 7))


@pytest.mark.parametrize(
    ("case", "ops"),
    [
        (near_silu, ["sigmoid", "neg", "mul"]),
        (near_hard_swish, ["hard_sigmoid", "mul"]),
        (clipped_at_five, ["add", "clip", "mul", "div"]),
        (near_gelu, ["erf", "add", "mul", "mul"]),
        (a_quotient, ["sigmoid", "div"]),
        (scale_of_a_pixel, ["conv", "mul"]),
        (scale_that_broadcasts, ["conv", "mul"]),
        (smaller_branch, ["conv", "add"]),
        (larger_branch, ["conv", "add"]),
        (added_to_itself, ["conv", "add"]),
        (read_twice, ["conv", "relu", "max_pool", "add"]),
        (padded_with_ones, ["pad", "conv"]),
        (padded_channels, ["pad", "conv"]),
        (relu_between, ["conv", "add"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_only_looks_alike_is_left_alone(case, ops):
    steps, result = build(case, keep=False)
    assert [s["op"] for s in steps] == ops
    np.testing.assert_array_equal(result, build(case, keep=True)[1])


def test_a_fold_that_overflows_is_not_made():
    """The layer's own result is finite there, and so is the scaled one."""
    graph = _core.Graph()
    x = graph.input("x", "float32", [1, 1, 4, 4])
    y = graph.add("conv", [x, graph.constant(np.full((1, 1, 1, 1), 1e30, np.float32))])
    y = graph.add("mul", [y[0], graph.constant(np.array(1e30, np.float32))])
    graph.output(y[0], "y")
    result = _core.Network(graph).run({"x": np.full((1, 1, 4, 4), 1e-35, np.float32)})[0]
    np.testing.assert_allclose(result, 1e25, rtol=1e-6)
