"""Flips bits of a model, each time anew, and runs what is left: the process that tests of malformed files watch.

    python -m tests.onnx.fuzz_worker ATTEMPTS NAME EXTENT...

Reads the model from its input, and feeds zeros of the given extents to its input NAME. Prints the number of each
attempt before making it, so that a crash has a name, and at the end how many attempts ended in an error and how many in
a result.
"""

from __future__ import annotations

import resource
import sys

import numpy as np

from fastconv import InferenceSession

ERRORS = (ValueError, RuntimeError, NotImplementedError, MemoryError)


def main(attempts: int, name: str, shape: list[int]) -> None:
    whole = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))  # a flipped extent may ask for any amount of memory
    feed = {name: np.zeros(shape, np.float32)}
    errors = 0
    for seed in range(attempts):
        print(seed, flush=True)
        random = np.random.default_rng(seed)
        broken = bytearray(whole)
        for _ in range(random.integers(1, 4)):
            broken[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        try:
            InferenceSession(bytes(broken)).run(None, feed)
        except ERRORS:
            errors += 1
    print(f"{errors} errors, {attempts - errors} results")


main(int(sys.argv[1]), sys.argv[2], [int(extent) for extent in sys.argv[3:]])
