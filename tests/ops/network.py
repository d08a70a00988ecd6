"""One operator as a network, run in guarded memory: what the tests of operators share."""

from collections.abc import Collection, Sequence

import numpy as np

from fastconv import _core
from tests.guarded_numpy import guarded


def run_op(
    op: str,
    inputs: Sequence[np.ndarray | None],
    attributes: dict | None = None,
    *,
    outputs: int = 1,
    constants: Collection[int] = (),
    channels_last: bool = False,
) -> list[np.ndarray]:
    """Run one operator of the vocabulary.

    Parameters
    ----------
    constants
        Positions of inputs that are constants of the graph; the others arrive with the run.
    channels_last
        Hand inputs over with their channels (axis 1) innermost in memory, where they have as many axes as the first.
        Results with as many axes are then taken in both forms, which must agree.
    """
    rank = inputs[0].ndim if channels_last else 0
    feed = {f"x{i}": array for i, array in enumerate(inputs) if array is not None and i not in constants}
    for name, array in feed.items():
        if array.ndim == rank >= 3:
            feed[name] = np.ascontiguousarray(np.moveaxis(array, 1, -1))

    def network(last: Collection[int]) -> _core.Network:
        """With outputs `last` in channels-last form. There and at the inputs, the planner makes transposes views."""
        graph, values = _core.Graph(), []
        for i, array in enumerate(inputs):
            if array is None:
                values.append(None)
            elif i in constants:
                values.append(graph.constant(array))
            else:
                values.append(graph.input(f"x{i}", str(array.dtype), list(feed[f"x{i}"].shape)))
                if array.ndim == rank >= 3:
                    values += graph.add("transpose", [values.pop()], {"perm": [0, rank - 1, *range(1, rank - 1)]})
        for i, result in enumerate(graph.add(op, values, attributes or {}, outputs=outputs)):
            if i in last:
                (result,) = graph.add("transpose", [result], {"perm": [0, *range(2, rank), 1]})
            graph.output(result, f"y{i}")
        return _core.Network(graph)

    arrays = run_guarded(network(()), feed)
    last = [i for i, array in enumerate(arrays) if array.ndim == rank >= 3]
    if last:
        again = run_guarded(network(last), feed)
        for i in last:
            same(np.moveaxis(again[i], -1, 1), arrays[i])
    return arrays


def run_guarded(network: _core.Network, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Run on arrays whose neighbour pages cannot be touched, after their ends and then before their beginnings.

    Dense inputs are read in place, and outputs are written in place over NaN.
    """
    results = []
    for at_end in (True, False):
        with guarded(at_end):
            copies = {name: array.copy(order="K") for name, array in feed.items()}
            results.append(network.run(copies))
    for one, other in zip(*results):
        same(one, other)
    return results[0]


def integers(rng: np.random.Generator, shape: Sequence[int], dtype: str = "float32") -> np.ndarray:
    """Small integers, whose sums are exact in float32, as an array of any type."""
    low = 0 if dtype in ("uint8", "bool") else -9
    return rng.integers(low, 10, shape).astype(dtype)


def same(got: np.ndarray, expected: np.ndarray) -> None:
    """Assert that two arrays agree in type, shape and every bit that has a meaning (NaN equals NaN)."""
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
