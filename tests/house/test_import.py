"""What `import fastconv` costs, and the size of what is installed."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fastconv

# Processor seconds, and NumPy's share of them.
PROBE = """
import json, sys, time
begin = time.process_time()
import numpy
numpy_seconds = time.process_time() - begin
before = set(sys.modules)
import fastconv
seconds = time.process_time() - begin
loaded = [sorted(m for m in names if "." not in m) for names in (sys.modules, set(sys.modules) - before)]
print(json.dumps([seconds, numpy_seconds, *loaded]))
"""


@pytest.fixture(scope="module")
def probes(tmp_path_factory):
    """What five imports of the installed package cost; as after pip, its modules are compiled before."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("compiled"))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", PROBE]
    runs = [subprocess.run(command, env=environment, capture_output=True, check=True) for _ in range(6)]
    return [json.loads(run.stdout) for run in runs[1:]]


def test_import_is_quick(probes):
    """NumPy included: 0.17 s on an idle EPYC, of which NumPy 0.135; 0.08 s for the rest where NumPy alone is slow."""
    seconds = min(probe[0] for probe in probes)
    numpy_seconds = min(probe[1] for probe in probes)
    assert seconds < max(0.2, numpy_seconds + 0.08)


def test_import_loads_nothing_optional(probes):
    peers = {"onnx", "torch", "onnxruntime", "openvino", "tensorflow"}
    others = {"google", "matplotlib", "rich", "PIL", "scipy"}
    assert not (peers | others) & set(probes[0][2])


def test_import_leaves_what_only_some_need_for_later(probes):
    """Each of these brings others along; networks, sessions and measurements load them when they do."""
    assert not {"logging", "pathlib", "statistics", "tempfile"} & set(probes[0][3])


def test_wheel_is_small(tmp_path):
    (package,) = fastconv.__path__
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in Path(package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wheel.write(path)
    assert (tmp_path / "all.zip").stat().st_size < 10e6
