"""Measure which algorithm is fastest for each convolution of a network: what ``fastconv.compile(tune=True)`` does.

The whole network is run once for each algorithm, with every convolution on it that it applies to: so each is timed with
the caches as its neighbours leave them, and with what it took in. `fastconv._wisdom` keeps the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core, _wisdom
from .graph_builder import GraphBuilder

ROUNDS = 7  # each runs the network once with every algorithm in turn
# What the cost model takes stays unless another is clearly faster: no coin is tossed between equals.
MARGIN = 0.97

Array = NDArray[Any]


def tune(
    graph: GraphBuilder,
    precision: str,
    feed: Mapping[str, Array] | None = None,
    *,
    rounds: int = ROUNDS,
    tick: Callable[[int], object] = lambda total: None,
) -> dict[str, _wisdom.Times]:
    """Measure the convolutions of a network that wisdom does not know yet, and remember the outcome.

    Parameters
    ----------
    graph : GraphBuilder
    precision : {"highest", "high", "medium"}
        The error budget; what breaks it is not measured.
    feed : mapping of str to array, optional
        Inputs; the others are random numbers of the shapes that the graph declares, or zeros.
    rounds : int
        How often the network is run with each algorithm.
    tick : function
        Called with the number of runs in all after each.

    Returns
    -------
    dict
        What was measured: by convolution, milliseconds by algorithm, that to take first. Empty where all was known.

    Raises
    ------
    ValueError
        Where an input has free extents and no array is given for it.
    """
    feed = complete_feed(graph, feed or {})
    known = _wisdom.known(precision)
    steps = _network(graph, precision, known).plan_summary(feed)["steps"]
    unknown = {s["convolution"]: s["alternatives"] for s in steps if len(s["alternatives"]) > 1}
    unknown = {key: names for key, names in unknown.items() if key not in known}
    if not unknown:
        return {}
    taken = {s["convolution"]: _name(s) for s in steps}
    tried = list(dict.fromkeys(name for names in unknown.values() for name in names))
    networks = [_network(graph, precision, known | dict.fromkeys(unknown, name)) for name in tried]
    samples: dict[str, dict[str, list[float]]] = {key: {name: [] for name in names} for key, names in unknown.items()}
    for _ in range(rounds):
        for network in networks:
            for key, name, ms in _times(network.profile(feed, runs=1)):
                if key in samples:
                    samples[key][name].append(ms)
            tick(rounds * len(networks))
    measured = {
        key: _ranked({name: float(np.median(ms)) for name, ms in times.items()}, taken[key])
        for key, times in samples.items()
    }
    _wisdom.remember(precision, measured)
    return measured


def complete_feed(graph: GraphBuilder, given: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays for all of a graph's inputs: normal numbers, or zeros where the type is not float32."""
    rng = np.random.default_rng(0)
    feed = dict(given)
    for entry in graph.inputs:
        if entry.name in given:
            continue
        if any(extent < 0 for extent in entry.shape):
            raise ValueError(f"tune: every extent must be given, got {entry.name!r} of shape {list(entry.shape)}")
        is_float = entry.dtype == "float32"
        feed[entry.name] = (
            rng.standard_normal(entry.shape, dtype=np.float32) if is_float else np.zeros(entry.shape, entry.dtype)
        )
    return feed


def _network(graph: GraphBuilder, precision: str, algorithms: Mapping[str, str]) -> _core.Network:
    core = _core.Graph()
    graph.replay(core)
    return _core.Network(core, precision=precision, max_plans=1, algorithms=dict(algorithms))


def _name(step: Mapping[str, Any]) -> str:
    """Return the algorithm of a step."""
    return str(step["algorithm"]).split()[0]


def _times(steps: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, float]]:
    """Return convolution, algorithm and time of each step that is one."""
    return [(s["convolution"], _name(s), s["ms"]) for s in steps if s["convolution"]]


def _ranked(times: _wisdom.Times, taken: str) -> _wisdom.Times:
    """Put the algorithm to take first: the fastest, or `taken` where that is about as fast; then the others by time."""
    ranked = dict(sorted(times.items(), key=lambda item: item[1]))
    fastest = next(iter(ranked))
    if ranked[fastest] > MARGIN * ranked[taken]:
        fastest = taken
    return {fastest: ranked.pop(fastest), **ranked}
