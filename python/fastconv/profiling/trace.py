"""A profile as Chrome trace JSON, for chrome://tracing and Perfetto, in the form of ONNX Runtime's profiles."""

from __future__ import annotations

import os

from fastconv._ort.profile import Trace
from fastconv.profiling.layers import Profile


def write_trace(profile: Profile, path: str | os.PathLike[str]) -> None:
    """Write a run of the layers' median times, one after the other, and over them an event for all of them."""
    trace = Trace()
    now = trace.start_ns
    trace.add("Session", "model_run", now, profile.layers_ms * 1e6, model=profile.model)
    for layer in profile.layers:
        took = layer.ms * 1e6
        trace.add(
            "Node",
            layer.name,
            now,
            took,
            op_name=layer.op,
            provider="CPUExecutionProvider",
            operator=layer.what,
            algorithm=layer.algorithm,
            kernel=layer.kernel,
            shape=list(layer.shape),
            ms=layer.ms,
            flops=layer.flops,
            gflops=layer.gflops,
            bytes=layer.bytes,
            limit=layer.limit,
            error=layer.error,
        )
        now += int(took)
    trace.dump(path)
