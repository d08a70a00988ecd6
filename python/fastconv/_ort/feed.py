"""Checks of what a caller gives a session: values to feed, providers to use. The messages are ONNX Runtime's."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastconv._ort.describe import NodeArg
from fastconv._ort.errors import InvalidArgument
from fastconv._ort.values import OrtValue, dtype_of, type_of

PROVIDERS = ("CPUExecutionProvider",)
_FLOAT32 = np.dtype(np.float32)
_HINT = "Please fix either the inputs/outputs or the model."


class Expected:
    """What an input takes: `check` looks at each fed value, quickly at float32 arrays that are as they should be.

    Parameters
    ----------
    arg : NodeArg
    """

    def __init__(self, arg: NodeArg) -> None:
        self._arg = arg
        self._rank = len(arg.shape) if arg.type == "tensor(float)" and arg.ranked else -1  # -1: look closely
        self._extents = [(axis, extent) for axis, extent in enumerate(arg.shape) if isinstance(extent, int)]

    def check(self, value: Any) -> Any:
        """Return a fed value as `check_value` does."""
        if type(value) is not np.ndarray or value.dtype != _FLOAT32 or value.ndim != self._rank:
            return check_value(self._arg, value)
        shape = value.shape
        for axis, extent in self._extents:
            if shape[axis] != extent:
                return check_value(self._arg, value)
        return value


def check_value(arg: NodeArg, value: Any) -> Any:
    """Return a fed value as the array that the model expects.

    Raises
    ------
    InvalidArgument
        For a wrong data type, rank or extent.
    """
    if isinstance(value, OrtValue):
        value = value.value
    if not arg.type.startswith("tensor("):
        return value
    if value is None:
        raise InvalidArgument.of(f"input {arg.name}: must be a tensor, got None")
    if isinstance(value, (list, tuple, int, float, bool, str)):
        value = _convert(arg, value)
    value = np.asarray(value)
    if type_of(value) != arg.type:
        raise InvalidArgument.of(f"Unexpected input data type. Actual: ({type_of(value)}) , expected: ({arg.type})")
    if arg.ranked:
        _check_shape(arg, value.shape)
    return value


def _convert(arg: NodeArg, value: Any) -> np.ndarray:
    """Python's own numbers take the type that the model expects."""
    try:
        return np.asarray(value, dtype_of(arg.type))
    except (TypeError, ValueError) as error:
        raise InvalidArgument.of(f"input {arg.name}: must convert to {arg.type}: {error}") from error


def _check_shape(arg: NodeArg, shape: Sequence[int]) -> None:
    if len(shape) != len(arg.shape):
        raise InvalidArgument.of(
            f"Invalid rank for input: {arg.name} Got: {len(shape)} Expected: {len(arg.shape)} {_HINT}"
        )
    pairs = enumerate(zip(shape, arg.shape))
    wrong = [f" index: {i} Got: {got} Expected: {want}" for i, (got, want) in pairs if _differs(got, want)]
    if wrong:
        lines = "\n".join(wrong)
        raise InvalidArgument.of(
            f"Got invalid dimensions for input: {arg.name} for the following indices\n{lines}\n {_HINT}"
        )


def _differs(got: int, want: int | str | None) -> bool:
    return isinstance(want, int) and got != want


def chosen_providers(
    providers: Sequence[Any] | None, provider_options: Sequence[Mapping[str, Any]] | None
) -> dict[str, dict[str, Any]]:
    """Return the options of each provider in use, after a warning for those that are not available.

    Raises
    ------
    ValueError
        For entries that are neither a name nor a pair of name and options, or options without a provider each.
    """
    names = list(providers or [])
    options = list(provider_options) if provider_options is not None else [{} for _ in names]
    if len(options) != len(names):
        raise ValueError(f"provider_options: must hold one dict a provider ({len(names)}), got {len(options)}")
    chosen: dict[str, dict[str, Any]] = {name: {} for name in PROVIDERS}
    for entry, given in zip(names, options):
        name, given = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, given)
        if not isinstance(name, str) or not isinstance(given, Mapping):
            raise ValueError(f"providers: must hold names or (name, options) pairs, got {entry!r}")
        if name in PROVIDERS:
            chosen[name] = dict(given)
        else:
            warnings.warn(
                f"Specified provider {name!r} is not in available provider names. "
                f"Available providers: {', '.join(PROVIDERS)!r}",
                stacklevel=4,
            )
    return chosen
