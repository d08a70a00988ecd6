"""Normalisation layers, in inference: BatchNorm, InstanceNorm, GroupNorm, LayerNorm, LocalResponseNorm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastconv._arguments import LAYOUTS, Ints, at_least, one_of, per_axis

from . import functional as F
from .functional._layout import channels_first
from .module import Buffer, Module


def _affine(module: Module, shape: tuple[int, ...], weight: bool, bias: bool) -> None:
    module.register_parameter("weight", np.ones(shape, np.float32) if weight else None)
    module.register_parameter("bias", np.zeros(shape, np.float32) if bias else None)


class _ChannelNorm(Module):
    """What BatchNorm and InstanceNorm share: affine parameters and running statistics per channel."""

    dims: int

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        layout: str,
    ) -> None:
        super().__init__()
        what = type(self).__name__
        self.num_features = at_least(num_features, 1, f"{what}: num_features")
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.layout = one_of(layout, LAYOUTS, f"{what}: layout")
        _affine(self, (num_features,), affine, affine and bias)
        if track_running_stats:
            self.running_mean = Buffer(np.zeros(num_features, np.float32))
            self.running_var = Buffer(np.ones(num_features, np.float32))
            self.num_batches_tracked = Buffer(np.zeros((), np.int64))

    def _normalize(self, x: Any) -> Any:
        """Normalise (N, C, *spatial) by the running statistics, or by x's own where there are none."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        """Normalise x, whose channels stand as `layout` says; the shape stays."""
        return channels_first(self._normalize, x, self.dims, self.layout, type(self).__name__)

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        shown = (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )
        return shown if self.layout == "NCHW" else f"{shown}, layout={self.layout}"


class _BatchNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's (Ioffe & Szegedy, arXiv:1502.03167).

        Parameters
        ----------
        num_features : int
        eps : float
        momentum : float, optional
            Kept for torch's sake; inference does not use it.
        affine, bias : bool
            Whether there are a weight and a bias.
        track_running_stats : bool
            False: the statistics of the batch itself are used, as torch does.
        layout : {"NCHW", "NHWC"}
        """
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, layout)

    def forward(self, x: Any) -> Any:
        """Normalise a batch, whose channels stand as `layout` says; the shape stays."""
        if self.dims == 1 and x.ndim == 2:
            return self._normalize(x)
        if x.ndim != self.dims + 2:
            raise ValueError(f"{type(self).__name__}: input must have {self.dims + 2} axes, got {x.ndim}")
        return super().forward(x)

    def _normalize(self, x: Any) -> Any:
        tracked = self.track_running_stats
        mean, var = (self.running_mean, self.running_var) if tracked else (None, None)
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.eps)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L), as torch.nn.BatchNorm1d."""

    dims = 1


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W), as torch.nn.BatchNorm2d."""

    dims = 2


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W), as torch.nn.BatchNorm3d."""

    dims = 3


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        layout: str = "NCHW",
    ) -> None:
        """Arguments as torch's (Ulyanov et al., arXiv:1607.08022).

        Parameters
        ----------
        num_features : int
        eps : float
        momentum : float, optional
            Kept for torch's sake; inference does not use it.
        affine, bias : bool
            Whether there are a weight and a bias.
        track_running_stats : bool
            True: the running statistics are used instead of each plane's own, as torch does.
        layout : {"NCHW", "NHWC"}
        """
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, layout)

    def _normalize(self, x: Any) -> Any:
        if self.track_running_stats:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.eps)
        weight = np.ones(self.num_features, np.float32) if self.weight is None else self.weight
        bias = np.zeros(self.num_features, np.float32) if self.bias is None else self.bias
        return F.instance_norm(x, weight, bias, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L), as torch.nn.InstanceNorm1d."""

    dims = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W), as torch.nn.InstanceNorm2d."""

    dims = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W), as torch.nn.InstanceNorm3d."""

    dims = 3


class GroupNorm(Module):
    """Normalisation of groups of channels (Wu & He, arXiv:1803.08494), as torch.nn.GroupNorm.

    Parameters
    ----------
    num_groups, num_channels : int
        num_groups must divide num_channels.
    eps : float
    affine, bias : bool
        Whether there are a weight and a bias.
    layout : {"NCHW", "NHWC"}
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        layout: str = "NCHW",
    ) -> None:
        super().__init__()
        self.num_groups = at_least(num_groups, 1, "GroupNorm: num_groups")
        self.num_channels = at_least(num_channels, 1, "GroupNorm: num_channels")
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels must be divisible by num_groups, got {num_channels} and {num_groups}"
            )
        self.eps = eps
        self.affine = affine
        self.layout = one_of(layout, LAYOUTS, "GroupNorm: layout")
        _affine(self, (num_channels,), affine, affine and bias)

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial), in `layout`; the shape stays."""
        weight = np.ones(self.num_channels, np.float32) if self.weight is None else self.weight
        bias = np.zeros(self.num_channels, np.float32) if self.bias is None else self.bias

        def normalize(v: Any) -> Any:
            return F.group_norm(v, self.num_groups, weight, bias, self.eps)

        return channels_first(normalize, x, x.ndim - 2, self.layout, "GroupNorm")

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        shown = (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
        return shown if self.layout == "NCHW" else f"{shown}, layout={self.layout}"


class LayerNorm(Module):
    """Normalisation over the last axes (Ba et al., arXiv:1607.06450), as torch.nn.LayerNorm.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The extents of the axes to normalise over.
    eps : float
    elementwise_affine, bias : bool
        Whether there are a weight and a bias, of normalized_shape.
    """

    def __init__(
        self, normalized_shape: Ints, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        count = len(normalized_shape) if isinstance(normalized_shape, Sequence) else 1
        self.normalized_shape = per_axis(normalized_shape, count, "LayerNorm: normalized_shape", 1)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        _affine(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias)

    def forward(self, x: Any) -> Any:
        """(*, *normalized_shape); the shape stays."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Normalisation across neighbouring channels (Krizhevsky et al., 2012), as torch.nn.LocalResponseNorm.

    Parameters
    ----------
    size : int
        How many channels.
    alpha, beta, k : float
        x / (k + alpha * mean of squares) ** beta.
    layout : {"NCHW", "NHWC"}
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, layout: str = "NCHW"
    ) -> None:
        super().__init__()
        self.size = at_least(size, 1, "LocalResponseNorm: size")
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.layout = one_of(layout, LAYOUTS, "LocalResponseNorm: layout")

    def forward(self, x: Any) -> Any:
        """(N, C, *spatial), in `layout`; the shape stays."""

        def normalize(v: Any) -> Any:
            return F.local_response_norm(v, self.size, self.alpha, self.beta, self.k)

        return channels_first(normalize, x, x.ndim - 2, self.layout, "LocalResponseNorm")

    def extra_repr(self) -> str:
        """All arguments, as torch shows them."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
