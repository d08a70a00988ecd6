"""Modules made of modules, with torch's names for their children."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .module import Module


class _Ordered(Module):
    """Children in order, under their names."""

    def append(self: Any, module: Module) -> Any:
        """Add a module at the end, and return self."""
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._slice(dict(list(self._modules.items())[index]))
        return list(self)[operator.index(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(list(self._modules)[operator.index(index)], module)

    def _slice(self, modules: dict[str, Any]) -> Any:
        return Sequential(modules)


class ModuleList(_Ordered):
    """A list of modules; their names are "0", "1", ..."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end, and return self."""
        for module in modules:
            self.append(module)
        return self

    def _slice(self, modules: dict[str, Any]) -> Any:
        return ModuleList(modules.values())


class Sequential(_Ordered):
    """Modules run one after the other.

    Parameters
    ----------
    *modules : Module, or one mapping
        Named "0", "1", ..., or by the mapping's keys.
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        first = modules[0] if len(modules) == 1 else None
        for name, module in first.items() if isinstance(first, Mapping) else enumerate(modules):
            self.add_module(str(name), module)

    def forward(self, x: Any) -> Any:
        """Run the modules in order."""
        for module in self:
            x = module(x)
        return x


class Residual(Sequential):
    """y = F(x) + x, F being the modules run one after the other (He et al., arXiv:1512.03385)."""

    def forward(self, x: Any) -> Any:
        """Run the modules in order and add the input."""
        return super().forward(x) + x


class ModuleDict(Module):
    """A dictionary of modules."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add or replace modules."""
        for name, module in modules.items():
            self.add_module(name, module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Any:
        return self._modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def keys(self) -> Iterable[str]:
        """Names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """Modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and modules."""
        return self._modules.items()


class Identity(Module):
    """y = x, whatever the arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x
