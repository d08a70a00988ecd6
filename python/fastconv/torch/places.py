"""The parameters that an exported graph reads, where its module keeps them, so that others put there are seen.

Used by `direct`. What a call costs is less the work than what it touches, which a network leaves out of the caches: see
decision 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import getitem
from typing import Any

import torch

from fastconv.torch.signature import IndirectError

Place = tuple[dict[str, Any], str]  # the dict that has a parameter, buffer or constant, and the name it has there


class Places:
    """Places of a module's parameters, and how the module was built when they were found.

    Parameters
    ----------
    module : torch.nn.Module
    places : list of Place
    """

    def __init__(self, module: torch.nn.Module, places: list[Place]) -> None:
        self._owners, self._names = [owner for owner, _ in places], [name for _, name in places]
        self._kinds = list(map(_kind, self._read()))
        # Of a bias that could be, say.
        absent = [(owner, name) for owner, name in places_of(module) if owner[name] is None]
        self._absent_owners, self._absent_names = [owner for owner, _ in absent], [name for _, name in absent]
        self._twins = list(_twins(module, places))
        self._tree = [part._modules for part in module.modules() if part._modules]
        self._tree_then = [dict(children) for children in self._tree]

    def _read(self) -> tuple[Any, ...]:
        return tuple(map(getitem, self._owners, self._names))

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """Return what is at the places.

        Raises
        ------
        IndirectError
            Where the module is not built as it was.
        """
        if self._tree != self._tree_then:
            raise IndirectError("submodules must be those of the conversion, got others")
        try:
            found = self._read()
            absent = list(map(getitem, self._absent_owners, self._absent_names))
        except KeyError as name:
            raise IndirectError(f"parameters must be those of the conversion, got none of name {name}") from None
        if absent.count(None) != len(absent):
            raise IndirectError("parameters must be those of the conversion, got one more")
        if any(owner[name] is not found[index] for owner, name, index in self._twins):
            raise IndirectError("parameters of two names must stay one, got two")
        return found

    def check_kinds(self, parameters: Sequence[torch.Tensor]) -> None:
        """Raise IndirectError where parameters have other shapes or types than those that were at the places."""
        if list(map(_kind, parameters)) != self._kinds:
            raise IndirectError("parameters must be of the conversion's shapes and types, got others")


def places_of(module: torch.nn.Module) -> Iterator[Place]:
    """Return the places of all parameters and buffers, those of one submodule side by side."""
    for part in module.modules():
        for owner in (part._parameters, part._buffers):
            yield from ((owner, name) for name in owner)


def _kind(tensor: torch.Tensor | None) -> Any:
    return None if tensor is None else (tensor.shape, tensor.dtype, tensor.device)


def _twins(module: torch.nn.Module, places: list[Place]) -> Iterator[tuple[dict[str, Any], str, int]]:
    """Return the other places of parameters that have several, with the indices of those among `places`."""
    indices = {id(owner[name]): index for index, (owner, name) in enumerate(places)}
    known = {(id(owner), name) for owner, name in places}
    for owner, name in places_of(module):
        if id(owner[name]) in indices and (id(owner), name) not in known:
            yield owner, name, indices[id(owner[name])]
