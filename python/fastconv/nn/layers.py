"""Linear, and the layers that only move, pad or resample: Flatten, Dropout, Upsample, PixelShuffle, paddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from fastconv._arguments import LAYOUTS, Ints, at_least, one_of, per_axis

from . import functional as F
from . import init
from .functional._layout import channels_first
from .functional._shape import INTERPOLATION
from .module import Module, Parameter


class Linear(Module):
    """x @ weight.T + bias, as torch.nn.Linear.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = at_least(in_features, 1, "Linear: in_features")
        self.out_features = at_least(out_features, 1, "Linear: out_features")
        self.weight = Parameter(init.uniform((out_features, in_features), in_features))
        self.register_parameter("bias", init.uniform((out_features,), in_features) if bias else None)

    def forward(self, x: Any) -> Any:
        """(..., in_features) to (..., out_features)."""
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Module):
    """Join the axes start_dim to end_dim into one, as torch.nn.Flatten."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Any:
        """Any shape of enough axes."""
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """The identity: there is no training. Arguments as torch.nn.Dropout."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p must be between 0 and 1, got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """The identity: there is no training. Arguments as torch.nn.Dropout1d."""


class Dropout2d(Dropout):
    """The identity: there is no training. Arguments as torch.nn.Dropout2d."""


class Dropout3d(Dropout):
    """The identity: there is no training. Arguments as torch.nn.Dropout3d."""


class Upsample(Module):
    """Resample the spatial axes, as torch.nn.Upsample.

    Parameters
    ----------
    size : int or one per axis, optional
    scale_factor : float or one per axis, optional
        One of size and scale_factor is needed.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"}
    align_corners : bool, optional
    layout : {"NCHW", "NHWC"}
    """

    def __init__(
        self,
        size: Ints | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        *,
        layout: str = "NCHW",
    ) -> None:
        super().__init__()
        if (size is None) == (scale_factor is None):
            raise ValueError(f"Upsample: one of size and scale_factor must be given, got {size} and {scale_factor}")
        self.size = size
        self.scale_factor = tuple(scale_factor) if isinstance(scale_factor, Sequence) else scale_factor
        self.mode = one_of(mode, tuple(INTERPOLATION), "Upsample: mode")
        self.align_corners = align_corners
        self.layout = one_of(layout, LAYOUTS, "Upsample: layout")

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) to (N, C, *output), in `layout`."""
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners, layout=self.layout)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        given = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"


class PixelShuffle(Module):
    """(N, C r^2, H, W) to (N, C, H r, W r) (Shi et al., arXiv:1609.05158), as torch.nn.PixelShuffle."""

    def __init__(self, upscale_factor: int, *, layout: str = "NCHW") -> None:
        super().__init__()
        self.upscale_factor = at_least(upscale_factor, 1, "PixelShuffle: upscale_factor")
        self.layout = one_of(layout, LAYOUTS, "PixelShuffle: layout")

    def forward(self, x: Any) -> Any:
        """(N, C r^2, H, W) or (C r^2, H, W), in `layout`."""
        return F.pixel_shuffle(x, self.upscale_factor, layout=self.layout)

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"upscale_factor={self.upscale_factor}"


class _Pad(Module):
    dims: int
    mode: ClassVar[str]

    def __init__(self, padding: Ints, *, layout: str = "NCHW") -> None:
        """Arguments as torch's.

        Parameters
        ----------
        padding : int or (before, after) of each axis, the last axis first
            Negative: cut off (not for reflection).
        layout : {"NCHW", "NHWC"}
        """
        super().__init__()
        what = type(self).__name__
        self.padding = per_axis(padding, 2 * self.dims, f"{what}: padding", 0 if self.mode == "reflect" else -(2**62))
        self.value = 0.0
        self.layout = one_of(layout, LAYOUTS, f"{what}: layout")

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial) or (C, *spatial), in `layout`."""

        def padded(v: Any) -> Any:
            return F.pad(v, self.padding, self.mode, self.value)

        return channels_first(padded, x, self.dims, self.layout, type(self).__name__)

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Ints, value: float, *, layout: str = "NCHW") -> None:
        """Arguments as torch's.

        Parameters
        ----------
        padding : int or (before, after) of each axis, the last axis first
            Negative: cut off.
        value : float
        layout : {"NCHW", "NHWC"}
        """
        super().__init__(padding, layout=layout)
        self.value = value

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_Pad):
    mode = "constant"


class _ReflectionPad(_Pad):
    mode = "reflect"


class _ReplicationPad(_Pad):
    mode = "replicate"


class ConstantPad1d(_ConstantPad):
    """Pad with a value: (N, C, L), as torch.nn.ConstantPad1d."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Pad with a value: (N, C, H, W), as torch.nn.ConstantPad2d."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """Pad with a value: (N, C, D, H, W), as torch.nn.ConstantPad3d."""

    dims = 3


class ZeroPad1d(_ZeroPad):
    """Pad with zeros: (N, C, L), as torch.nn.ZeroPad1d."""

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Pad with zeros: (N, C, H, W), as torch.nn.ZeroPad2d."""

    dims = 2


class ZeroPad3d(_ZeroPad):
    """Pad with zeros: (N, C, D, H, W), as torch.nn.ZeroPad3d."""

    dims = 3


class ReflectionPad1d(_ReflectionPad):
    """Pad with the mirror image: (N, C, L), as torch.nn.ReflectionPad1d."""

    dims = 1


class ReflectionPad2d(_ReflectionPad):
    """Pad with the mirror image: (N, C, H, W), as torch.nn.ReflectionPad2d."""

    dims = 2


class ReflectionPad3d(_ReflectionPad):
    """Pad with the mirror image: (N, C, D, H, W), as torch.nn.ReflectionPad3d."""

    dims = 3


class ReplicationPad1d(_ReplicationPad):
    """Pad with the edge's values: (N, C, L), as torch.nn.ReplicationPad1d."""

    dims = 1


class ReplicationPad2d(_ReplicationPad):
    """Pad with the edge's values: (N, C, H, W), as torch.nn.ReplicationPad2d."""

    dims = 2


class ReplicationPad3d(_ReplicationPad):
    """Pad with the edge's values: (N, C, D, H, W), as torch.nn.ReplicationPad3d."""

    dims = 3
