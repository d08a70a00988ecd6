"""Activation layers: the functions of `functional/_activation.py` with their arguments kept.

`inplace` is accepted wherever torch has it and means nothing: the plan reuses memory by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from fastconv._arguments import LAYOUTS, at_least, one_of

from . import functional as F
from .module import Module, Parameter


class _Activation(Module):
    """An activation without arguments but `inplace`."""

    function: ClassVar[Callable[..., Any]]
    shows_inplace: ClassVar[bool] = True

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return type(self).function(x)

    def extra_repr(self) -> str:
        """Whether it was asked to work in place."""
        return "inplace=True" if self.inplace and self.shows_inplace else ""


class ReLU(_Activation):
    """max(x, 0), as torch.nn.ReLU."""

    function = F.relu


class ReLU6(_Activation):
    """min(max(x, 0), 6), as torch.nn.ReLU6."""

    function = F.relu6


class SiLU(_Activation):
    """x * sigmoid(x), as torch.nn.SiLU."""

    function = F.silu


class Mish(_Activation):
    """x * tanh(softplus(x)), as torch.nn.Mish."""

    function = F.mish


class Hardswish(_Activation):
    """x * relu6(x + 3) / 6, as torch.nn.Hardswish."""

    function = F.hardswish
    shows_inplace = False


class Hardsigmoid(_Activation):
    """relu6(x + 3) / 6, as torch.nn.Hardsigmoid."""

    function = F.hardsigmoid
    shows_inplace = False


class Sigmoid(Module):
    """1 / (1 + exp(-x)), as torch.nn.Sigmoid."""

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent, as torch.nn.Tanh."""

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.tanh(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope * x, as torch.nn.LeakyReLU."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """x where x > 0, else alpha * (exp(x) - 1), as torch.nn.ELU."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GELU(Module):
    """x * Phi(x), as torch.nn.GELU; `approximate` is "none" or "tanh"."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = one_of(approximate, ("none", "tanh"), "GELU: approximate")

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold, as torch.nn.Softplus."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        return f"beta={self.beta}, threshold={self.threshold}"


class PReLU(Module):
    """x where x > 0, else weight * x (He et al., arXiv:1502.01852), as torch.nn.PReLU.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels.
    init : float
    layout : {"NCHW", "NHWC"}
        Where the channels are: axis 1, or the last.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, layout: str = "NCHW") -> None:
        super().__init__()
        self.num_parameters = at_least(num_parameters, 1, "PReLU: num_parameters")
        self.layout = one_of(layout, LAYOUTS, "PReLU: layout")
        self.weight = Parameter(np.full(num_parameters, init, np.float32))

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        return F.prelu(x, self.weight, layout=self.layout)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        return f"num_parameters={self.num_parameters}"


class Softmax(Module):
    """exp(x) over its sum along an axis, as torch.nn.Softmax.

    Parameters
    ----------
    dim : int, optional
        By default torch's old choice: axis 0 of 1 or 3 axes, otherwise axis 1.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """Any shape; the shape stays."""
        default = 0 if x.ndim in (0, 1, 3) else 1
        return F.softmax(x, default if self.dim is None else self.dim)

    def extra_repr(self) -> str:
        """Arguments, as torch shows them."""
        return f"dim={self.dim}"
