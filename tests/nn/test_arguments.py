"""Wrong arguments of layers: an exception with what, value and rule, when the layer is made."""

import numpy as np
import pytest

from fastconv import nn
from fastconv.nn import functional as F

CASES = [
    (lambda: nn.Conv2d(0, 8, 3), ValueError, "Conv2d: in_channels must be >= 1, got 0"),
    (lambda: nn.Conv2d(3, -1, 3), ValueError, "Conv2d: out_channels must be >= 1, got -1"),
    (lambda: nn.Conv2d(3.0, 8, 3), TypeError, "Conv2d: in_channels must be an int"),
    (lambda: nn.Conv2d(3, 8, 0), ValueError, "Conv2d: kernel_size must be >= 1, got 0"),
    (lambda: nn.Conv2d(3, 8, (3, 3, 3)), ValueError, "Conv2d: kernel_size must be an int or 2 ints, got (3, 3, 3)"),
    (lambda: nn.Conv2d(3, 8, "3"), TypeError, "Conv2d: kernel_size must be an int or 2 ints, got '3'"),
    (lambda: nn.Conv1d(3, 8, 3, stride=0), ValueError, "Conv1d: stride must be >= 1, got 0"),
    (lambda: nn.Conv3d(3, 8, 3, dilation=0), ValueError, "Conv3d: dilation must be >= 1, got 0"),
    (lambda: nn.Conv2d(3, 8, 3, padding=-1), ValueError, "Conv2d: padding must be >= 0, got -1"),
    (
        lambda: nn.Conv2d(3, 8, 3, padding="full"),
        ValueError,
        "Conv2d: padding must be one of 'same', 'valid', got 'full'",
    ),
    (lambda: nn.Conv2d(3, 8, 3, 2, "same"), ValueError, "Conv2d: padding 'same' needs stride 1, got (2, 2)"),
    (lambda: nn.Conv2d(3, 8, 3, groups=2), ValueError, "Conv2d: in_channels must be divisible by groups, got 3 and 2"),
    (lambda: nn.Conv2d(4, 9, 3, groups=2), ValueError, "Conv2d: out_channels must be divisible by groups, got 9 and 2"),
    (lambda: nn.Conv2d(3, 8, 3, groups=0), ValueError, "Conv2d: groups must be >= 1, got 0"),
    (lambda: nn.Conv2d(3, 8, 3, padding_mode="mirror"), ValueError, "Conv2d: padding_mode must be one of"),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding_mode="reflect"), ValueError, "padding_mode must be one of 'zeros'"),
    (
        lambda: nn.ConvTranspose2d(3, 8, 3, padding="same"),
        TypeError,
        "ConvTranspose2d: padding must be an int or 2 ints",
    ),
    (lambda: nn.Conv2d(3, 8, 3, layout="CHWN"), ValueError, "Conv2d: layout must be one of 'NCHW', 'NHWC'"),
    (lambda: nn.MaxPool2d(0), ValueError, "MaxPool2d: kernel_size must be >= 1, got 0"),
    (lambda: nn.MaxPool2d(2, 0), ValueError, "MaxPool2d: stride must be >= 1, got 0"),
    (lambda: nn.MaxPool2d(3, padding=2), ValueError, "MaxPool2d: padding must be at most half the kernel"),
    (lambda: nn.AvgPool2d(3, padding=2), ValueError, "AvgPool2d: padding must be at most half the kernel"),
    (lambda: nn.AvgPool2d(3, divisor_override=0), ValueError, "AvgPool2d: divisor_override must be >= 1, got 0"),
    (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), ValueError, "AdaptiveAvgPool2d: output_size must be an int or 2 ints"),
    (lambda: nn.BatchNorm2d(0), ValueError, "BatchNorm2d: num_features must be >= 1, got 0"),
    (lambda: nn.GroupNorm(4, 6), ValueError, "GroupNorm: num_channels must be divisible by num_groups, got 6 and 4"),
    (lambda: nn.LayerNorm(0), ValueError, "LayerNorm: normalized_shape must be >= 1, got 0"),
    (lambda: nn.Linear(0, 3), ValueError, "Linear: in_features must be >= 1, got 0"),
    (lambda: nn.Dropout(1.5), ValueError, "Dropout: p must be between 0 and 1, got 1.5"),
    (lambda: nn.GELU("fast"), ValueError, "GELU: approximate must be one of 'none', 'tanh', got 'fast'"),
    (lambda: nn.Upsample(), ValueError, "Upsample: one of size and scale_factor must be given"),
    (lambda: nn.Upsample(scale_factor=2, mode="area"), ValueError, "Upsample: mode must be one of"),
    (lambda: nn.PixelShuffle(0), ValueError, "PixelShuffle: upscale_factor must be >= 1, got 0"),
    (lambda: nn.ReflectionPad2d(-1), ValueError, "ReflectionPad2d: padding must be >= 0, got -1"),
    (lambda: nn.ZeroPad2d((1, 2, 3)), ValueError, "ZeroPad2d: padding must be an int or 4 ints, got (1, 2, 3)"),
]
CALLS = [
    (lambda x: nn.Conv2d(3, 8, 3)(x[0, 0]), "conv2d: input must have 3 (one image) or 4 (a batch) axes, got 2"),
    (lambda x: nn.BatchNorm2d(3)(x[0]), "BatchNorm2d: input must have 4 axes, got 3"),
    (lambda x: F.conv2d(x, x[0]), "conv2d: weight must have 4 axes, got 3"),
    (lambda x: F.concat([]), "concat: at least one value is needed, got none"),
    (lambda x: F.flatten(x, 2, 1), "flatten: start_dim must not come after end_dim, got 2 and 1"),
    (lambda x: F.pad(x, (1, 2, 3)), "pad: pad must hold two numbers for each of at most 4 axes, got (1, 2, 3)"),
    (lambda x: F.interpolate(x, 4, mode="linear"), "interpolate: mode 'linear' needs 1 spatial axes, got 2"),
    (lambda x: F.interpolate(x, 4, 2.0), "interpolate: one of size and scale_factor must be given, got 4 and 2.0"),
    (lambda x: F.interpolate(x, 4, align_corners=True), "interpolate: align_corners must be None for mode 'nearest'"),
    (lambda x: F.conv_transpose2d(x, x, output_padding=1), "output_padding must be smaller than stride or dilation"),
]


@pytest.mark.parametrize(("make", "kind", "message"), CASES, ids=[message for _, _, message in CASES])
def test_constructors(make, kind, message):
    with pytest.raises(kind) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
def test_calls(call, message):
    with pytest.raises(ValueError) as caught:
        call(np.zeros((1, 3, 8, 8), np.float32))
    assert message in str(caught.value)
