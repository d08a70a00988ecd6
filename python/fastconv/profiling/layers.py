"""A network's layers with their times and limits. Start reading at `measure`.

A layer's limit is the least time in which the machine could do what the layer asks for: its operations at the rate of
the best matrix product, or its bytes at the rate of reads from memory, whichever takes longer. Both rates are measured
(`fastconv.bench.ceilings`). Operations are counted as the direct sums', so Winograd may beat the limit, and so may a
layer whose data are found in cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fastconv
from fastconv._compile import with_epilogue
from fastconv.bench.cases import ModelCase
from fastconv.bench.ceilings import Ceilings
from fastconv.bench.clock import Clock
from fastconv.bench.engines import FastConv
from fastconv.bench.run import Conditions
from fastconv.bench.steps import timed_steps
from fastconv.bench.timing import measure as time_of

# What operators are to somebody who looks at the whole: the colours of pictures.
_KINDS = {
    "convolution": ("conv", "conv_transpose"),
    "matrix product": ("gemm", "matmul"),
    "pooling": ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "reduce_mean"),
    "normalization": ("batch_norm", "instance_norm", "group_norm", "layer_norm", "lrn", "softmax", "log_softmax"),
    "moving data": (
        *("reformat", "concat", "split", "slice", "pad", "transpose", "reshape", "flatten", "identity"),
        *("gather", "resize", "expand", "tile", "depth_to_space", "space_to_depth"),
    ),
}
_KIND_OF = {op: kind for kind, ops in _KINDS.items() for op in ops}
DEPTHWISE, FALLBACK, OTHER = "depthwise convolution", "onnx's reference implementation", "element by element"
KINDS = ("convolution", DEPTHWISE, *list(_KINDS)[1:], OTHER, FALLBACK)


@dataclass(frozen=True)
class Layer:
    """One step of the plan."""

    name: str
    op: str
    what: str  # the operator and what it took in: "conv + relu"
    algorithm: str
    kernel: str
    shape: tuple[int, ...]  # of the result
    ms: float  # median
    share: float  # of the time of all layers
    flops: float  # of the direct sums
    bytes: int  # inputs, weights and outputs, once each
    least_ms: float  # the limit; 0 where neither operations nor bytes are known
    error: float | None  # relative Frobenius error against float64

    @property
    def gflops(self) -> float:
        """Billions of operations a second."""
        return self.flops / self.ms / 1e6 if self.ms else 0.0

    @property
    def limit(self) -> float:
        """The share of the limit that is reached: 1 where the layer takes the least time."""
        return self.least_ms / self.ms if self.ms else 0.0

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.kernel == "onnx.reference":
            return FALLBACK
        return DEPTHWISE if self.algorithm == "depthwise" else _KIND_OF.get(self.op, OTHER)


@dataclass(frozen=True)
class Profile:
    """A network's layers in running order, and what was measured of the whole."""

    model: str
    inputs: str  # "1x3x224x224"
    run_ms: float  # median of whole runs, without a clock between layers
    layers: list[Layer]
    arena_bytes: int | None  # for intermediate values; None where the network is several
    constants_bytes: int | None  # weights, packed
    ceilings: Ceilings
    conditions: Conditions
    drift: float = 0.0  # of the clock: see `fastconv.bench.clock`

    @property
    def layers_ms(self) -> float:
        """The sum of the layers' times."""
        return sum(layer.ms for layer in self.layers)

    @property
    def gflops(self) -> float:
        """Of whole runs."""
        return sum(layer.flops for layer in self.layers) / self.run_ms / 1e6

    @property
    def limit(self) -> float:
        """The share of the limit that all layers together reach."""
        return sum(layer.least_ms for layer in self.layers) / (self.layers_ms or 1.0)

    def by_kind(self) -> dict[str, float]:
        """Return the share of the layers' time that each kind takes, in the order of `KINDS`."""
        shares = {kind: sum(layer.share for layer in self.layers if layer.kind == kind) for kind in KINDS}
        return {kind: share for kind, share in shares.items() if share}

    def summary(self) -> str:
        """One line."""
        beaten = " (Winograd and caches beat it)" if self.limit > 1 else ""
        return (
            f"{self.model}, {self.inputs}: {self.run_ms:.3f} ms a run, {self.gflops:.0f} GF/s, "
            f"{self.limit:.0%} of the machine's limit{beaten}, {len(self.layers)} layers"
        )


def measure(
    case: ModelCase,
    ceilings: Ceilings,
    runs: int,
    errors: bool,
    clock: Clock,
    tick: Callable[[int], object] = lambda runs: None,
) -> tuple[Profile, list[dict[str, Any]]]:
    """Run a network layer by layer, and as a whole.

    Networks go by what was tuned on this machine, as sessions do.

    Parameters
    ----------
    case : ModelCase
    ceilings : Ceilings
        Of the case's number of threads.
    runs : int
        Times are medians of so many.
    errors : bool
        Whether to measure each layer's error, which takes longer than the rest. A network with operators that are not
        native has none.
    clock : Clock
        Read between the measurements.
    tick : function, optional
        Called after each run with the number of them all.

    Returns
    -------
    Profile
    list of dict
        The steps as `fastconv.explain` tells them.
    """
    fastconv.set_num_threads(case.threads)
    clock()
    timing: dict[str, Any] = {"rounds": runs, "between": clock, "tick": lambda: tick(2 * runs)}
    arena = constants = None
    try:
        network = fastconv.compile(case.model, precision=case.precision)
    except NotImplementedError:
        with fastconv.precision(case.precision):
            session = fastconv.InferenceSession(case.model)
        steps = _shared([{"epilogue": "", "error": None, **step} for step in session.profile(case.feed, runs)])
        whole = time_of({"run": lambda: session.run(None, case.feed)}, **timing)["run"]
    else:
        steps = timed_steps(network, case, runs, errors, lambda: tick(2 * runs))
        whole = time_of({"run": lambda: network.run(case.feed)}, **timing)["run"]
        plan = network._core.plan_summary(case.feed)
        arena, constants = plan["arena_bytes"], plan["constants_bytes"]
    inputs = ", ".join("x".join(map(str, array.shape)) for array in case.feed.values())
    layers = [_layer(step, ceilings) for step in steps]
    conditions = Conditions.of([FastConv()], case.threads, case.precision)
    profile = Profile(
        case.name, inputs, whole.median, layers, arena, constants, ceilings, conditions, drift=clock.drift
    )
    return profile, steps


def _shared(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    total = sum(step["ms"] for step in steps) or 1.0
    return [{**step, "share": step["ms"] / total} for step in steps]


def _layer(step: dict[str, Any], ceilings: Ceilings) -> Layer:
    algorithm, _, kernel = step["algorithm"].partition(" ")
    return Layer(
        step["name"],
        step["op"],
        with_epilogue(step),
        algorithm if kernel else "",
        kernel or algorithm,
        tuple(step["shape"]),
        step["ms"],
        step["share"],
        step["flops"],
        step["bytes"],
        ceilings.least_ms(step["flops"], step["bytes"]),
        step["error"],
    )
