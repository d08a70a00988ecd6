"""One operator as a network: what the tests of operators share."""

from collections.abc import Collection, Sequence

import numpy as np

from fastconv import _core


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
    """
    graph, feed, values = _core.Graph(), {}, []
    for i, array in enumerate(inputs):
        if array is None:
            values.append(None)
        elif i in constants:
            values.append(graph.constant(array))
        elif channels_last and array.ndim == inputs[0].ndim >= 3:
            feed[f"x{i}"] = np.ascontiguousarray(np.moveaxis(array, 1, -1))
            value = graph.input(f"x{i}", str(array.dtype), list(feed[f"x{i}"].shape))
            axes = [0, array.ndim - 1, *range(1, array.ndim - 1)]
            values += graph.add("transpose", [value], {"perm": axes})  # to the planner, a view
        else:
            feed[f"x{i}"] = array
            values.append(graph.input(f"x{i}", str(array.dtype), list(array.shape)))
    results = graph.add(op, values, attributes or {}, outputs=outputs)
    for i, result in enumerate(results):
        graph.output(result, f"y{i}")
    return _core.Network(graph).run(feed)


def integers(rng: np.random.Generator, shape: Sequence[int], dtype: str = "float32") -> np.ndarray:
    """Small integers, whose sums are exact in float32, as an array of any type."""
    low = 0 if dtype in ("uint8", "bool") else -9
    return rng.integers(low, 10, shape).astype(dtype)


def same(got: np.ndarray, expected: np.ndarray) -> None:
    """Assert that two arrays agree in type, shape and every bit that has a meaning (NaN equals NaN)."""
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
