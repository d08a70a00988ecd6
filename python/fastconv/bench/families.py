"""The kinds of convolution: which one a shape is of, and shapes that stand for each.

The shapes are what ``fastconv bench layers`` measures when it is given none: layers of well-known networks.
"""

from __future__ import annotations

from fastconv.bench.shapes import ConvShape, parse

_TEXTS = """
1x64x56x56:64:3  1x128x56x56:128:3  1x64x28x28:64:3  1x128x28x28:128:3
1x256x14x14:256:3  1x512x7x7:512:3  1x64x224x224:64:3
1x64x56x56:256:1  1x256x56x56:64:1  1x128x28x28:512:1  1x512x28x28:128:1
1x256x14x14:1024:1  1x1024x14x14:256:1  1x512x7x7:2048:1  1x2048x7x7:512:1
1x3x224x224:64:7:s2  1x3x224x224:32:3:s2
1x32x112x112:32:3:g32  1x96x112x112:96:3:s2:g96  1x144x56x56:144:3:g144  1x144x56x56:144:3:s2:g144
1x192x28x28:192:3:g192  1x384x14x14:384:3:g384  1x576x14x14:576:3:s2:g576  1x960x7x7:960:3:g960
1x72x56x56:72:5:s2:g72  1x120x28x28:120:5:g120  1x240x28x28:240:5:s2:g240  1x672x14x14:672:5:g672
1x672x14x14:672:5:s2:g672  1x1152x7x7:1152:5:g1152
1x256x28x28:128:2:s2:p0:t  1x128x56x56:64:2:s2:p0:t  1x256x16x16:128:4:s2:p1:t  1x128x32x32:64:4:s2:p1:t
1x128x28x28:64:3:s2:p1:o1:t  1x256x14x14:128:3:s2:p1:o1:t
1x256x28x28:256:3:d2  1x256x28x28:256:3:d4  1x256x33x33:256:3:d6  1x256x33x33:256:3:d12
1x256x33x33:256:3:d18  1x256x33x33:256:3:d24  1x256x65x65:256:3:d36
1x128x56x56:128:3:g64  1x128x56x56:128:3:g32  1x256x28x28:256:3:g32  1x256x28x28:256:3:g16
1x512x14x14:512:3:g16  1x512x14x14:512:3:g8
1x512x400:512:3  1x512x3199:512:3:s2  1x80x1000:512:5  1x1x16000:512:10:s5:p0  1x1x32000:512:16:s8:p0
1x64x1000:64:31:g64  1x1x16000:80:251  1x1x64000:512:512:s256:p0
1x3x16x112x112:64:3  1x64x8x56x56:64:3  1x64x8x28x28:128:3:s2  1x64x16x56x56:64:1x3x3  1x32x32x64x64:32:3
"""


def representatives() -> list[ConvShape]:
    """Return shapes of every family."""
    return [parse(text) for text in _TEXTS.split()]


def family(shape: ConvShape) -> str:
    """Name the family of a shape; the first that fits, as a 3-D transposed convolution is first of all transposed."""
    per_group = shape.c // shape.groups
    if shape.transposed:
        return "transposed"
    if shape.rank != 2:
        return f"{shape.rank}-D"
    if shape.groups > 1:
        return "depthwise" if per_group == 1 else "grouped"
    if any(d > 1 for d in shape.dilation):
        return "dilated"
    if all(r == 1 for r in shape.kernel):
        return "1x1"
    if shape.c <= 4:
        return "first layer"
    if shape.kernel == (3, 3) and shape.stride == (1, 1):
        return "3x3 stride 1"
    return "other dense"
