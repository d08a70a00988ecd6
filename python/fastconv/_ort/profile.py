"""Chrome traces (chrome://tracing, Perfetto) of a session's runs, in the form ONNX Runtime writes them."""

from __future__ import annotations

import datetime
import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from fastconv import _core


class Trace:
    """Events of a session, in microseconds since the trace began. Threads may add to it at the same time."""

    def __init__(self) -> None:
        self.start_ns = time.perf_counter_ns()
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, category: str, name: str, begin_ns: int, duration_ns: float, **args: Any) -> None:
        """Add a complete event ("ph": "X") that began at `begin_ns` of `time.perf_counter_ns`."""
        event = {
            "cat": category,
            "pid": os.getpid(),
            "tid": threading.get_native_id(),
            "dur": int(duration_ns // 1000),
            "ts": (begin_ns - self.start_ns) // 1000,
            "ph": "X",
            "name": name,
            "args": args,
        }
        with self._lock:
            self._events.append(event)

    def add_network(self, network: _core.Network, feed: Mapping[str, Any]) -> None:
        """Run a network once more, and add an event for each of its operators."""
        now = time.perf_counter_ns()
        for row in network.profile(feed, runs=1):
            took = int(row["ms"] * 1e6)
            args = {key: row[key] for key in ("algorithm", "flops", "bytes", "shape")}
            self.add("Node", row["name"], now, took, op_name=row["op"], provider="CPUExecutionProvider", **args)
            now += took

    def write(self, prefix: str) -> str:
        """Write the events to ``<prefix>_<date>.json`` and return that name."""
        now = datetime.datetime.now()
        path = f"{prefix.rstrip('_')}_{now:%Y-%m-%d_%H-%M-%S}_{now.microsecond // 1000:03d}.json"
        self.dump(path)
        return path

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Write the events to a file."""
        with self._lock, open(path, "w", encoding="utf-8") as file:
            file.write("[\n" + ",\n".join(map(json.dumps, self._events)) + "\n]\n")
