"""Pooling layers: the functions of `functional/_pool.py` with their arguments kept."""

from __future__ import annotations

from typing import Any

from fastconv._arguments import LAYOUTS, Ints, OutputSize, at_least, one_of, per_axis, pool_output_sizes, pool_window

from . import functional as F
from .module import Module


class _Pool(Module):
    dims: int
    shown: tuple[str, ...]

    def extra_repr(self) -> str:
        """The window, as torch shows it."""
        shown = [f"{name}={getattr(self, name)}" for name in self.shown]
        return ", ".join(shown + ([f"layout={self.layout}"] if self.layout != "NCHW" else []))


class _MaxPool(_Pool):
    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        *,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's.

        Parameters
        ----------
        kernel_size, stride, padding, dilation : int or one per axis
            stride is kernel_size by default; padding is at most half the kernel and never the maximum.
        return_indices : bool
            Also return where each maximum lies, as a flat index into its plane.
        ceil_mode : bool
            Also keep a last, partial window.
        layout : {"NCHW", "NHWC"}
        """
        super().__init__()
        what = type(self).__name__
        pool_window(what, self.dims, kernel_size, stride, padding, dilation, ceil_mode)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode
        self.layout = one_of(layout, LAYOUTS, f"{what}: layout")

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial) to (N, C, *output), in `layout`; with indices, two of them."""
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.dims - 1]
        geometry = (self.kernel_size, self.stride, self.padding, self.dilation)
        return function(x, *geometry, self.ceil_mode, self.return_indices, layout=self.layout)


class _AvgPool(_Pool):
    shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's.

        Parameters
        ----------
        kernel_size, stride, padding : int or one per axis
            stride is kernel_size by default; padding is at most half the kernel.
        ceil_mode : bool
            Also keep a last, partial window.
        count_include_pad : bool
            Whether padding counts in the divisor.
        divisor_override : int, optional
            Divide by this instead.
        layout : {"NCHW", "NHWC"}
        """
        super().__init__()
        what = type(self).__name__
        pool_window(what, self.dims, kernel_size, stride, padding, 1, ceil_mode)
        if divisor_override is not None:
            at_least(divisor_override, 1, f"{what}: divisor_override")
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override
        self.layout = one_of(layout, LAYOUTS, f"{what}: layout")

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial) to (N, C, *output), in `layout`."""
        function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[self.dims - 1]
        counting = (self.ceil_mode, self.count_include_pad, self.divisor_override)
        return function(x, self.kernel_size, self.stride, self.padding, *counting, layout=self.layout)


class _AdaptivePool(_Pool):
    shown = ("output_size",)

    def __init__(self, output_size: OutputSize, *, layout: str = "NCHW") -> None:
        """Arguments as torch's.

        Parameters
        ----------
        output_size : int or one per axis
            None keeps an axis as it is.
        layout : {"NCHW", "NHWC"}
        """
        super().__init__()
        what = type(self).__name__
        pool_output_sizes(what, self.dims, output_size)
        self.output_size = output_size
        self.layout = one_of(layout, LAYOUTS, f"{what}: layout")


class _AdaptiveAvgPool(_AdaptivePool):
    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial) to (N, C, *output_size), in `layout`."""
        function = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[self.dims - 1]
        return function(x, self.output_size, layout=self.layout)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(
        self,
        output_size: OutputSize,
        return_indices: bool = False,
        *,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's.

        Parameters
        ----------
        output_size : int or one per axis
            None keeps an axis as it is.
        return_indices : bool
            Also return where each maximum lies, as a flat index into its plane.
        layout : {"NCHW", "NHWC"}
        """
        super().__init__(output_size, layout=layout)
        self.return_indices = return_indices

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial) to (N, C, *output_size), in `layout`; with indices, two of them."""
        function = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[self.dims - 1]
        return function(x, self.output_size, self.return_indices, layout=self.layout)


class MaxPool1d(_MaxPool):
    """Largest element of each window of (N, C, L), as torch.nn.MaxPool1d."""

    dims = 1


class MaxPool2d(_MaxPool):
    """Largest element of each window of (N, C, H, W), as torch.nn.MaxPool2d."""

    dims = 2


class MaxPool3d(_MaxPool):
    """Largest element of each window of (N, C, D, H, W), as torch.nn.MaxPool3d."""

    dims = 3


class AvgPool1d(_AvgPool):
    """Mean of each window of (N, C, L), as torch.nn.AvgPool1d."""

    dims = 1

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's: those of AvgPool2d but divisor_override, and kept as tuples."""
        steps = kernel_size if stride is None else stride
        kernel, steps, pads = (per_axis(value, 1, "AvgPool1d: window") for value in (kernel_size, steps, padding))
        super().__init__(kernel, steps, pads, ceil_mode, count_include_pad, layout=layout)


class AvgPool2d(_AvgPool):
    """Mean of each window of (N, C, H, W), as torch.nn.AvgPool2d."""

    dims = 2


class AvgPool3d(_AvgPool):
    """Mean of each window of (N, C, D, H, W), as torch.nn.AvgPool3d."""

    dims = 3


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Means over bins that cover (N, C, L), as torch.nn.AdaptiveAvgPool1d."""

    dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Means over bins that cover (N, C, H, W), as torch.nn.AdaptiveAvgPool2d."""

    dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Means over bins that cover (N, C, D, H, W), as torch.nn.AdaptiveAvgPool3d."""

    dims = 3


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima over bins that cover (N, C, L), as torch.nn.AdaptiveMaxPool1d."""

    dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima over bins that cover (N, C, H, W), as torch.nn.AdaptiveMaxPool2d."""

    dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima over bins that cover (N, C, D, H, W), as torch.nn.AdaptiveMaxPool3d."""

    dims = 3
