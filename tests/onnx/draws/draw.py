"""Random choices, and the use of an operator that they make: what every module here draws with and returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Use(NamedTuple):
    """One use of an operator."""

    inputs: list[Any]  # arrays; None where absent
    attributes: dict[str, Any]
    outputs: int = 1


class Draw:
    """Random choices at an opset."""

    def __init__(self, opset: int, seed: int):
        self.opset = opset
        self.random = np.random.default_rng([opset, seed])

    def int(self, low: int, high: int) -> int:
        """An int in [low, high]."""
        return int(self.random.integers(low, high + 1))

    def ints(self, low: int, high: int, count: int) -> list[int]:
        return [self.int(low, high) for _ in range(count)]

    def yes(self, chance: float = 0.5) -> bool:
        return bool(self.random.random() < chance)

    def one_of(self, *choices: Any) -> Any:
        return choices[self.int(0, len(choices) - 1)]

    def shape(self, low: int = 1, high: int = 4) -> list[int]:
        """A shape of rank low to high."""
        return self.ints(1, 6, self.int(low, high))

    def floats(self, shape: Any, low: float = -3, high: float = 3) -> np.ndarray:
        return self.random.uniform(low, high, shape).astype(np.float32)

    def numbers(self, shape: Any, kind: str) -> np.ndarray:
        """Small numbers of a type, none of them 0."""
        if kind == "bool":
            return self.random.random(shape) < 0.5
        if kind.startswith("float"):
            return self.floats(shape).astype(kind)
        sign = 1 if kind.startswith("u") else self.random.choice([-1, 1], shape)
        return (self.random.integers(1, 9, shape) * sign).astype(kind)

    def any_kind(self) -> str:
        return self.one_of("float32", "float32", "int64", "int32", "uint8", "bool")

    def number_kind(self) -> str:
        return self.one_of("float32", "float32", "int64", "int32")

    def axis(self, rank: int) -> int:
        """An axis; negative ones exist since opset 11."""
        return self.int(-rank if self.opset >= 11 else 0, rank - 1)

    def axes(self, rank: int) -> list[int]:
        """Some axes in any order."""
        chosen = self.random.permutation(rank)[: self.int(1, rank)].tolist()
        return [a - rank if self.opset >= 11 and self.yes() else a for a in chosen]

    def part(self, shape: list[int]) -> list[int]:
        """A shape that broadcasts with `shape` to it."""
        kept = shape[self.int(0, len(shape)) :]
        return [1 if self.yes(0.3) else n for n in kept]

    def some(self, **attributes: Any) -> dict[str, Any]:
        """Each attribute or its absence."""
        return {name: value for name, value in attributes.items() if self.yes(0.75)}


def ints(values: Any) -> np.ndarray:
    return np.array(values, np.int64)
