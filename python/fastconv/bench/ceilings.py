"""What this machine can do at most: multiply-adds from cache, and reads from cache and from memory.

Measured, not looked up: clocks differ by load, and shared machines get a share of the memory. `roofline` draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fastconv.bench.cases import ConvCase
from fastconv.bench.engines import FastConv
from fastconv.bench.shapes import parse
from fastconv.bench.timing import measure

# Matrix products (1x1 convolutions) whose operands stay in the second-level cache: the best of them is the ceiling.
_PRODUCTS = ("1x256x12x12:96:1", "1x384x12x12:96:1", "1x512x12x12:64:1", "1x256x12x24:128:1")
_CACHED_BYTES = 1 << 19  # a thread's: beyond the first-level cache, inside the last
_MEMORY_BYTES = 1 << 28


@dataclass(frozen=True)
class Ceilings:
    """Of a number of threads together."""

    gflops: float
    cached_gbs: float
    memory_gbs: float

    def attainable(self, intensity: float) -> float:
        """GF/s that a layer of so many operations a byte can reach when its data come from memory."""
        return min(self.gflops, intensity * self.memory_gbs)

    def least_ms(self, flops: float, moved_bytes: float) -> float:
        """Milliseconds that a layer takes at least: its arithmetic, or its data from memory."""
        return max(flops / self.gflops, moved_bytes / self.memory_gbs) / 1e6


def measure_ceilings(threads: int, rounds: int, tick: Callable[[int], object] = lambda blocks: None) -> Ceilings:
    """Measure them: the best median of a few products, and the largest value of an array found by NumPy.

    `tick` is called as in `run.run_case`.
    """
    cases = [ConvCase(parse(text), threads, algorithm="direct") for text in _PRODUCTS]
    products = {str(case.shape): FastConv("NHWC").conv(case).run for case in cases}
    blocks = rounds * (len(products) + 2)
    times = measure(products, rounds=rounds, tick=lambda: tick(blocks))
    gflops = max(case.flops / times[str(case.shape)].median / 1e6 for case in cases)
    cached, memory = (
        _read_gbs(count, threads, rounds, lambda: tick(blocks)) for count in (_CACHED_BYTES, _MEMORY_BYTES)
    )
    return Ceilings(gflops, cached, memory)


def _read_gbs(bytes_each: int, threads: int, rounds: int, tick: Callable[[], object]) -> float:
    arrays = [np.ones(bytes_each // 4, np.float32) for _ in range(threads)]
    repeats = max(1, (1 << 26) // bytes_each)  # so that handing out the work does not count

    def read(array: np.ndarray) -> None:
        for _ in range(repeats):
            array.max()

    with ThreadPoolExecutor(threads) as pool:
        ms = measure({"read": lambda: list(pool.map(read, arrays))}, rounds=rounds, tick=tick)["read"].median
    return bytes_each * repeats * threads / ms / 1e6
