"""What `import fastconv` costs, and the size of what is installed."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import fastconv

# Processor seconds, and NumPy's own share: 0.08 s on the reference machine, more on a slow or busy one.
PROBE = """
import json, sys, time
begin = time.process_time()
import numpy
numpy_seconds = time.process_time() - begin
import fastconv
seconds = time.process_time() - begin
print(json.dumps([seconds, numpy_seconds, sorted(m for m in sys.modules if "." not in m)]))
"""


def probe():
    return json.loads(subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True).stdout)


def test_import_is_quick():
    seconds, numpy_seconds, _ = min(probe() for _ in range(5))
    assert seconds < 0.2 * max(1, numpy_seconds / 0.08)


def test_import_loads_nothing_optional():
    peers = {"onnx", "torch", "onnxruntime", "openvino", "tensorflow"}
    others = {"google", "matplotlib", "rich", "PIL", "scipy"}
    assert not (peers | others) & set(probe()[2])


def test_wheel_is_small(tmp_path):
    (package,) = fastconv.__path__
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in Path(package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wheel.write(path)
    assert (tmp_path / "all.zip").stat().st_size < 10e6
