"""One session in a fresh process: run as a program by `session`, which reads the line of JSON it prints.

ONNX Runtime's process must not load fastconv, whose memory would count as its own: so this imports its engine only.
"""

import importlib
import json
import statistics
import sys
import time

import numpy as np

engine, model, threads, feed_file, output_file = sys.argv[1:]
with np.load(feed_file) as archive:
    feed = dict(archive)
began = time.perf_counter()
ort = importlib.import_module(engine)
imported = time.perf_counter()
options = ort.SessionOptions()
options.intra_op_num_threads = int(threads)
options.log_severity_level = 3
options.add_session_config_entry("fastconv.wisdom", "0")  # what an untuned machine gives; nothing to other engines
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
created = time.perf_counter()
outputs = session.run(None, feed)
first = time.perf_counter()
later = []
for _ in range(5):
    start = time.perf_counter()
    session.run(None, feed)
    later.append(time.perf_counter() - start)
np.save(output_file, outputs[0])
# Not getrusage's maximum: a process starts with that of the one that started it.
with open("/proc/self/status") as status:
    peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
figures = {
    "import_ms": (imported - began) * 1e3,
    "create_ms": (created - imported) * 1e3,
    "first_ms": (first - created) * 1e3,
    "run_ms": statistics.median(later) * 1e3,
    "peak_mb": peak_kb / 1024,
}
print(json.dumps(figures))
