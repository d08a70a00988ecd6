"""`fastconv.torch.convert`: a module of torch's that runs through fastconv wherever it is called from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar

import torch

from fastconv.torch import layers
from fastconv.torch.dynamo import backend
from fastconv.torch.layers import check_no_gradients

ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)


def convert(module: ModuleT) -> ModuleT:
    """Return a copy of a module, in inference mode, that runs through fastconv.

    Its convolution, pooling and linear layers are subclasses of torch's that fastconv computes, and a call of the whole
    is captured as `torch.compile` does, so that whole graphs become networks. Names, parameters and `state_dict` are
    those of the module; it can be pickled, copied and saved with `torch.save`, and compiles again where it is loaded.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    torch.nn.Module
        Of the same class. Its results carry no gradients: a call that asks for some raises RuntimeError.

    Raises
    ------
    TypeError
        For anything but a module.
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"fastconv.torch.convert: module must be a torch.nn.Module, got {type(module).__name__}")
    converted = copy.deepcopy(module).eval()
    for part in converted.modules():
        if type(part).__module__.startswith("torch.nn.modules.") and type(part).__name__ in layers.NAMES:
            part.__class__ = getattr(layers, type(part).__name__)
    converted.__dict__["forward"] = _Whole(converted)
    return converted


class _Whole:
    """The `forward` of a converted module: its class's own, compiled at the first call."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module
        self._run: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        forward = MethodType(type(self._module).forward, self._module)
        if torch.compiler.is_compiling():
            return forward(*arguments, **more)
        check_no_gradients(self._module, *torch.utils._pytree.tree_leaves((arguments, more)))
        if self._run is None:
            self._run = torch.compile(forward, backend=backend)
        return self._run(*arguments, **more)

    def __getstate__(self) -> dict[str, Any]:
        return {"_module": self._module, "_run": None}
