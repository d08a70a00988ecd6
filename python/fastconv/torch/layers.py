"""torch's convolution, pooling and linear layers, computed by the `fastconv.nn` layer of the same name.

`convert` puts them in the place of torch's own, whose subclasses they are. Inside torch.compile they are torch's, so
that the backend gets the graph that it knows.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

import fastconv.nn
from fastconv.torch.state import addresses_of, writes

NAMES = [
    "Linear",
    *(f"{kind}{axes}d" for kind in ("Conv", "ConvTranspose", "MaxPool", "AvgPool") for axes in (1, 2, 3)),
    *(f"Adaptive{kind}Pool{axes}d" for kind in ("Avg", "Max") for axes in (1, 2, 3)),
]


def check_no_gradients(module: torch.nn.Module, *inputs: Any) -> None:
    """Raise RuntimeError where a module's results would have to carry gradients."""
    if not torch.is_grad_enabled():
        return
    names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    names += [f"input {n}" for n, x in enumerate(inputs) if isinstance(x, torch.Tensor) and x.requires_grad]
    if names:
        raise RuntimeError(
            f"fastconv.torch.convert: {type(module).__name__} must be called under torch.no_grad() or "
            f"torch.inference_mode(), got a call that asks for gradients of {names[0]!r}"
            + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        )


class _Layer:
    """What each of the layers adds to torch's."""

    def forward(self: Any, x: torch.Tensor, *more: Any) -> Any:
        if torch.compiler.is_compiling() or more or not self._takes(x):
            return super().forward(x, *more)  # type: ignore[misc]
        check_no_gradients(self, x)
        return self._layer()(x.detach())

    def _takes(self: Any, x: torch.Tensor) -> bool:
        """Tell whether fastconv computes this: float32 with a batch axis, parameters included.

        A weight that is made on each call, of pruned layers say, is not a parameter.
        """
        rank = int(type(self).__name__[-2]) + 2 if type(self).__name__ != "Linear" else x.dim()
        tensors = (x, *self.parameters())
        if not self._parameters.keys() <= {"weight", "bias"}:
            return False
        return x.dim() == rank > 1 and all(t.dtype == torch.float32 and t.device.type == "cpu" for t in tensors)

    def _layer(self: Any) -> Any:
        """Return fastconv's layer with the parameters of this one, made again where they have changed."""
        held = [parameter.detach() for parameter in self.parameters()]
        state = [*addresses_of(held), *writes(held)]
        known = self.__dict__.get("_fastconv")
        if known is None or known[0] != state:
            ours = getattr(fastconv.nn, type(self).__name__)
            names = [name for name in inspect.signature(ours).parameters if name not in ("bias", "layout")]
            bias = {"bias": self.bias is not None} if hasattr(self, "bias") else {}
            layer = ours(**{name: getattr(self, name) for name in names}, **bias)
            layer.load_state_dict(self.state_dict())
            self.__dict__["_fastconv"] = known = state, held, layer
        return known[2]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_fastconv"}


for _name in NAMES:
    _base = getattr(torch.nn, _name)
    _members = {"__module__": __name__, "__doc__": f"torch.nn.{_name}, computed by `fastconv.nn.{_name}`."}
    globals()[_name] = type(_name, (_Layer, _base), _members)
