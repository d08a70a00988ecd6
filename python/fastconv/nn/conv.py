"""Conv1d to ConvTranspose3d: the functions of `functional/_conv.py` with weights."""

from __future__ import annotations

import math
from typing import Any

from fastconv._arguments import LAYOUTS, Ints, at_least, one_of, per_axis

from . import functional as F
from . import init
from .functional._conv import conv_arguments, split_padding
from .functional._layout import channels_first
from .module import Module, Parameter

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvBase(Module):
    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints,
        padding: Ints | str,
        output_padding: Ints,
        dilation: Ints,
        groups: int,
        bias: bool,
        padding_mode: str,
        layout: str,
    ) -> None:
        super().__init__()
        what, dims = type(self).__name__, self.dims
        self.in_channels = at_least(in_channels, 1, f"{what}: in_channels")
        self.out_channels = at_least(out_channels, 1, f"{what}: out_channels")
        self.kernel_size = per_axis(kernel_size, dims, f"{what}: kernel_size", 1)
        self.stride, self.padding, self.dilation, self.groups = conv_arguments(
            what, dims, stride, padding, dilation, groups
        )
        self.output_padding = per_axis(output_padding, dims, f"{what}: output_padding", 0)
        self.padding_mode = one_of(
            padding_mode, ("zeros",) if self.transposed else _PADDING_MODES, f"{what}: padding_mode"
        )
        self.layout = one_of(layout, LAYOUTS, f"{what}: layout")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % self.groups:
                raise ValueError(f"{what}: {name} must be divisible by groups, got {channels} and {self.groups}")
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (outer, inner // self.groups, *self.kernel_size)
        fan_in = math.prod(shape[1:])
        self.weight = Parameter(init.uniform(shape, fan_in))
        self.register_parameter("bias", init.uniform((out_channels,), fan_in) if bias else None)

    def extra_repr(self) -> str:
        """Arguments that differ from their defaults."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        for name, default in (
            ("padding", zeros),
            ("dilation", ones),
            ("output_padding", zeros),
            ("groups", 1),
            ("padding_mode", "zeros"),
            ("layout", "NCHW"),
        ):
            if name == "padding_mode" and self.bias is None:
                parts.append("bias=False")
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


class _Conv(_ConvBase):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | str = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's.

        Parameters
        ----------
        in_channels, out_channels : int
        kernel_size, stride, dilation : int or one per axis
        padding : int, one per axis, "same" (stride 1 only) or "valid"
        groups : int
            Must divide both numbers of channels.
        bias : bool
        padding_mode : {"zeros", "reflect", "replicate", "circular"}
        layout : {"NCHW", "NHWC"}
            Of input and output; the weight is always (K, C / groups, *kernel).
        """
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, layout
        )

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial) to (N, K, *output), in `layout`."""
        function = (F.conv1d, F.conv2d, F.conv3d)[self.dims - 1]
        rest = (self.weight, self.bias, self.stride)
        if self.padding_mode == "zeros":
            return function(x, *rest, self.padding, self.dilation, self.groups, layout=self.layout)
        begin, end = split_padding(self.padding, self.kernel_size, self.dilation)
        pairs = [amount for axis in reversed(range(self.dims)) for amount in (begin[axis], end[axis])]

        def padded(v: Any) -> Any:
            return function(F.pad(v, pairs, self.padding_mode), *rest, 0, self.dilation, self.groups)

        return channels_first(padded, x, self.dims, self.layout, type(self).__name__)


class _ConvTranspose(_ConvBase):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        *,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's.

        Parameters
        ----------
        in_channels, out_channels : int
        kernel_size, stride, padding, dilation : int or one per axis
        output_padding : int or one per axis
            Added to one end of the output; smaller than stride or dilation.
        groups : int
            Must divide both numbers of channels.
        bias : bool
        padding_mode : {"zeros"}
        layout : {"NCHW", "NHWC"}
            Of input and output; the weight is always (C, K / groups, *kernel).
        """
        padding = per_axis(padding, self.dims, f"{type(self).__name__}: padding", 0)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
            bias,
            padding_mode,
            layout,
        )

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial) to (N, K, *output), in `layout`."""
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.dims - 1]
        geometry = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return function(x, self.weight, self.bias, *geometry, layout=self.layout)


class Conv1d(_Conv):
    """Convolution of (N, C, L), as torch.nn.Conv1d."""

    dims = 1


class Conv2d(_Conv):
    """Convolution of (N, C, H, W), as torch.nn.Conv2d."""

    dims = 2


class Conv3d(_Conv):
    """Convolution of (N, C, D, H, W), as torch.nn.Conv3d."""

    dims = 3


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of (N, C, L), as torch.nn.ConvTranspose1d."""

    dims = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of (N, C, H, W), as torch.nn.ConvTranspose2d."""

    dims = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of (N, C, D, H, W), as torch.nn.ConvTranspose3d."""

    dims = 3
