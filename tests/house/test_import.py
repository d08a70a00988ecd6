"""What `import fastconv` costs, and the size of what is installed."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import fastconv

PROBE = """
import json, sys, time
begin = time.process_time()  # a busy machine must not fail the test
import fastconv
print(json.dumps([time.process_time() - begin, sorted(m for m in sys.modules if "." not in m)]))
"""


def probe():
    return json.loads(subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True).stdout)


def test_import_is_quick():
    assert min(probe()[0] for _ in range(5)) < 0.2


def test_import_loads_nothing_optional():
    peers = {"onnx", "torch", "onnxruntime", "openvino", "tensorflow"}
    others = {"google", "matplotlib", "rich", "PIL", "scipy"}
    assert not (peers | others) & set(probe()[1])


def test_wheel_is_small(tmp_path):
    (package,) = fastconv.__path__
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in Path(package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wheel.write(path)
    assert (tmp_path / "all.zip").stat().st_size < 10e6
