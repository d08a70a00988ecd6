"""`Module`: the base of every layer and model, with torch's names for parameters and state.

A subclass writes `forward` once, on traced values (`tensor.py`). Called inside another module's `forward`, a module
adds its nodes to the graph in the making; called on arrays, it records itself (`tracing.py`), keeps the `Network` made
of the record, and runs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._precision import get_precision
from ..network import Network, as_array
from . import safetensors
from .tensor import Tensor
from .tracing import record

Self = TypeVar("Self", bound="Module")
_MAX_NETWORKS = 4


class Parameter:
    """Marks an array that is assigned to a module's attribute as one of its parameters."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array


class Buffer(Parameter):
    """Marks an array as part of a module's state that is not a parameter (running statistics)."""


class LoadResult(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A layer or a model, for inference.

    Attributes that are `Parameter`, `Buffer` or `Module` objects are registered under the attribute's name. Reading a
    parameter gives its array, which is read-only, because compiled networks hold a copy: assign a new array (or call
    `load_state_dict`) to change it. There is no training mode: `train` and `eval` do nothing, dropout is the identity
    and batch normalisation uses its running statistics.
    """

    training = False
    _latest: ClassVar[int] = 0  # the stamp of the last change of any module

    def __init__(self) -> None:
        self._parameters: dict[str, NDArray[Any] | None]
        self._buffers: dict[str, NDArray[Any] | None]
        self._modules: dict[str, Module | None]
        self._networks: dict[Any, Any]
        for name in ("_parameters", "_buffers", "_modules", "_networks"):
            object.__setattr__(self, name, {})
        self._touch()

    def forward(self, *inputs: Any) -> Any:
        """Describe the computation on traced values; return one, or a tuple or dict of them."""
        raise NotImplementedError(f"{type(self).__name__}: forward is not defined")

    # ------------------------------------------------------------------------------------------------ registration

    def register_parameter(self, name: str, array: NDArray[Any] | None) -> None:
        """Add a parameter; None keeps the name without a value, as torch does for an absent bias."""
        self._register(self._parameters, name, None if array is None else _frozen(array))

    def register_buffer(self, name: str, array: NDArray[Any] | None) -> None:
        """Add an array that belongs to the state but is not a parameter."""
        self._register(self._buffers, name, None if array is None else _frozen(array))

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name that need not be an identifier."""
        self._register(self._modules, name, module)

    def _register(self, kind: dict[str, Any], name: str, value: Any) -> None:
        if not name or "." in name:
            raise KeyError(f"{type(self).__name__}: a name must not be empty or contain a dot, got {name!r}")
        for other in (self._parameters, self._buffers, self._modules):
            if other is not kind:
                other.pop(name, None)
        self.__dict__.pop(name, None)
        kind[name] = value
        self._touch()

    def _touch(self) -> None:
        """Note a change: networks traced before it are stale. Later stamps are larger, across all modules."""
        Module._latest += 1
        object.__setattr__(self, "_stamp", Module._latest)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Buffer):
            self.register_buffer(name, value.array)
        elif isinstance(value, Parameter):
            self.register_parameter(name, value.array)
        elif isinstance(value, Module):
            self.add_module(name, value)
        elif name in self.__dict__.get("_modules", ()) and value is None:
            self.add_module(name, None)
        elif name in self.__dict__.get("_parameters", ()):
            self.register_parameter(name, None if value is None else np.asarray(value))
        elif name in self.__dict__.get("_buffers", ()):
            self.register_buffer(name, None if value is None else np.asarray(value))
        else:
            object.__setattr__(self, name, value)
            if "_networks" in self.__dict__:
                self._touch()

    def __getattr__(self, name: str) -> Any:
        if "_networks" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: super().__init__() must be called before any assignment")
        for kind in ("_parameters", "_buffers", "_modules"):
            registered = self.__dict__.get(kind, {})
            if name in registered:
                return registered[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for kind in (self._parameters, self._buffers, self._modules):
            if name in kind:
                del kind[name]
                break
        else:
            object.__delattr__(self, name)
        self._touch()

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    # ------------------------------------------------------------------------------------------------------- lists

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Direct submodules with their names."""
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """Direct submodules."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """The module itself and all below it, each with its dotted name."""
        yield prefix, self
        for name, module in self.named_children():
            yield from module.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """The module itself and all below it."""
        return (module for _, module in self.named_modules())

    def _named_arrays(self, *kinds: str) -> Iterator[tuple[str, NDArray[Any]]]:
        for prefix, module in self.named_modules():
            for kind in kinds:
                for name, array in getattr(module, kind).items():
                    if array is not None:
                        yield (f"{prefix}.{name}" if prefix else name), array

    def named_parameters(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Parameters with their dotted names."""
        return self._named_arrays("_parameters")

    def parameters(self) -> Iterator[NDArray[Any]]:
        """Parameters."""
        return (array for _, array in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Buffers with their dotted names."""
        return self._named_arrays("_buffers")

    def buffers(self) -> Iterator[NDArray[Any]]:
        """Buffers."""
        return (array for _, array in self.named_buffers())

    # ------------------------------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Parameters and buffers by dotted name, in torch's order; the arrays are read-only."""
        return dict(self._named_arrays("_parameters", "_buffers"))

    def load_state_dict(
        self, state_dict: Mapping[str, Any] | str | os.PathLike[str], strict: bool = True
    ) -> LoadResult:
        """Copy values into the parameters and buffers.

        Parameters
        ----------
        state_dict : mapping or path
            From dotted names to NumPy arrays or torch tensors, of any floating type for float32 parameters; or a
            safetensors file.
        strict : bool
            Whether the names must be exactly those of `state_dict()`. `num_batches_tracked` may always be missing:
            checkpoints written by torch before 0.4.1 lack it.

        Returns
        -------
        LoadResult
            Missing and unexpected keys.

        Raises
        ------
        RuntimeError
            Naming every missing and unexpected key (when strict) and every shape that differs. Nothing is loaded then.
        ValueError
            Where a file is not a whole safetensors file.
        """
        if isinstance(state_dict, (str, os.PathLike)):
            state_dict = safetensors.load(state_dict)
        own = self.state_dict()
        missing = [key for key in own if key not in state_dict and not key.endswith("num_batches_tracked")]
        unexpected = [key for key in state_dict if key not in own]
        problems = []
        if strict and unexpected:
            problems.append(f"Unexpected key(s) in state_dict: {', '.join(map(repr, unexpected))}.")
        if strict and missing:
            problems.append(f"Missing key(s) in state_dict: {', '.join(map(repr, missing))}.")
        loaded = {key: _to_numpy(state_dict[key]) for key in own if key in state_dict}
        for key, array in loaded.items():
            if array.shape != own[key].shape:
                problems.append(f"size mismatch for {key}: {array.shape} in state_dict, {own[key].shape} in the model.")
        if problems:
            raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {type(self).__name__}:", *problems]))
        for prefix, module in self.named_modules():
            for kind in (module._parameters, module._buffers):
                for name, old in kind.items():
                    key = f"{prefix}.{name}" if prefix else name
                    if old is not None and key in loaded:
                        kind[name] = _frozen(loaded[key], old.dtype)
            module._touch()
        return LoadResult(missing, unexpected)

    def eval(self: Self) -> Self:
        """Do nothing, and return the module: it is always in inference mode."""
        return self

    def train(self: Self, mode: bool = True) -> Self:
        """Do nothing, and return the module: there is no training."""
        return self

    # ----------------------------------------------------------------------------------------------------- running

    def __call__(self, *inputs: Any) -> Any:
        """Run on arrays, or, on traced values, add to their graph."""
        flat = (leaf for value in inputs for leaf in (value if isinstance(value, (tuple, list)) else (value,)))
        traced = next((leaf for leaf in flat if isinstance(leaf, Tensor)), None)
        if traced is None:
            return self._network(inputs)(*inputs)
        with traced.trace.inside(self):
            return self.forward(*inputs)

    def _network(self, inputs: Sequence[Any]) -> Network:
        """Return the network for arrays of these ranks and types, for any extents."""
        arrays = [as_array(value) for value in inputs]
        key = (get_precision(), *((array.ndim, array.dtype) for array in arrays))
        checked, network = self._networks.pop(key, (0, None))
        if checked != Module._latest and checked < max(module._stamp for module in self.modules()):
            graph, returns = record(self, [(str(array.dtype), [-1] * array.ndim) for array in arrays])
            network = Network(graph, returns=returns)
        self._networks[key] = Module._latest, network  # the most recently used is last
        while len(self._networks) > _MAX_NETWORKS:
            self._networks.pop(next(iter(self._networks)), None)
        return network

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_networks", "_stamp")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _networks={})
        for kind in (self._parameters, self._buffers):
            for array in kind.values():
                if array is not None:
                    array.setflags(write=False)
        self._touch()

    # -------------------------------------------------------------------------------------------------------- repr

    def extra_repr(self) -> str:
        """Arguments to show in `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(([extra] if extra else []) + lines) + "\n)"


def _frozen(array: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
    """Return a read-only array of `dtype` (float32 for floats by default); a copy where the caller's can change."""
    array = np.asarray(array)
    dtype = dtype or (np.dtype(np.float32) if array.dtype.kind == "f" else array.dtype)
    if array.flags.writeable or array.dtype != dtype:
        array = np.array(array, dtype, order="C")
        array.setflags(write=False)
    return array


def _to_numpy(value: Any) -> NDArray[Any]:
    """Return a state-dict entry as an array; torch tensors are met without importing torch."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    return np.asarray(value)
