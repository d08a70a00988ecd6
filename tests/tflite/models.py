"""The models of the tests, as functions of tensors that TensorFlow's converter takes: `make_models` converts them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3")  # before TensorFlow is loaded

import numpy as np
import tensorflow as tf
from tensorflow import nn

from tests.tensorflow.cases import numbers

IMAGE = [1, 9, 8, 4]


def w(*shape: int, salt: int = 1) -> np.ndarray:
    """Weights."""
    return numbers(list(shape), salt)


def conv(x: Any, channels: int = 6, salt: int = 1) -> Any:
    """A layer, whose result fastconv has with its channels first."""
    return nn.conv2d(x, w(3, 3, x.shape[-1], channels, salt=salt), 1, "SAME") + w(channels, salt=salt + 1)


def in_blocks(x: Any, layer: Any, block: list[int], pads: list[list[int]], crops: list[list[int]]) -> Any:
    """A layer on images of every b-th cell: more than the converter itself makes a dilated layer of."""
    return tf.batch_to_space(layer(tf.space_to_batch(x, block, pads)), block, crops)


def padded(x: Any) -> Any:
    """A layer that pads."""
    return nn.relu(nn.conv2d(x, w(3, 2, 4, 6), 1, "SAME") + w(6))


def unpadded(x: Any) -> Any:
    """A layer that does not pad."""
    return nn.conv2d(x, w(3, 3, 4, 6), 1, "VALID") + w(6)


def prelu(x: Any) -> Any:
    """What the converter makes one operator of."""
    return nn.relu(x) + -w(1, 1, 4) * nn.relu(-x)


# The functions, and the shapes of their inputs, with None where an extent is free.
FUNCTIONS: dict[str, tuple[Any, list[list[int | None]]]] = {
    "conv_same": (lambda x: nn.relu6(nn.conv2d(x, w(3, 3, 4, 6), [2, 1], "SAME") + w(6)), [IMAGE]),
    "conv_valid": (lambda x: nn.relu(nn.conv2d(x, w(3, 2, 4, 6), [1, 3], "VALID")), [IMAGE]),
    "conv_dilated": (lambda x: nn.conv2d(x, w(3, 3, 4, 6), 1, "SAME", dilations=[2, 3]), [IMAGE]),
    "conv_groups": (lambda x: nn.conv2d(x, w(3, 3, 2, 6), 1, "SAME"), [IMAGE]),
    "conv_pads": (lambda x: nn.conv2d(x, w(3, 3, 4, 6), 2, [[0, 0], [1, 2], [0, 3], [0, 0]]), [IMAGE]),
    "conv_1d": (lambda x: nn.conv1d(x, w(3, 4, 6), 2, "SAME"), [[1, 9, 4]]),
    "conv_free_size": (lambda x: nn.tanh(nn.conv2d(x / 8, w(3, 3, 4, 6), 2, "SAME")), [[None, None, None, 4]]),
    "depthwise": (lambda x: nn.depthwise_conv2d(x, w(3, 3, 4, 2), [1, 2, 2, 1], "SAME") + w(8), [IMAGE]),
    "depthwise_dilated": (
        lambda x: nn.depthwise_conv2d(x, w(3, 3, 4, 1), [1] * 4, "VALID", dilations=[2, 2]),
        [IMAGE],
    ),
    "transposed_same": (
        lambda x: nn.conv2d_transpose(x, w(3, 4, 5, 4), [1, 17, 24, 5], [2, 3]) + w(5),
        [IMAGE],
    ),
    "transposed_valid": (
        lambda x: nn.conv2d_transpose(x, w(2, 3, 5, 4), [1, 20, 17, 5], [2, 2], "VALID"),
        [IMAGE],
    ),
    "transposed_gaps": (lambda x: nn.conv2d_transpose(x, w(1, 2, 5, 4), [1, 26, 32, 5], [3, 4]), [IMAGE]),
    "pools": (
        lambda x: (nn.avg_pool(x, [3, 2], 2, "SAME"), nn.max_pool(x, 3, [1, 2], "SAME"), nn.max_pool(x, 3, 2, "VALID")),
        [IMAGE],
    ),
    "dense": (lambda x: nn.relu(tf.reshape(x, [-1, 288]) @ w(288, 7) + w(7)), [IMAGE]),
    "dense_rows": (lambda x: tf.tensordot(x, w(4, 7), 1) + w(7), [[1, 9, 8, 4]]),
    "matrices": (
        lambda a, b: (a @ b, tf.matmul(b, a), tf.matmul(a, a, transpose_b=True), tf.matmul(a, a, transpose_a=True)),
        [[2, 3, 5], [2, 5, 3]],
    ),
    "unary": (
        lambda x: tuple(
            f(x)
            for f in (
                *(nn.relu, nn.relu6, nn.elu, nn.leaky_relu, nn.sigmoid, nn.tanh, tf.exp, tf.abs, tf.sin),
                *(tf.negative, tf.square, tf.cos, lambda x: x * nn.relu6(x + 3) / 6),
                *(lambda x: tf.floor(x / 2), lambda x: tf.math.ceil(x / 2), lambda x: tf.round(x / 2)),
                *(lambda x: tf.sqrt(abs(x)), lambda x: tf.math.rsqrt(abs(x) + 1), lambda x: tf.math.log(abs(x) + 1)),
                lambda x: tf.clip_by_value(x, -1, 1),
            )
        ),
        [[1, 3, 3, 4]],
    ),
    "gelu": (lambda x: nn.gelu(x), [IMAGE]),
    "gelu_tanh": (lambda x: nn.gelu(x, approximate=True), [IMAGE]),
    "unary_of_layers": (
        lambda x: (nn.leaky_relu(conv(x)), nn.elu(conv(x, salt=3) / 16), nn.sigmoid(conv(x, salt=5) / 16)),
        [IMAGE],
    ),
    "binary": (
        lambda x, y: (
            *(x + y, x - y, x * y, x / (y * y + 1), tf.maximum(x, y), tf.minimum(x, y)),
            *(tf.math.squared_difference(x, y), tf.pow(abs(x) + 1, y), nn.relu(x + y), x + w(3, 1, 1), x * 3, 5 - x),
        ),
        [[2, 3, 3, 4], [1, 3, 1, 4]],
    ),
    "binary_of_layers": (
        lambda x, v, m: (
            *(nn.relu(conv(x, 4) + x), conv(x, 4, 3) * w(4), conv(x, 4, 5) - w(9, 8, 4), conv(x, 4, 7) + 2),
            *(conv(x, 4, 9) * v, m + conv(x, 4, 11), tf.maximum(conv(x, 4, 13), conv(x, 4, 15))),
        ),
        [IMAGE, [4], [8, 4]],
    ),
    "concat": (
        lambda x: (
            *(tf.concat([conv(x), x], 3), tf.concat([x, x], 1), tf.concat([conv(x), conv(x, salt=3)], 1)),
            *(tf.stack([x[0], x[0] * 2], 2), tf.concat([x, w(*IMAGE)], -1)),
        ),
        [IMAGE],
    ),
    "pads": (
        lambda x: (
            *(tf.pad(x, [[0, 0], [1, 2], [0, 3], [2, 0]]), tf.pad(conv(x), [[0, 1], [1, 0], [0, 0], [1, 1]])),
            *(tf.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]], constant_values=5.0), tf.pad(x[0], [[0, 1], [1, 0], [2, 2]])),
            tf.pad(x, [[0, 0], [2, 1], [1, 3], [0, 0]], "REFLECT"),
            tf.pad(x, [[0, 0], [9, 1], [0, 3], [2, 0]], "SYMMETRIC"),
            tf.pad(x[0], [[3, 0], [1, 2], [0, 0]], "SYMMETRIC"),
        ),
        [IMAGE],
    ),
    "splits": (
        lambda x: (*tf.split(x, 2, 3), *tf.split(conv(x), 3, 3), *tf.split(conv(x), [2, 6], 2), *tf.split(x, 3, 1)),
        [IMAGE],
    ),
    "slices": (
        lambda x: (
            *(
                x[:, 1:-1, ::2],
                x[..., ::-1],
                x[:, -1],
                x[0, :, 2],
                x[:, 7:2:-2],
                tf.slice(x, [0, 1, 2, 0], [1, 3, -1, 2]),
            ),
            *(conv(x)[:, 1:-1, ::2, 1:4], conv(x)[:, :, 3], tf.slice(conv(x), [0, 2, 0, 1], [-1, 4, 5, 3])),
        ),
        [IMAGE],
    ),
    "shapes": (
        lambda x: (
            *(tf.transpose(x, [0, 3, 1, 2]), tf.transpose(conv(x), [0, 2, 1, 3]), tf.reshape(conv(x), [1, 72, 6])),
            *(tf.expand_dims(x, 1), tf.squeeze(x[:, :1]), tf.gather(x, [2, 0, 2], axis=2)),
            *(tf.cast(x, tf.int32), tf.cast(tf.cast(x, tf.int32) * 2, tf.float32)),
        ),
        [IMAGE],
    ),
    "shapes_computed": (lambda x: tf.reshape(conv(x), [tf.shape(x)[0], -1]), [[None, 9, 8, 4]]),
    "reductions": (
        lambda x: (
            *(tf.reduce_mean(conv(x), [1, 2]), tf.reduce_mean(conv(x), [1, 2], keepdims=True)),
            *(tf.reduce_sum(conv(x), 3), tf.reduce_sum(conv(x), [1, 3], keepdims=True), tf.reduce_max(x, [1, 2])),
            *(tf.reduce_min(x, -1, keepdims=True), tf.reduce_prod(x[:, :3], 1), tf.reduce_max(conv(x), [1])),
        ),
        [IMAGE],
    ),
    "searches": (
        lambda x: (tf.argmax(x, 3), tf.argmax(conv(x), 1, tf.int32), tf.argmin(x, -1)),
        [IMAGE],
    ),
    "norms": (
        lambda x: (nn.lrn(x, 1, 2.0, 0.5, 0.75), nn.lrn(conv(x), 2, 1.0, 0.01, 0.5), nn.l2_normalize(x, -1)),
        [IMAGE],
    ),
    "softmax": (lambda x: (nn.softmax(x), nn.log_softmax(conv(x) / 16), nn.softmax(x[0, 0])), [IMAGE]),
    "resize": (
        lambda x: tuple(
            f(images=x, size=size, align_corners=align, half_pixel_centers=half)
            for f in (tf.raw_ops.ResizeBilinear, tf.raw_ops.ResizeNearestNeighbor)
            for size in ([13, 20], [4, 5])
            for align, half in ((False, False), (True, False), (False, True))
        ),
        [IMAGE],
    ),
    "images_of_blocks": (
        lambda x: (
            tf.space_to_batch(x, [3, 2], [[1, 2], [0, 4]]),
            tf.batch_to_space(nn.relu(tf.space_to_batch(x, [3, 2], [[1, 2], [0, 4]])), [3, 2], [[0, 2], [1, 0]]),
            tf.space_to_batch(x[:, 0], [4], [[0, 0]]),
        ),
        [[2, 9, 8, 4]],
    ),
    "images_of_free_blocks": (
        lambda x: tf.batch_to_space(nn.relu(tf.space_to_batch(x, [3, 3], [[2, 1], [0, 3]])), [3, 3], [[1, 0], [1, 1]]),
        [[None, None, None, 4]],
    ),
    "dilated_by_blocks": (
        lambda x: (
            in_blocks(x, padded, [2, 2], [[0, 1], [2, 2]], [[0, 1], [1, 0]]),
            in_blocks(x, padded, [2, 3], [[0, 1], [0, 1]], [[1, 2], [2, 0]]),
            in_blocks(x, unpadded, [2, 2], [[2, 3], [2, 2]], [[0, 1], [0, 0]]),
            in_blocks(x, unpadded, [2, 2], [[0, 1], [2, 0]], [[1, 0], [0, 1]]),
        ),
        [[2, 9, 8, 4]],
    ),
    "blocks": (lambda x: (nn.depth_to_space(conv(x, 8), 2), nn.space_to_depth(x, 2)), [[1, 8, 6, 4]]),
    "prelu": (lambda x: prelu(x) + prelu(conv(x, 4)), [IMAGE]),
    "shapes_free": (lambda x: (tf.squeeze(x, [1]), tf.expand_dims(x, 2), tf.squeeze(x[:1])), [[None, 1, 8, 4]]),
}


def convert(function: Any, shapes: list[list[int | None]], prepare: Callable[[Any], None] | None = None) -> bytes:
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    if prepare:
        prepare(converter)
    return bytes(converter.convert())


def keras(batch: int | None) -> bytes:
    layers = tf.keras.layers
    given = tf.keras.Input((17, 15, 3), batch_size=batch)
    x = layers.Conv2D(8, 3, 2, use_bias=False)(layers.ZeroPadding2D(((0, 1), (0, 1)))(given))
    x = layers.ReLU(6)(layers.BatchNormalization()(x))
    y = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(x)))
    x = layers.MaxPooling2D(3, 2, "same")(layers.Add()([x, layers.Conv2D(8, 1)(y)]))
    z = layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2DTranspose(4, 3, 2, "same")(x))
    scores = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return bytes(tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(given, [scores, z])).convert())


def keras_dilated() -> bytes:
    """Dilated layers of images of any size, whose pads the model computes."""
    layers = tf.keras.layers
    given = tf.keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, padding="same", dilation_rate=2, activation="relu")(given)
    x = layers.DepthwiseConv2D(3, padding="same", dilation_rate=4, use_bias=False)(x)
    x = layers.Conv2D(8, 2, dilation_rate=(2, 1))(layers.ReLU()(layers.BatchNormalization()(x)))
    return bytes(tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(given, x)).convert())


def as_float16(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def as_int8_weights(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def as_int8(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([numbers(IMAGE, salt)] for salt in range(3))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def as_int8_throughout(converter: Any) -> None:
    as_int8(converter)
    converter.inference_input_type = converter.inference_output_type = tf.int8


def two_layers(x: Any) -> Any:
    return nn.conv2d(nn.relu(conv(x, 16)), w(3, 3, 16, 16, salt=3), 1, "SAME")


def models_by_name() -> dict[str, bytes]:
    """Convert all."""
    tf.keras.utils.set_random_seed(0)
    return {
        **{name: convert(function, shapes) for name, (function, shapes) in FUNCTIONS.items()},
        "keras": keras(1),
        "keras_free_batch": keras(None),
        "keras_dilated": keras_dilated(),
        "float16": convert(two_layers, [IMAGE], as_float16),
        "quantised_weights": convert(two_layers, [IMAGE], as_int8_weights),
        "quantised": convert(two_layers, [IMAGE], as_int8),
        "quantised_throughout": convert(two_layers, [IMAGE], as_int8_throughout),
    }
