"""How the build compiles each file of ours."""

import json
from pathlib import Path

import pytest

from tests.house.test_layers import ROOT
from tests.toolchain import configure


@pytest.fixture(scope="session")
def compile_commands(tmp_path_factory) -> dict[Path, dict]:
    """File -> its entry of CMake's compile_commands.json."""
    build = tmp_path_factory.mktemp("build")
    configure(ROOT, build)
    return {Path(e["file"]): e for e in json.loads((build / "compile_commands.json").read_text())}
