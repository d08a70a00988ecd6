"""Normalisations: over the batch's statistics, over an instance, a group, a layer, or neighbouring channels."""

from __future__ import annotations

from fastconv.onnx.registry import Names, Node, Unsupported, translates


def _only_first_output(node: Node) -> None:
    if any(node.wants_output(index) for index in range(1, 5)):
        raise Unsupported("outputs of training")


@translates("BatchNormalization")
def batch_normalization(node: Node) -> str:
    """Translate inference: (x - mean) / sqrt(var + epsilon) * scale + bias."""
    if node.attribute("training_mode", 0) or not node.attribute("spatial", 1):
        raise Unsupported("training mode or spatial=0")
    _only_first_output(node)
    inputs = [node.input(index) for index in range(5)]
    return node.add("batch_norm", *inputs, epsilon=node.attribute("epsilon", 1e-5))


@translates("InstanceNormalization")
def instance_normalization(node: Node) -> str:
    """Translate a normalisation of each channel of each image."""
    inputs = [node.input(index) for index in range(3)]
    return node.add("instance_norm", *inputs, epsilon=node.attribute("epsilon", 1e-5))


@translates("GroupNormalization")
def group_normalization(node: Node) -> str:
    """Translate a normalisation of channel groups; scale and bias hold an element a group until opset 21."""
    groups = node.attribute("num_groups")
    scale, bias = node.input(1), node.input(2)
    if node.opset < 21:
        channels = node.add("shape", node.input(0), start=1, end=2)
        repeats = node.add("div", channels, node.ints([groups]))
        target = node.add("concat", node.ints([groups]), repeats, axis=0)

        def per_channel(value: str) -> str:
            column = node.add("unsqueeze", value, node.ints([1]))
            return node.add("reshape", node.add("expand", column, target), node.ints([-1]))

        scale, bias = per_channel(scale), per_channel(bias)
    return node.add("group_norm", node.input(0), scale, bias, groups=groups, epsilon=node.attribute("epsilon", 1e-5))


@translates("LayerNormalization")
def layer_normalization(node: Node) -> Names:
    """Translate a normalisation over the last axes; mean and 1/deviation, where asked for, are computed beside it."""
    axis, epsilon = node.attribute("axis", -1), node.attribute("epsilon", 1e-5)
    inputs = node.input(0), node.optional(1), node.optional(2)
    result = node.add("layer_norm", *inputs, axis=axis, epsilon=epsilon)
    if not node.wants_output(1) and not node.wants_output(2):
        return result
    axes = node.axes_from(0, axis)
    mean = node.add("reduce_mean", node.input(0), axes, keepdims=1)
    centred = node.add("sub", node.input(0), mean)
    variance = node.add("reduce_mean", node.add("mul", centred, centred), axes, keepdims=1)
    deviation = node.add("sqrt", node.add("add", variance, node.constant(epsilon, "float32")))
    return [result, mean, node.add("reciprocal", deviation)]


@translates("RMSNormalization")
def rms_normalization(node: Node) -> str:
    """Translate x / sqrt(mean(x^2) + epsilon) * scale over the last axes."""
    axes = node.axes_from(0, node.attribute("axis", -1))
    square = node.add("reduce_mean", node.add("mul", node.input(0), node.input(0)), axes, keepdims=1)
    epsilon = node.constant(node.attribute("epsilon", 1e-5), "float32")
    root = node.add("sqrt", node.add("add", square, epsilon))
    return node.add("mul", node.add("div", node.input(0), root), node.input(1))


@translates("MeanVarianceNormalization")
def mean_variance_normalization(node: Node) -> str:
    """Translate (x - mean) / (deviation + 1e-9) over `axes`."""
    axes = node.ints(node.attribute("axes", [0, 2, 3]))
    centred = node.add("sub", node.input(0), node.add("reduce_mean", node.input(0), axes, keepdims=1))
    variance = node.add("reduce_mean", node.add("mul", centred, centred), axes, keepdims=1)
    deviation = node.add("add", node.add("sqrt", variance), node.constant(1e-9, "float32"))
    return node.add("div", centred, deviation)


@translates("LRN")
def local_response_normalization(node: Node) -> str:
    """Translate a normalisation over neighbouring channels."""
    return node.add(
        "lrn",
        node.input(0),
        size=node.attribute("size"),
        alpha=node.attribute("alpha", 1e-4),
        beta=node.attribute("beta", 0.75),
        bias=node.attribute("bias", 1.0),
    )


@translates("Dropout")
def dropout(node: Node) -> Names:
    """Translate inference: the input itself, and a mask of ones where it is asked for."""
    training = node.value(2)
    if node.optional(2) is not None and (training is None or bool(training)):
        raise Unsupported("training mode")
    if not node.wants_output(1):
        return node.input(0)
    dtype = "bool" if node.opset >= 10 else "float32"
    mask = node.add("constant_of_shape", node.add("shape", node.input(0)), dtype=dtype, value=1.0)
    return [node.input(0), mask]
