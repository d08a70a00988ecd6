"""What the arguments of a call look like, without their elements: what an exported graph holds for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree

Tensor = torch.Tensor
_PLAIN = (Tensor, torch.nn.Parameter)


class IndirectError(Exception):
    """Why a call, or every call of a module, goes through torch.compile."""


@dataclass(frozen=True)
class _Like:
    """A tensor without its elements."""

    shape: torch.Size
    strides: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> _Like:
        return cls(tensor.shape, tensor.stride(), tensor.dtype)

    def __str__(self) -> str:
        return f"{self.dtype} of shape {tuple(self.shape)}, strides {self.strides}"

    def fits(self, x: Any) -> bool:
        return (
            _is_plain(x)
            and x.shape == self.shape
            and x.dtype is self.dtype
            and (x.stride() == self.strides or self._same_places(x.stride()))
        )

    def _same_places(self, strides: tuple[int, ...]) -> bool:
        """Tell whether elements lie alike: the stride of an axis of one is of no consequence."""
        return all(n == 1 or mine == theirs for n, mine, theirs in zip(self.shape, self.strides, strides))


def _is_plain(x: Any) -> bool:
    return type(x) in _PLAIN and x.is_cpu and x.layout is torch.strided


class Signature:
    """What the positional arguments of a call look like; it pickles.

    Parameters
    ----------
    likes : tuple
        The arguments, with a `_Like` in the place of every tensor. See `signature_of`.
    """

    def __init__(self, likes: tuple[Any, ...]) -> None:
        self._tree = likes
        named, self._structure = _pytree.tree_flatten_with_path(likes)
        self._names = [f"arguments{_pytree.keystr(path)}" for path, _ in named]
        self._likes: list[_Like] = [like for _, like in named]
        self._is_flat = all(isinstance(like, _Like) for like in likes)

    def __reduce__(self) -> Any:
        return Signature, (self._tree,)

    def examples(self) -> tuple[Any, ...]:
        """Return arguments of this look, their elements undefined."""
        likes: tuple[Any, ...] = _pytree.tree_map(
            lambda like: torch.empty_strided(like.shape, like.strides, dtype=like.dtype), self._tree
        )
        return likes

    def tensors(self, arguments: tuple[Any, ...], more: Mapping[str, Any]) -> Sequence[Tensor]:
        """Return the tensors among the arguments of a call.

        Raises
        ------
        IndirectError
            Where they look otherwise; it tells which, and how.
        """
        if more:
            raise IndirectError(f"arguments must be positional, got {', '.join(map(repr, more))} by keyword")
        leaves, structure = (arguments, None) if self._is_flat else _pytree.tree_flatten(arguments)
        if len(leaves) != len(self._likes) or (structure is not None and structure != self._structure):
            raise IndirectError("the structure of the arguments must be that of example_inputs")
        for name, like, x in zip(self._names, self._likes, leaves):
            if not like.fits(x):
                raise IndirectError(f"{name} must be {like}, got {_Like.of(x) if _is_plain(x) else type(x).__name__}")
        return leaves


def signature_of(example_inputs: tuple[Any, ...]) -> Signature:
    """Return what example inputs look like.

    Raises
    ------
    TypeError
        For anything but a tuple of tensors, or of lists, tuples and dicts of some.
    ValueError
        For tensors that are not of the CPU, or sparse.
    """
    what = "fastconv.torch.convert: example_inputs"
    if not isinstance(example_inputs, tuple):
        kind = type(example_inputs).__name__
        raise TypeError(f"{what} must be a tuple of the positional arguments of forward, got {kind}")
    for path, x in _pytree.tree_flatten_with_path(example_inputs)[0]:
        where = f"{what}{_pytree.keystr(path)}"
        if type(x) not in _PLAIN:
            raise TypeError(f"{where} must be a tensor, got {type(x).__name__}")
        if not _is_plain(x):
            raise ValueError(f"{where} must be a dense tensor of the CPU, got {x.layout} on {x.device}")
    return Signature(_pytree.tree_map(_Like.of, example_inputs))
