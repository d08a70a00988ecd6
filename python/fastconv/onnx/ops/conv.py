"""Conv, ConvTranspose, Gemm and MatMul."""

from __future__ import annotations

from fastconv._ort.errors import InvalidGraph
from fastconv.onnx.ops.windows import window_attributes
from fastconv.onnx.registry import Node, translates


def _check_kernel(node: Node) -> None:
    """kernel_shape repeats what the weights' shape says: the two must agree where both are known."""
    kernel, weights = node.attribute("kernel_shape"), node.value(1)
    if kernel is not None and weights is not None and list(weights.shape[2:]) != kernel:
        raise InvalidGraph.of(
            f"{node.op_type}: kernel_shape must be that of the weights {list(weights.shape[2:])}, got {kernel}"
        )


@translates("Conv")
def conv(node: Node) -> str:
    """Translate a convolution of 1 to 3 spatial axes."""
    _check_kernel(node)
    inputs = node.input(0), node.input(1), node.optional(2)
    return node.add("conv", *inputs, groups=node.attribute("group", 1), **window_attributes(node))


@translates("ConvTranspose")
def conv_transpose(node: Node) -> str:
    """Translate a transposed convolution; output_shape stands above the pads."""
    _check_kernel(node)
    inputs = node.input(0), node.input(1), node.optional(2)
    return node.add(
        "conv_transpose",
        *inputs,
        groups=node.attribute("group", 1),
        output_padding=node.attribute("output_padding"),
        output_shape=node.attribute("output_shape"),
        **window_attributes(node),
    )


@translates("Gemm")
def gemm(node: Node) -> str:
    """Translate alpha * A' B' + beta * C."""
    return node.add(
        "gemm",
        node.input(0),
        node.input(1),
        node.optional(2),
        alpha=node.attribute("alpha", 1.0),
        beta=node.attribute("beta", 1.0),
        trans_a=node.attribute("transA", 0),
        trans_b=node.attribute("transB", 0),
    )


@translates("MatMul")
def matmul(node: Node) -> str:
    """Translate NumPy's matmul."""
    return node.add("matmul", node.input(0), node.input(1))
